"""The chapter of figures: those that were drawn, and one line on each that was not."""

from __future__ import annotations

import re

import polars as pl

from talik.report.material import Material, in_words
from talik.report.parts import Paragraph, Part, Picture, Section

_OF_STEPS = {"drivers": "Figure 5 (drivers)", "slopes": "Figures 6 and 7 (slopes on snow and on moisture)"}


def pictures(material: Material) -> Section | None:
    """Every figure with number and caption; figures of the study's plan that are missing, each with the reason."""
    listed = material.table("figures/figures.csv")
    if listed is None:
        return None
    parts: list[Part] = [Paragraph("Each figure stands in the folder figures/ as SVG and PNG, its data beside it as "
                                   "CSV.")]
    stems = set(listed["name"].str.extract(r"^fig(\d+)"))
    absent = [(title, material.not_run(step)) for step, title in _OF_STEPS.items()
              if not stems & set(re.findall(r"\d", title))]
    absent += [(_number(name), reason) for name, reason in
               listed.filter(pl.col("reason").is_not_null()).select("name", "reason").iter_rows()]
    parts += [Paragraph(f"not drawn: {in_words(reason) or 'the step that makes it was not run'}", lead=title,
                        note=True) for title, reason in absent]
    parts += [Picture(material.results / "figures" / row["name"], row["inline"], _number(row["name"]), row["caption"],
                      row["alt"]) for row in listed.filter(pl.col("reason").is_null()).iter_rows(named=True)]
    return Section("figures", "Figures", parts)


def _number(name: str) -> str:
    """
    The number of a figure from its file's name.

    Examples
    --------
    >>> _number("fig5a_ranks_surface_offset"), _number("fig9_years_03"), _number("fig8_sites")
    ('Figure 5a, ranks', 'Figure 9.3', 'Figure 8')
    """
    number, rest = re.match(r"fig(\d+[a-z]?)_?(.*)", name).groups()      # type: ignore[union-attr]
    place = re.search(r"_(\d+)$", rest)
    return f"Figure {number}" + (f".{int(place[1])}" if place else ", ranks" if rest.startswith("ranks") else "")
