"""The made world is a module beside these tests; pytest does not put it on the path by itself."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
