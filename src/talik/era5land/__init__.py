"""ERA5-Land: from grid to points."""
