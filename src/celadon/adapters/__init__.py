"""The doors to the outside: each module speaks to one program or kernel interface, none to another but process."""
