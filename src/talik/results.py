"""What every analysis hands back: read-only numbers, a table, a figure, a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl


class Result:
    """
    Base of every analysis result: a frozen, slotted dataclass with `to_frame`, `plot` and a sentence in `str`.

    A subclass sets `figure` to the *name* of its drawing function ("talik.figures.forest:forest"), which is
    looked up only when `plot` is called: convenience costs no upward import. Every subclass keeps `settings`
    (what was asked) and `data_hash` (of the rows it came from), so that a number can be traced.
    """

    __slots__ = ()
    figure: ClassVar[str] = ""
    settings: Mapping[str, Any]
    data_hash: str

    def to_frame(self) -> pl.DataFrame:
        """The result as a tidy polars frame: one row one thing, columns named as in the catalogue."""
        raise TypeError(f"{type(self).__name__} does not define to_frame")

    def to_pandas(self) -> pd.DataFrame:
        """The result as a tidy pandas frame."""
        return self.to_frame().to_pandas()

    def plot(self, ax: Any = None, **style: Any) -> Any:
        """Draw the result with its figure function on `ax` (a new figure when None); returns the axes."""
        module, _, name = self.figure.partition(":")
        if not name:
            raise TypeError(f"{type(self).__name__} has no figure of its own; draw its to_frame()")
        return getattr(import_module(module), name)(self.to_frame(), ax=ax, **style)
