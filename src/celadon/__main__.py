"""`python -m celadon` is the command, too."""

from celadon.cli.main import main

main()
