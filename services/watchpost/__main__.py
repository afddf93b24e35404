"""`python -m watchpost` is the command `watchpost`."""

from watchpost.cli import main

main()
