"""What is wrong with this server, and what will be: one look, and small pure checks of what it saw."""
