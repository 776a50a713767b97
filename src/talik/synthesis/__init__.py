"""Years and published tables become one table of sites."""
