"""Drivers of an offset as Liu et al. (2025) found them, with what the published procedure does not show beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik.analysis.contributions import contributions
from talik.analysis.splits import Split, training_rows
from talik.analysis.trees import Design, Matrix, TreeModel, TreeSettings, design, fit_trees
from talik.errors import UsageError, unknown
from talik.frames import as_frame
from talik.results import Result
from talik.variables import shown_unit, variable

LIU2025 = TreeSettings(rounds=100, eta=0.1, max_depth=6, patience=10, base_score=0.5, tree_method="exact")
"""eta 0.1, depth 6, at most 100 rounds, patience 10; the start and the exact splits of R's xgboost made explicit."""


@dataclass(frozen=True, slots=True)
class PublishedDrivers(Result):
    """
    Drivers by the published procedure, and how far they can be trusted.

    Attributes
    ----------
    response : str
        What is explained.
    drivers : polars.DataFrame
        One row a predictor, the first driver first: `rank`, `driver`, `mean_abs_contribution`,
        `mean_contribution` (on training rows these sum to zero over the predictors by construction: their signs tell
        no direction), `mean_value`, `n_missing` (over all rows).
    values : polars.DataFrame
        One row a training site and predictor: `row`, `site`, `region`, `driver`, `value`, `contribution`.
    split : polars.DataFrame
        `row`, `site` and `set` ("train", "test").
    skill : polars.DataFrame
        `scheme` ("hold_out", "leave_region_out"), `r2`, `rmse`, `n`, `groups`, `reason` where there is no number.
    seeds : polars.DataFrame
        The same procedure with other random splits: `seed`, `driver`, `hold_out_r2`, `rounds`.
    model : TreeModel
        The fitted trees.
    notes : tuple of str
        What a reader should know.
    """

    figure: ClassVar[str] = "talik.figures.violin:driver_violin"
    response: str
    drivers: pl.DataFrame = field(repr=False)
    values: pl.DataFrame = field(repr=False)
    split: pl.DataFrame = field(repr=False)
    skill: pl.DataFrame
    seeds: pl.DataFrame = field(repr=False)
    model: TreeModel = field(repr=False)
    notes: tuple[str, ...]
    settings: Mapping[str, Any] = field(repr=False)
    data_hash: str = field(repr=False)

    @property
    def same_first_driver(self) -> float:
        """Share of other seeds that put the same driver first."""
        return float((self.seeds["driver"] == self.drivers["driver"][0]).sum()) / self.seeds.height

    def to_frame(self) -> pl.DataFrame:
        """One row a predictor, the first driver first."""
        return self.drivers

    def plot(self, ax: Any = None, **style: Any) -> Any:
        """Violins of the contributions with points and quartile lines (figure 5); returns the axes."""
        from importlib import import_module

        module, _, name = self.figure.partition(":")
        return getattr(import_module(module), name)(self.values, ax=ax, response=self.response, **style)

    def __str__(self) -> str:
        first, unit = self.drivers.row(0, named=True), _unit(self.response)
        (r2, rmse, n), region = self.skill.select("r2", "rmse", "n").row(0), self.skill.row(1, named=True)
        regions = (f"leave-region-out R² {region['r2']:.2f}" if region["reason"] is None
                   else f"no leave-region-out R² ({region['reason']})")
        return (f"{self.response}: {first['driver']} first by the published procedure "
                f"(mean |contribution| {first['mean_abs_contribution']:.2f}{unit}); "
                f"hold-out R² {r2:.2f}, RMSE {rmse:.2f}{unit} ({n} sites); {regions}; "
                f"{self.same_first_driver:.0%} of {self.seeds.height} other seeds put it first")


def attribute_drivers(sites: Any, response: str, predictors: Sequence[str], *,
                      profile: Literal["liu2025", "talik"] = "liu2025", split: Split = 0.75, seed: int = 0,
                      seeds: int = 20, region: str | None = None, settings: TreeSettings = LIU2025) -> Any:
    """
    Drivers of an offset by boosted trees: as published ("liu2025") or as recommended ("talik", see `rank_drivers`).

    Parameters
    ----------
    sites : polars or pandas frame, or mapping of columns
        One row a site.
    response : str
        Column to be explained, e.g. "surface_offset" [K].
    predictors : sequence of str
        Columns that may explain it; missing values stay missing, as in the publication.
    profile : {"liu2025", "talik"}
        "liu2025": one random split, trees stopped early on the rows held out, contributions on the training rows.
    split : float, path or sequence
        Share of training rows (0.75 as published), or which: see `talik.analysis.splits.training_rows`.
    seed : int
        Of the random split. The publication gives none.
    seeds : int
        So many other splits tell how much the first driver depends on the draw.
    region : str, optional
        Column whose groups are left out in turn; `subregion`, else `region`, where the table has it.
    settings : TreeSettings
        The fit; change them to depart from the publication.

    Returns
    -------
    PublishedDrivers or DriverRanking
        With the skill on rows held out and on regions left out beside every importance.

    Raises
    ------
    UsageError
        If a name is not a column, or the profile does not exist or does not take a split.
    DataError
        If fewer than 20 rows have a response, or a column holds text, infinite or constant values only.

    Notes
    -----
    The rows held out also choose the number of trees, so their R² is optimistic; neighbours of training sites are
    among them, so it says little about a new place: `leave_region_out` does, with the same number of trees.
    R's random numbers are not reproduced: give the authors' split as a file where it is known.

    References
    ----------
    .. [1] Liu et al. (2025), npj Clim. Atmos. Sci., doi:10.1038/s41612-025-01235-1.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> table = {"snow_depth": rng.gamma(2.0, 0.2, 80), "wind_speed": rng.normal(4.0, 1.0, 80)}
    >>> table["surface_offset"] = 5 * table["snow_depth"] + rng.normal(0, 0.2, 80)
    >>> found = attribute_drivers(table, "surface_offset", ["wind_speed", "snow_depth"], seeds=3)
    >>> found.drivers["driver"][0], found.same_first_driver
    ('snow_depth', 1.0)
    """
    if profile == "talik":
        from talik.analysis.drivers import rank_drivers

        if not (isinstance(split, float) and split == 0.75) or settings is not LIU2025:
            raise UsageError("split, settings: profile 'talik' resamples clusters instead of splitting once; "
                             "leave them out")
        return rank_drivers(sites, response, predictors, seed=seed)
    if profile != "liu2025":
        raise unknown("profile", profile, ("liu2025", "talik"))
    if seeds < 1 or settings.patience is None:
        raise UsageError(f"seeds, settings: got {seeds} seeds and patience {settings.patience}; expected at least one "
                         "other seed, and a patience: the procedure stops early on the rows held out")
    d = design(as_frame(sites, "sites").with_row_index("row"), response, predictors)
    train = training_rows(d.rows, split, seed)
    model, phi = _fitted(d, response, train, settings)
    share = split if isinstance(split, (int, float)) else float(train.mean())
    asked = split if isinstance(split, (int, float)) else str(split) if isinstance(split, (str, Path)) else "index"
    held = d.y[~train]
    skill = [_score("hold_out", held, model.predict(d.x[~train]), 1),
             _leave_region_out(d, _groups(d.rows, region), settings, model.rounds)]
    return PublishedDrivers(
        response, _importance(d, phi, train), _long(d, phi, train), _sets(d.rows, train), pl.DataFrame(skill),
        _other_seeds(d, response, share, seed, seeds,
                     settings), model, _notes(d, response, train, region),
        {"profile": profile, "predictors": d.features, "split": asked,
         "seed": seed, "seeds": seeds, **asdict(settings)}, d.data_hash)


def _fitted(d: Design, response: str, train: NDArray[np.bool_], settings: TreeSettings) -> tuple[TreeModel, Matrix]:
    model = fit_trees(d.x[train], d.y[train], d.features, response=response, settings=settings,
                      validation=(d.x[~train], d.y[~train]), data_hash=d.data_hash)
    return model, contributions(model, d.x[train])[:, :-1]


def _score(scheme: str, y: Matrix, predicted: Matrix, groups: int, reason: str | None = None) -> dict[str, Any]:
    spread = float(((y - y.mean()) ** 2).sum())
    error = float(((y - predicted) ** 2).sum())
    if reason is None and spread == 0:
        reason = "the values to be predicted do not differ"
    return {"scheme": scheme, "r2": 1 - error / spread if reason is None else None,
            "rmse": (error / y.size) ** 0.5 if y.size and np.isfinite(error) else None, "n": y.size, "groups": groups,
            "reason": reason}


def _groups(rows: pl.DataFrame, region: str | None) -> pl.Series | None:
    """The column that names the regions, null where unknown; None where the table has none."""
    name = region or next((name for name in ("subregion", "region") if name in rows.columns), None)
    if name is not None and name not in rows.columns:
        raise unknown("column", name, rows.columns)
    return None if name is None else rows[name].cast(pl.String)


def _leave_region_out(d: Design, groups: pl.Series | None, settings: TreeSettings, rounds: int) -> dict[str, Any]:
    """Each region predicted by trees that never saw it, with the rounds of the published fit."""
    plain = TreeSettings(**{**asdict(settings), "patience": None, "rounds": rounds})
    labels = np.array([] if groups is None else groups.fill_null("").to_list())
    names = np.unique(labels[labels != ""])
    predicted = np.full(d.y.size, np.nan)
    for name in names if names.size > 1 else ():
        out = labels == name
        predicted[out] = fit_trees(d.x[~out], d.y[~out], d.features, response="", settings=plain).predict(d.x[out])
    if names.size < 2:
        return _score("leave_region_out", d.y, predicted, int(names.size),
                      "one region only" if names.size else "the table has no column of regions")
    known = ~np.isnan(predicted)
    return _score("leave_region_out", d.y[known], predicted[known], int(names.size))


def _importance(d: Design, phi: Matrix, train: NDArray[np.bool_]) -> pl.DataFrame:
    gaps = np.isnan(d.x)
    with_value = np.maximum((~gaps[train]).sum(axis=0), 1)
    mean_value = np.where(gaps[train].all(axis=0), np.nan, np.nansum(d.x[train], axis=0) / with_value)
    table = pl.DataFrame({
        "driver": d.features, "mean_abs_contribution": abs(phi).mean(axis=0), "mean_contribution": phi.mean(axis=0),
        "mean_value": pl.Series(mean_value).fill_nan(None), "n_missing": gaps.sum(axis=0)})
    return table.sort("mean_abs_contribution", descending=True, maintain_order=True).with_row_index("rank", offset=1)


def _names(rows: pl.DataFrame) -> pl.DataFrame:
    """Row number, site and region of each row, where the table has them."""
    return rows.select("row", *(name for name in ("site_no", "site", "region") if name in rows.columns))


def _long(d: Design, phi: Matrix, train: NDArray[np.bool_]) -> pl.DataFrame:
    names = _names(d.rows).filter(pl.Series(train))
    return pl.concat([names.with_columns(
        pl.lit(feature).alias("driver"), pl.Series("value", d.x[train, k]).fill_nan(None),
        pl.Series("contribution", phi[:, k])) for k, feature in enumerate(d.features)])


def _sets(rows: pl.DataFrame, train: NDArray[np.bool_]) -> pl.DataFrame:
    return _names(rows).with_columns(pl.Series("set", np.where(train, "train", "test")))


def _other_seeds(d: Design, response: str, share: float, seed: int, seeds: int, settings: TreeSettings) -> pl.DataFrame:
    found = []
    for other in range(seed + 1, seed + 1 + seeds):
        train = training_rows(d.rows, share, other)
        model, phi = _fitted(d, response, train, settings)
        score = _score("hold_out", d.y[~train], model.predict(d.x[~train]), 1)
        found.append({"seed": other, "driver": d.features[int(abs(phi).mean(axis=0).argmax())],
                      "hold_out_r2": score["r2"], "rounds": model.rounds})
    return pl.DataFrame(found)


def _notes(d: Design, response: str, train: NDArray[np.bool_], region: str | None) -> tuple[str, ...]:
    said = [f"{d.left_out} rows have no {response} and were left out"] if d.left_out else []
    seen = {row.tobytes() for row in d.x[train]}
    if copies := sum(row.tobytes() in seen for row in d.x[~train]):
        said.append(f"{copies} of {int((~train).sum())} rows held out have the very predictors of a training row; "
                    "the hold-out score rests on them too")
    groups = _groups(d.rows, region or ("region" if "region" in d.rows.columns else None))
    for k, name in enumerate(d.features):
        gaps = np.isnan(d.x[:, k])
        if not gaps.any():
            continue
        text = f"{name} is missing in {int(gaps.sum())} of {gaps.size} rows and stays missing"
        if groups is not None:
            empty = [str(g) for g in groups.drop_nulls().unique().sort() if gaps[(groups == g).fill_null(False)].all()]
            if empty:
                text += f"; in {', '.join(empty)} it is never known, so trees can tell the region by its absence"
        said.append(text)
    return (*said, "mean signed contributions on training rows sum to zero by construction; their signs tell no "
                   "direction")


def _unit(response: str) -> str:
    try:
        return f" {shown_unit(variable(response).units)}"
    except LookupError:
        return ""
