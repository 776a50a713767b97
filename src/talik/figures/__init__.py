"""A frame becomes ink. Knows only the words: the catalogue, the errors, the results."""
