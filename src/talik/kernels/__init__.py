"""Arrays in, arrays out: the numerical heart. Knows numpy, scipy and numba, and nothing else of talik."""
