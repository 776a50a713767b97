"""The plates of a study: what each figure is drawn from, its caption, and its words for those who cannot see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from talik.errors import DataError
from talik.files import write_csv
from talik.variables import shown_unit, variable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Tables = Mapping[str, pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Plate:
    """
    One figure of a study.

    Parameters
    ----------
    name : str
        Stem of its files.
    draw : callable
        Takes the tables of the study and the extent layer (or None); gives a matplotlib figure.
    data : callable
        Takes the tables; gives the frame that is drawn, which is written beside the figure.
    caption : str
        What is shown, with unit and method.
    alt : callable
        Takes that frame; says the content in a sentence or two with numbers.
    needs : tuple of str
        Tables without which there is no such plate (the step that makes them says why it was not run).
    """

    name: str
    draw: Callable[[Tables, Any], Figure]
    data: Callable[[Tables], pl.DataFrame]
    caption: str
    alt: Callable[[pl.DataFrame], str]
    needs: tuple[str, ...] = ("sites", "summary")


def write_plates(tables: Tables, folder: Path, *, profile: str = "talik", extent: Path | None = None) -> pl.DataFrame:
    """
    Draw every plate the tables carry into a folder: SVG, PNG, and the data as CSV.

    Parameters
    ----------
    tables : mapping of str to polars.DataFrame
        "sites" and "summary"; "site_years", "slopes_pooled", "drivers_contributions", "drivers_ranks",
        "drivers_verdicts" and "drivers_skill" where these were run.
    folder : Path
        Where the files go.
    profile : {"talik", "liu2025"}
        Whose pooled slopes are drawn.
    extent : Path, optional
        Permafrost extent to draw under the maps (GeoTIFF, shapefile or GeoJSON).

    Returns
    -------
    polars.DataFrame
        One row a plate: name, caption, alt, inline (the kind of file for a page), reason (why it was not drawn).
    """
    from talik.figures.canvas import save
    from talik.figures.extent import read_extent

    layer = read_extent(extent) if extent else None
    rows: list[tuple[str, str, str, str, str | None]] = []
    for plate in (*PLATES, *_year_plates(tables), *_driver_plates(), *_slope_plates(profile)):
        if not set(plate.needs) <= set(tables):
            continue
        try:
            data = plate.data(tables)
            save(plate.draw(tables, layer), folder / plate.name)
        except DataError as error:          # a study without coordinates, say, has no maps: told, not hidden
            rows.append((plate.name, plate.caption, "", "", str(error)))
            continue
        write_csv(folder / f"{plate.name}.csv", data)
        rows.append((plate.name, plate.caption, plate.alt(data), "svg", None))
    schema = {"name": pl.String, "caption": pl.String, "alt": pl.String, "inline": pl.String, "reason": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _profiles(tables: Tables, extent: Any) -> Figure:
    from talik.figures.profiles import state_profiles

    by = _coarsest(tables["summary"])
    sites = tables["sites"] if by != "all" else tables["sites"].with_columns(all=pl.lit("all sites"))
    return state_profiles(sites, tables["summary"], by=by)


def _forest(tables: Tables, extent: Any) -> Figure:
    from talik.figures.regions import regional_forest

    by = _finest(tables["summary"])
    regions = {}
    if by == "subregion":
        pairs = tables["sites"].select("subregion", "region").drop_nulls().unique().iter_rows()
        regions = dict(pairs)
    return regional_forest(tables["summary"], by=by, regions=regions)


def _map_of(quantity: str) -> Callable[[Tables, Any], Figure]:
    def draw(tables: Tables, extent: Any) -> Figure:
        from talik.figures.maps import offset_map

        return offset_map(tables["sites"], quantity, extent=extent)

    return draw


def _overview(tables: Tables, extent: Any) -> Figure:
    from talik.figures.maps import site_map

    return site_map(tables["sites"], extent=extent)


def _finest(summary: pl.DataFrame) -> str:
    """The grouping with most groups: sub-regions where there are any."""
    return "subregion" if "subregion" in summary["by"] else _coarsest(summary)


def _coarsest(summary: pl.DataFrame) -> str:
    """Regions where there are any, else the only grouping of the summary ("all": every site)."""
    return "region" if summary.is_empty() or "region" in summary["by"] else str(summary["by"][0])


def _summary_by(by: Callable[[pl.DataFrame], str]) -> Callable[[Tables], pl.DataFrame]:
    """The rows of the summary by the grouping that `by` gives."""
    return lambda tables: tables["summary"].filter(by=by(tables["summary"]))


def _columns(*names: str) -> Callable[[Tables], pl.DataFrame]:
    return lambda tables: tables["sites"].select(n for n in names if n in tables["sites"].columns)


_PLACE = ("site", "region", "subregion", "latitude", "longitude")


def _means_said(quantities: Sequence[str]) -> Callable[[pl.DataFrame], str]:
    def said(frame: pl.DataFrame) -> str:
        parts = []
        for name in quantities:
            rows = frame.filter((pl.col("variable") == name) & pl.col("mean").is_not_null())
            values = ", ".join(f"{row['group']} {row['mean']:.1f}" for row in rows.iter_rows(named=True))
            parts.append(f"{variable(name).short} ({shown_unit(variable(name).units)}): {values}")
        return "Means. " + "; ".join(parts) + "."

    return said


def _range_said(quantity: str) -> Callable[[pl.DataFrame], str]:
    def said(frame: pl.DataFrame) -> str:
        drawn = frame.drop_nulls(["latitude", "longitude", quantity])
        low, high = drawn.sort(quantity).select("site", quantity).row(0), drawn.sort(quantity).row(-1, named=True)
        return (f"{variable(quantity).label} at {drawn.height} sites, from {low[1]:.1f} °C ({low[0]}) to "
                f"{high[quantity]:.1f} °C ({high['site']}).")

    return said


def _places_said(frame: pl.DataFrame) -> str:
    located = frame.drop_nulls(["latitude", "longitude"])
    by = "subregion" if "subregion" in frame.columns else "region"
    counts = located[by].drop_nulls().value_counts(sort=True).iter_rows() if by in frame.columns else ()
    return f"{located.height} sites: " + ", ".join(f"{name} {n}" for name, n in counts) + "."


PLATES: Sequence[Plate] = (
    Plate("fig1_state_profiles", _profiles, _summary_by(_coarsest),
          "Thermal state of the ground by region: mean annual temperature of air, ground surface and top of permafrost "
          "(°C) against height and depth, at the depths of the sensors where these are known. Thin "
          "lines: sites; bold: mean over sites; bars: one standard deviation.",
          _means_said(("maat", "magst", "ttop"))),
    Plate("fig2_regional_forest", _forest, _summary_by(_finest),
          "Means of surface offset, thermal offset, TTOP, MAGST and MAAT (°C) with n of the values and 95 % intervals "
          "from resampled clusters of sites, where there are enough of them. An interval that ends in an arrow goes on "
          "beyond the panel.",
          _means_said(("surface_offset", "thermal_offset"))),
    Plate("fig3_surface_offset", _map_of("surface_offset"), _columns(*_PLACE, "surface_offset"),
          "Surface offset, MAGST minus MAAT (°C): colour is the signed value, size the magnitude.",
          _range_said("surface_offset")),
    Plate("fig4_thermal_offset", _map_of("thermal_offset"), _columns(*_PLACE, "thermal_offset"),
          "Thermal offset, TTOP minus MAGST (°C): colour is the signed value, size the magnitude.",
          _range_said("thermal_offset")),
    Plate("fig8_sites", _overview, _columns(*_PLACE), "Where the sites are.", _places_said),
)
"""The plates every study has; drivers and slopes bring theirs when they were run."""


MOST_STATIONS = 12
"""Stations whose years are drawn: those with most; the table has all."""


def _year_plates(tables: Tables) -> Iterator[Plate]:
    """Offsets by year of each station that has any."""
    if "site_years" not in tables:
        return
    known = tables["site_years"].filter(
        pl.any_horizontal(pl.col("surface_offset", "thermal_offset").is_not_null()))
    most = known["site"].value_counts(sort=True).sort("count", "site", descending=[True, False])["site"]
    for number, site in enumerate(most.head(MOST_STATIONS), 1):

        def years(tables: Tables, site: str = site) -> pl.DataFrame:
            return tables["site_years"].filter(site=site)

        def draw(tables: Tables, extent: Any, site: str = site) -> Figure:
            from talik.figures.series import offsets_by_year

            return _figure(offsets_by_year(tables["site_years"].filter(site=site)))

        yield Plate(f"fig9_years_{number:02d}", draw, years,
                    f"{site}: surface and thermal offset (°C) of every year that is whole, with standard uncertainty, "
                    "and their means over all years drawn; the table of sites takes the years that have both. A year "
                    "without a point lacks one of its temperatures.", _years_said,
                    ("site_years",))


def _years_said(frame: pl.DataFrame) -> str:
    parts = []
    for name in ("surface_offset", "thermal_offset"):
        known = frame.drop_nulls(name)
        if known.height:
            years, values = known["year"].to_list(), known[name].to_list()
            when = f"{len(years)} years from {min(years)} to {max(years)}" if len(years) > 1 else f"{years[0]}"
            parts.append(f"{variable(name).label} in {when}: mean {sum(values) / len(values):.2f} °C, "
                         f"{min(values):.2f} to {max(values):.2f}")
    return f"Offsets of {frame['site'][0]} by year. " + "; ".join(parts) + "."


def _of(table: str, response: str, **also: str) -> Callable[[Tables], pl.DataFrame]:
    def rows(tables: Tables) -> pl.DataFrame:
        found = tables[table].filter(response=response, **also)
        if found.is_empty():
            raise DataError(f"nothing was computed for {variable(response).label.lower()}; see what was not run")
        return found

    return rows


def _driver_plates() -> Iterator[Plate]:
    for response, letter in (("surface_offset", "a"), ("thermal_offset", "b")):
        name = variable(response).label.lower()

        def violin(tables: Tables, extent: Any, response: str = response) -> Figure:
            from talik.figures.violin import driver_violin

            return _figure(driver_violin(_of("drivers_contributions", response)(tables), response=response))

        def ranks(tables: Tables, extent: Any, response: str = response) -> Figure:
            from talik.figures.drivers import ranking

            verdict = _of("drivers_verdicts", response)(tables)["verdict"][0]
            counts = _of("drivers_skill", response)(tables)["n"].drop_nulls()
            title = f"{verdict} (n = {counts[0]})"
            return _figure(ranking(_of("drivers_ranks", response)(tables), verdict=title))

        yield Plate(f"fig5{letter}_drivers_{response}", violin, _of("drivers_contributions", response),
                    f"Contributions of each predictor to the {name} (°C), as published: one random split, training "
                    "rows. They describe the fitted trees; whether the trees predict is said in the text.",
                    _leading("contribution"), ("drivers_contributions",))
        yield Plate(f"fig5{letter}_ranks_{response}", ranks, _of("drivers_ranks", response),
                    f"Drivers of the {name} as recommended: importance (°C) on sites left out, with intervals over "
                    "refits on resampled clusters, and the interval of the rank.",
                    _leading("importance"), ("drivers_ranks", "drivers_verdicts", "drivers_skill"))


def _leading(column: str) -> Callable[[pl.DataFrame], str]:
    def said(frame: pl.DataFrame) -> str:
        means = frame.group_by("driver").agg(pl.col(column).abs().mean()).drop_nulls().sort(column, descending=True)
        parts = ", ".join(f"{name} {value:.2f}" for name, value in means.head(5).iter_rows())
        return f"Mean absolute {column} in °C, largest first: {parts}."

    return said


def _slope_plates(profile: str) -> Iterator[Plate]:
    unit = "one SD of the common component" if profile == "talik" else "one unit of each group's own component"
    for name, response, driver in (("fig6_snow_slopes", "surface_offset", "snow"),
                                   ("fig7_moisture_slopes", "thermal_offset", "moisture")):
        symbol = variable(response).short

        def draw(tables: Tables, extent: Any, response: str = response, symbol: str = symbol) -> Figure:
            from talik.figures.forest import forest

            return _figure(forest(_of("slopes_pooled", response, profile=profile)(tables),
                                  xlabel=f"Slope of {symbol} (°C per {unit})"))

        yield Plate(name, draw, _of("slopes_pooled", response, profile=profile),
                    f"Slopes of the {variable(response).label.lower()} on {driver} within groups (°C per {unit}), "
                    f"pooled by random effects, profile {profile}. Squares: groups, area by weight; diamonds: means; "
                    "bar: prediction interval; an arrow: the interval goes on beyond the axis.", _pooled_said,
                    ("slopes_pooled",))


def _pooled_said(frame: pl.DataFrame) -> str:
    overall = frame.filter(kind="overall").row(0, named=True)
    return (f"Mean slope over {overall['k']} groups {overall['effect']:.2f} °C, interval {overall['low']:.2f} to "
            f"{overall['high']:.2f}.")


def _figure(ax: Any) -> Figure:
    sheet: Figure = ax.figure
    return sheet
