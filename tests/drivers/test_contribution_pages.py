"""The pages on contributions and on drivers as published do what they say."""

import doctest
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[2] / "docs" / "howto"


@pytest.mark.parametrize("page", ["contributions.md", "drivers-as-published.md"])
def test_examples_of_the_page(page):
    failed, tried = doctest.testfile(str(PAGES / page), module_relative=False, encoding="utf-8",
                                     optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert failed == 0
    assert tried > 2
