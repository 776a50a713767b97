"""The series store: one Parquet file per series and one catalogue."""

import os

os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")    # Arrow's own pool keeps what it was once given
