"""The doors to the outside: each module speaks to one program or kernel interface, and none to another, but for process."""
