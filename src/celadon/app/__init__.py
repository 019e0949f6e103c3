"""The use cases: the command line calls only these. Looking never imports what acting needs, so it stays quick."""
