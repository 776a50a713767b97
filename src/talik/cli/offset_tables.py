"""Tables of offsets as a terminal takes them: values with their uncertainty in one cell; CSV has the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

_OFFSETS = {"SO ± u": "surface_offset", "TO ± u": "thermal_offset"}
_MEANS = {"MAAT": "maat", "MAGST": "magst", "TTOP": "ttop"}


def short_years(table: pl.DataFrame) -> pl.DataFrame:
    """A row a year of one site: days of its emptiest sensor, means and offsets [°C], ALT [m] and its bounds, reason."""
    import polars as pl

    rows = [{"year": str(row["year"]), "days": str(_days(row)), **_values(row), "ALT": _thickness(row),
             "reason": _reasons(row["reason"])} for row in table.iter_rows(named=True)]
    return pl.DataFrame(rows, infer_schema_length=None)


def short_sites(table: pl.DataFrame) -> pl.DataFrame:
    """A row a site: first and last year, means over the years, and years with a surface/thermal offset (n)."""
    import polars as pl

    rows = [{"site": row["site"], "years": f"{row['first_year']}-{row['last_year']}" if row["last_year"] else None,
             **_values(row), "ALT": _number(row.get("alt")),
             "n": f"{row['surface_offset_n']}/{row['thermal_offset_n']}"} for row in table.iter_rows(named=True)]
    return pl.DataFrame(rows, infer_schema_length=None)


def _days(row: Mapping[str, Any]) -> int:
    """Days with a value at the sensor that has fewest; one without any is no part of the year (no profile is known)."""
    return min((n for side in ("air", "surface", "depth") if (n := row.get(f"n_{side}"))), default=0)


def _values(row: Mapping[str, Any]) -> dict[str, str | None]:
    return ({name: _signed(row.get(column)) for name, column in _MEANS.items()} |
            {name: _measured(row.get(column), row.get(f"{column}_uncertainty")) for name, column in _OFFSETS.items()})


def _signed(value: float | None) -> str | None:
    return None if value is None else f"{value:5.2f}"


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"


def _measured(value: float | None, uncertainty: float | None) -> str | None:
    if value is None:
        return None
    return f"{value:+.2f}" + ("" if uncertainty is None else f"±{uncertainty:.2f}")


def _thickness(row: Mapping[str, Any]) -> str | None:
    low, high = row.get("alt_lower"), row.get("alt_upper")
    told = [_number(row.get("alt")), None if low is None or high is None else f"[{low:g}-{high:g}]"]
    return " ".join(text for text in told if text) or None


def _reasons(text: str | None) -> str | None:
    """The reasons of what is shown, each said once."""
    shown = {column: name.removesuffix(" ± u") for name, column in (_MEANS | {"ALT": "alt"} | _OFFSETS).items()}
    why: dict[str, list[str]] = {}
    for part in (text or "").split("; "):
        column, _, reason = part.partition(": ")
        if column in shown:
            why.setdefault(reason, []).append(shown[column])
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in why.items()) or None
