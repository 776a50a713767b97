"""The methods as a paper could tell them: one paragraph a step that was run, with the settings that were used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import polars as pl

from talik.report.material import Material, in_sentence
from talik.report.parts import Listing, Paragraph, Section, counted, listed
from talik.variables import variable

REFERENCES: Mapping[str, str] = {
    "Liu et al. 2025": "Liu, J. et al. (2025). Divergent controls on surface and thermal offsets in permafrost across "
                       "the three poles. npj Climate and Atmospheric Science. doi:10.1038/s41612-025-01235-1",
    "Smith & Riseborough 2002": "Smith, M. W. & Riseborough, D. W. (2002). Permafrost and Periglacial Processes 13, "
                                "1-15. doi:10.1002/ppp.410",
    "Staub et al. 2017": "Staub, B. et al. (2017). Permafrost and Periglacial Processes 28, 275-285. "
                         "doi:10.1002/ppp.1913",
    "Hesterberg 2015": "Hesterberg, T. (2015). The American Statistician 69, 371-386. "
                       "doi:10.1080/00031305.2015.1089789",
    "Muñoz-Sabater et al. 2021": "Muñoz-Sabater, J. et al. (2021). Earth System Science Data 13, 4349-4383. "
                                 "doi:10.5194/essd-13-4349-2021",
    "Chen & Guestrin 2016": "Chen, T. & Guestrin, C. (2016). XGBoost: a scalable tree boosting system. KDD '16, "
                            "785-794. doi:10.1145/2939672.2939785",
    "Lundberg et al. 2020": "Lundberg, S. M. et al. (2020). Nature Machine Intelligence 2, 56-67. "
                            "doi:10.1038/s42256-019-0138-9",
    "Viechtbauer 2005": "Viechtbauer, W. (2005). Journal of Educational and Behavioral Statistics 30, 261-293. "
                        "doi:10.3102/10769986030003261",
    "IntHout et al. 2014": "IntHout, J., Ioannidis, J. P. A. & Borm, G. F. (2014). BMC Medical Research Methodology "
                           "14, 25. doi:10.1186/1471-2288-14-25",
    "Higgins et al. 2009": "Higgins, J. P. T., Thompson, S. G. & Spiegelhalter, D. J. (2009). Journal of the Royal "
                           "Statistical Society A 172, 137-159. doi:10.1111/j.1467-985X.2008.00552.x",
}
"""What the paragraphs cite, by the words in which they cite it."""


def methods(material: Material) -> Section | None:
    """One paragraph a step that was run, the software, and the references these paragraphs cite."""
    if material.table("sites.parquet") is None:
        return None
    told = [Paragraph(text, lead=f"{title}.") for title, make in CHAPTERS if (text := " ".join(make(material)))]
    cited = [full for key, full in REFERENCES.items() if any(key in paragraph.text for paragraph in told)]
    return Section("methods", "What was done", [*told, Paragraph("Cited above:", lead="References."), Listing(cited)]
                   if cited else told)


def _data(material: Material) -> Iterator[str]:
    section, sites = material.settings.sites, _table(material, "sites.parquet")
    n = sites.filter(values_from="loggers").height if "values_from" in sites.columns else 0
    sources = ((section.published, f"the bundled study {section.published} (Table 1 as printed)"),
               (section.table, f"the table {section.table}"),
               (material.settings.series, f"the loggers of {counted(n, 'station')}"))
    located = sites.filter(pl.col("latitude").is_not_null() & pl.col("longitude").is_not_null()).height
    yield (f"The values of {counted(sites.height, 'site')} were taken from "
           f"{listed([words for given, words in sources if given])}; {located} "
           f"{'has' if located == 1 else 'have'} coordinates.")
    if section.published:
        yield "They were compiled by Liu et al. 2025."
    if material.settings.series is not None and (section.table or section.published):
        whose = "the loggers" if section.precedence == "series" else "the table"
        yield f"Where both know a site, {whose} count; temperatures and offsets of a site come from one source."


def _loggers(material: Material) -> Iterator[str]:
    section, sites = material.settings.series, material.table("series_sites.parquet")
    if section is None or sites is None or sites.is_empty():
        return
    checks = {section.check if station.check is None else station.check for station in section.stations}
    if False in checks:
        yield "Logger files of some stations were taken without a check of their values." if len(checks) > 1 else (
            "Logger files were taken without a check of their values.")
    else:
        yield ("Logger files were checked for fill values, spikes, stuck sensors, steps and swapped depths; what "
               "failed was left out.")
    rules = sites.select("completeness", "year_start").unique(maintain_order=True).rows()
    yield ("Daily means gave annual means where a year is whole by the rule "
           + listed([f"'{rule}' ({start} years)" for rule, start in rules], "or") + ".")
    filled = {section.fill if station.fill is None else station.fill for station in section.stations} - {None}
    if filled:
        yield ("Gaps of up to 5 days were bridged by straight lines (Staub et al. 2017)"
               + (", longer ones of up to 60 days by regression on the other sensors." if "regression" in filled
                  else "."))
    yield ("Air, surface and depth of a year cover the same days, and a mean over years is a mean of yearly offsets, "
           "never an offset of means over different years. Uncertainties carry calibration, gaps and the sensors' "
           "depths.")
    ways = sites["ttop_method"].drop_nulls().unique(maintain_order=True).to_list()
    if ways:
        yield f"How the temperature at the top of permafrost was read: {listed(ways)}."


def _offsets(material: Material) -> Iterator[str]:
    sites, km = _table(material, "sites.parquet"), material.settings.sites.cluster_km
    yield ("The surface offset is the mean annual ground surface temperature minus the mean annual air temperature "
           "(SO = MAGST − MAAT); the thermal offset is the mean annual temperature at the top of permafrost minus that "
           "of the ground surface (TO = TTOP − MAGST; Smith & Riseborough 2002). Both are in °C (a difference of "
           "temperatures). Offsets that the table states are used as stated and were recomputed beside them; a site "
           "whose stated offset differs from its parts by more than rounding carries a flag. Nothing was corrected.")
    yield (f"Sites closer than {km:g} km, directly or through others, were taken as one cluster (single linkage on "
           "great-circle distances; named basins where coordinates are missing): "
           f"{counted(sites['cluster'].drop_nulls().n_unique(), 'cluster')}.")


def _means(material: Material) -> Iterator[str]:
    if material.table("summary.csv") is None:
        return
    study = material.settings.study
    yield ("Means are over sites; the standard error is the standard deviation divided by the square root of the "
           "number of values (not of sites). The coefficient of variation is withheld where the mean is within two "
           "standard errors of zero.")
    if _table(material, "summary.csv")["ci_low"].count():
        yield (f"{100 * study.level:g} % intervals come from {study.replicates} bootstrap resamples of whole clusters "
               f"(seed {study.seed}), widened for few clusters (Hesterberg 2015); groups with fewer than three "
               "clusters have none.")


def _profiles(material: Material) -> Iterator[str]:
    if material.table("profile_differences.csv") is not None:
        changes = material.table("profile_changes.csv")
        n = 0 if changes is None else changes["site"].n_unique()
        yield ("Regional means were made twice: from every row (profile liu2025), and without rows that are flagged as "
               "implausible or outside their region and with suspected slips of unit taken as unknown (profile talik), "
               f"which concerns {counted(n, 'site')}.")
    if material.table("warning_effects.csv") is not None:
        yield "For each warning on the sites the means were made again without the rows it marks, or with them mended."


def _scorecard(material: Material) -> Iterator[str]:
    card = material.table("scorecard.csv")
    if card is not None:
        yield (f"{card.height} numbers and statements of the publication (Liu et al. 2025) were recomputed from its "
               "own Table 1 and classed by whether they agree within rounding.")


def _predictors(material: Material) -> Iterator[str]:
    section, table = material.settings.predictors, material.table("predictors.parquet")
    if table is None or not (section.table or section.era5land):
        return
    if section.era5land:
        years = sorted(set(table["predictor_years"].drop_nulls())) if "predictor_years" in table.columns else []
        yield ("Predictors are means of ERA5-Land (Muñoz-Sabater et al. 2021"
               + (f"; {section.dataset}" if section.dataset else "") + ") over the grid cell of each site"
               + (f", years {listed(years)}" if years else "") + "; a site whose cell has no land takes the nearest "
               "land cell within 25 km.")
    if section.table:
        yield f"Predictors were joined by site from {section.table}."


def _drivers(material: Material) -> Iterator[str]:
    verdicts = material.table("drivers_verdicts.csv")
    if verdicts is None:
        return
    from talik.analysis.attribution import LIU2025
    from talik.analysis.drivers import LEAST_SKILL, REPEATS, TOP_SHARE

    section, study = material.settings.drivers, material.settings.study
    responses = listed([variable(name).label.lower() for name in verdicts["response"]])
    yield (f"Drivers of {responses} were sought in two ways. As published (Liu et al. 2025): gradient-boosted trees "
           f"(Chen & Guestrin 2016; learning rate {LIU2025.eta:g}, depth {LIU2025.max_depth}, at most {LIU2025.rounds} "
           f"rounds, stopped after {LIU2025.patience} without gain) on one random 75 % of the sites (seed "
           f"{study.seed}), exact tree contributions on the training rows (Lundberg et al. 2020), and 20 other splits "
           "to see whether the first driver stays.")
    yield (f"As recommended: trees of depth two refitted on {section.refits} bootstrap samples of whole clusters, "
           "contributions on the rows each refit did not see, predictors correlated beyond 0.7 scored together, "
           "coordinates left out. Skill is one minus the squared error over that of the training mean, with whole "
           f"clusters held out (mean of {REPEATS} deals of folds) and with whole regions held out, with 90 % intervals "
           f"over clusters; {counted(section.nulls, 'permutation')} of the response tell what chance gives. A driver "
           f"is declared when both skills reach {LEAST_SKILL:.2f} and exceed that of the mean of each region, and the "
           f"same group comes first in {100 * TOP_SHARE:.0f} % of the refits.")


def _slopes(material: Material) -> Iterator[str]:
    pooled = material.table("slopes_pooled.csv")
    if pooled is None or pooled.is_empty():
        return
    from talik.analysis.slopes import MIN_N

    section, study = material.settings.slopes, material.settings.study
    plans = {"surface_offset": (section.surface_offset, section.surface_offset_by),
             "thermal_offset": (section.thermal_offset, section.thermal_offset_by)}
    for name in pooled["response"].unique(maintain_order=True):
        predictors, by = plans[name]
        yield (f"The {variable(name).label.lower()} was regressed on the first principal component of "
               f"{listed([in_sentence(p) for p in predictors])} within groups of {' and '.join(by)}.")
    yield (f"As recommended: one component over all sites, anchored to its first predictor and of unit standard "
           f"deviation, groups of at least {MIN_N['talik']} sites, a shared residual variance, a random-effects mean "
           "by restricted maximum likelihood (Viechtbauer 2005) with the Hartung-Knapp interval, never narrower than "
           "the normal one (IntHout et al. 2014), and a prediction interval (Higgins et al. 2009). As published "
           f"(Liu et al. 2025): each group's own component, groups of at least {MIN_N['liu2025']} sites, ordinary "
           f"standard errors, normal interval. Intervals are {100 * study.level:g} %; checks use {study.replicates} "
           f"replicates (seed {study.seed}).")


def _software(material: Material) -> Iterator[str]:
    versions = dict(material.versions)
    used = ["polars", "numpy", "scipy", *(["xgboost-cpu", "numba"] if material.table("drivers_verdicts.csv") is not None
                                          else []), "matplotlib", "cartopy"]
    yield (f"talik {versions.get('talik', '?')} with Python {versions.get('python', '?')}, "
           + ", ".join(f"{name} {versions[name]}" for name in used if name in versions) + ".")


def _table(material: Material, name: str) -> pl.DataFrame:
    found = material.table(name)
    assert found is not None, f"{name}: the caller has seen it"
    return found


CHAPTERS: Sequence[tuple[str, Callable[[Material], Iterator[str]]]] = (
    ("Data", _data), ("Logger files", _loggers), ("Offsets and clusters", _offsets), ("Means", _means),
    ("Profiles and warnings", _profiles), ("Scorecard", _scorecard), ("Predictors", _predictors),
    ("Drivers", _drivers), ("Slopes", _slopes), ("Software", _software))
"""The steps of the recipe that have a method, in order."""
