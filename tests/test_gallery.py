"""Every gallery script draws what it says, from the documentation's own folder, without a network."""

import importlib.util
import inspect
from pathlib import Path

import pytest

GALLERY = sorted((Path(__file__).parents[1] / "docs" / "gallery").glob("*.py"))
FEWER = {"refits": 20, "n_null": 3}
"""Random draws that are enough to see that a script draws."""


@pytest.mark.parametrize("script", GALLERY, ids=lambda path: path.stem)
def test_gallery_script_draws_its_figures(script, tmp_path):
    spec = importlib.util.spec_from_file_location(f"gallery_{script.stem}", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    taken = inspect.signature(module.main).parameters
    drawn = module.main(tmp_path, **{name: draws for name, draws in FEWER.items() if name in taken})
    assert drawn
    for path in drawn:
        assert Path(path).parent == tmp_path
        assert Path(path).stat().st_size > 5_000
