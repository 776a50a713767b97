"""The series store: one Parquet file per series and one catalogue."""
