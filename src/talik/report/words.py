"""Sentences made from the settings and the tables: what was done, and what came out."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from talik.settings import Settings
from talik.variables import shown_unit, variable

_SHORT = ("surface_offset", "thermal_offset")


def methods(settings: Settings, sites: pl.DataFrame) -> list[str]:
    """What was done, one sentence a step, as a Methods section would say it."""
    study, section = settings.study, settings.sites
    sources = ((section.published, f"the bundled study {section.published}"),
               (section.table, f"the table {section.table}"), (settings.series, f"the loggers of {_stations(sites)}"))
    source = " and ".join(words for given, words in sources if given)
    located = sites.filter(pl.col("latitude").is_not_null() & pl.col("longitude").is_not_null()).height
    clusters = sites["cluster"].drop_nulls().n_unique()
    percent = f"{study.level:.0%}".replace("%", " %")
    return [
        f"The values of {sites.height} {'site' if sites.height == 1 else 'sites'} were taken from {source}; {located} "
        f"{'has' if located == 1 else 'have'} coordinates.",
        *_logger_methods(settings),
        "The surface offset is the mean annual ground surface temperature minus the mean annual air temperature "
        "(SO = MAGST − MAAT); the thermal offset is the mean annual temperature at the top of permafrost minus that "
        "of the ground surface (TO = TTOP − MAGST). Both are in °C (a difference of temperatures).",
        "Offsets that the table states are used as stated and were recomputed beside them; a site whose stated offset "
        "differs from its parts by more than rounding carries a flag. Nothing was corrected.",
        f"Sites closer than {section.cluster_km:g} km, directly or through others, were taken as one cluster "
        f"(single linkage on great-circle distances; named basins where coordinates are missing): {clusters} clusters.",
        "Means are over sites; the standard error is the standard deviation divided by the square root of the number "
        "of values (not of sites). The coefficient of variation is withheld where the mean is within two standard "
        "errors of zero.",
        f"{percent} intervals come from {study.replicates} bootstrap resamples of whole clusters (seed {study.seed}), "
        "widened for few clusters as Hesterberg (2015) advises.",
    ]


def _stations(sites: pl.DataFrame) -> str:
    n = sites.filter(values_from="loggers").height if "values_from" in sites.columns else 0
    return f"{n} station" + "s" * (n != 1)


def _logger_methods(settings: Settings) -> Iterator[str]:
    """What was done with logger files, where there are any."""
    if settings.series is None:
        return
    unchecked = any((station.check if station.check is not None else settings.series.check) is False
                    for station in settings.series.stations)
    if unchecked:
        yield "Logger files of some stations were taken without a check of their values."
    else:
        yield ("Logger files were checked for fill values, spikes, stuck sensors, steps and swapped depths; what "
               "failed was left out.")
    yield ("Daily means gave annual means where the year is whole by the stated rule. Air, surface and depth of a year "
           "cover the same days, and a mean over years is a mean of yearly offsets, never an offset of means over "
           "different years. Uncertainties carry calibration, gaps and the sensors' depths.")


def headlines(summary: pl.DataFrame) -> list[tuple[str, str]]:
    """The numbers for the top of the page: SO and TO by region, each with its n and interval."""
    return [(_value(row), f"{row['group']}: {variable(row['variable']).label.lower()}, mean over {row['n']} sites"
             + (f" in {row['n_clusters']} clusters" if row["n_clusters"] else ""))
            for name in _SHORT
            for row in summary.filter((pl.col("by") == "region") & (pl.col("variable") == name)).iter_rows(named=True)
            if row["mean"] is not None]


def findings(summary: pl.DataFrame, *, scorecard: pl.DataFrame | None = None, moved: pl.DataFrame | None = None,
             changes: pl.DataFrame | None = None, verdicts: pl.DataFrame | None = None) -> Iterator[str]:
    """
    What came out, in sentences with numbers.

    `moved` and `changes` are the two profiles' regional means and the rows behind the difference; `verdicts` those on
    drivers.
    """
    for name in _SHORT:
        rows = summary.filter((pl.col("by") == "region") & (pl.col("variable") == name)).drop_nulls("mean")
        if rows.height:
            parts = [f"{_value(row)} in {row['group']} (n = {row['n']})" for row in rows.iter_rows(named=True)]
            yield f"Mean {variable(name).label.lower()}, every row of the table as given: {'; '.join(parts)}."
    if moved is not None and changes is not None and changes.height:
        names = ", ".join(dict.fromkeys(changes["site"]))
        turned = [f"{variable(row['variable']).short} in {row['group']} {_signed(row['mean_talik'])} "
                  f"(n = {row['n_talik']}) instead of {_signed(row['mean_liu2025'])} (n = {row['n_liu2025']})"
                  for row in moved.filter(pl.col("variable").is_in(_SHORT)).iter_rows(named=True)
                  if row["difference"] is not None and abs(row["difference"]) > 1e-9]
        yield (f"The profile talik takes suspect rows otherwise ({names}): " + "; ".join(turned) + " °C. "
               "See Two profiles.")
    if verdicts is not None:
        for row in verdicts.iter_rows(named=True):
            lead = f"{row['driver']} is declared the leading driver" if row["driver"] else row["verdict"]
            yield f"Drivers of the {variable(row['response']).label.lower()}: {lead}."
    if scorecard is not None:
        agree = scorecard.filter(pl.col("agrees")).height
        yield (f"Of {scorecard.height} numbers and statements of the publication that can be checked against its own "
               f"table, {agree} agree within rounding and {scorecard.height - agree} do not; each of those is listed "
               "with the class of the difference.")


def _value(row: dict[str, object]) -> str:
    unit = shown_unit(str(row["units"]))
    low, high = row["ci_low"], row["ci_high"]
    interval = f" [{_signed(low)}, {_signed(high)}]" if low is not None and high is not None else ""
    return f"{_signed(row['mean'])}{interval}\u00a0{unit}"


def _signed(number: object) -> str:
    return f"{number:.2f}".replace("-", "−")
