"""`python -m talik` is the same as `talik`."""

from talik.cli import main

main()
