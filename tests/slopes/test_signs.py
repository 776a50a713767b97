"""The figure of random signs draws every combination and the pinned slope."""

import polars as pl
import pytest

from talik.analysis.slope_checks import random_signs
from talik.errors import DataError
from talik.figures.signs import sign_sensitivity


def test_every_combination_is_drawn_once():
    groups = pl.DataFrame({"slope": [-1.0, -1.1, -0.9, None], "se": [0.1, 0.2, 0.1, None]})
    ax = sign_sensitivity(random_signs(groups), pinned=-1.0)
    assert sum(bar.get_height() for bar in ax.patches) == 8
    assert ax.get_ylabel() == "Combinations (of 8)"


def test_nothing_to_draw_is_said():
    with pytest.raises(DataError, match="no pooled slope to draw"):
        sign_sensitivity({"mean": [None]}, pinned=0.0)
