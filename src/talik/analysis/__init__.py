"""A table of sites becomes statements."""
