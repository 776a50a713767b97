"""A record becomes years: quality, annual means, offsets, uncertainty."""
