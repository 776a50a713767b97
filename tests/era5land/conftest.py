"""What the tests of ERA5-Land share: the made world as a module beside them, and no key of whoever runs them."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def without_a_saved_key(monkeypatch, tmp_path):
    """No test asks the true service in the name of whoever runs it."""
    monkeypatch.delenv("CDSAPI_KEY", raising=False)
    monkeypatch.setenv("CDSAPI_RC", str(tmp_path / "no-cdsapirc"))
