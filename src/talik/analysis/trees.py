"""Boosted trees: a table becomes a matrix, a matrix a model, a model a checked file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik.errors import DataError, FileError, UsageError
from talik.files import write_bytes
from talik.frames import as_frame, frame_hash, numbers

if TYPE_CHECKING:
    import xgboost

MIN_ROWS = 20
_FORMAT = 1      # of stored models
Matrix = NDArray[np.float64]


class Design(NamedTuple):
    """
    The rows of a table that can be used to fit a response, as a matrix.

    Attributes
    ----------
    rows : polars.DataFrame
        The rows whose response is known, all columns.
    x : ndarray, shape (n, p)
        The predictors, NaN where missing.
    y : ndarray, shape (n,)
        The response.
    features : tuple of str
        Names of the predictors, in the order of the columns of `x`.
    left_out : int
        Rows of the table without a response.
    data_hash : str
        Of the response and predictors of the rows used.
    """

    rows: pl.DataFrame
    x: Matrix
    y: Matrix
    features: tuple[str, ...]
    left_out: int
    data_hash: str


def design(sites: Any, response: str, predictors: Sequence[str], *, min_rows: int = MIN_ROWS) -> Design:
    """
    The matrix of predictors and the response of a table, judged before any model sees them.

    Parameters
    ----------
    sites : polars or pandas frame, or mapping of columns
        One row a site.
    response : str
        Column to be explained. Rows without it are left out and counted.
    predictors : sequence of str
        Columns that may explain it. Missing values stay missing.
    min_rows : int
        Fewest rows with a response.

    Raises
    ------
    UsageError
        If a column is not there, named twice, or both response and predictor.
    DataError
        If a cell holds text or an infinite value, a predictor is constant or missing everywhere, the response is
        constant, or fewer than `min_rows` rows have a response.

    Examples
    --------
    >>> table = {"so": [float(k % 7) for k in range(24)], "alt": [None, *(k / 10 for k in range(23))]}
    >>> d = design(table, "so", ["alt"])
    >>> d.x.shape, int(np.isnan(d.x).sum()), d.left_out
    ((24, 1), 1, 0)
    """
    names = tuple(predictors)
    if isinstance(predictors, str) or not names:
        raise UsageError(f"predictors: got {predictors!r}, expected a list of at least one column name")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"predictors: {', '.join(twice)} named more than once")
    if response in names:
        raise UsageError(f"predictors: {response!r} is the response itself; leave it out")
    if odd := [name for name in names if set(name) & set("[]<")]:
        raise UsageError(f"predictors: {odd[0]!r} contains one of [ ] <, which models cannot store; rename the column")
    frame = as_frame(sites, "sites", required=(response, *names))
    known = numbers_only(frame, response).is_not_null()
    rows = frame.filter(known)
    if rows.height < min_rows:
        raise DataError(f"sites: {rows.height} {'row has' if rows.height == 1 else 'rows have'} a value of "
                        f"{response!r}, at least {min_rows} are needed "
                        "to fit boosted trees")
    y = numbers_only(rows, response)
    _judge(y, "response")
    columns = [numbers_only(rows, name) for name in names]
    for column in columns:
        _judge(column, "predictor")
    used = pl.DataFrame([y, *columns])
    return Design(rows, used.select(names).to_numpy().astype(np.float64), y.to_numpy().astype(np.float64), names,
                  frame.height - rows.height, frame_hash(used))


def numbers_only(frame: pl.DataFrame, column: str, argument: str = "sites") -> pl.Series:
    """A column of finite numbers, missing as null; text, dates and infinite values are errors that name the row."""
    kind = frame[column].dtype
    if not (kind.is_numeric() or kind in (pl.Boolean, pl.String, pl.Categorical, pl.Null)):
        raise DataError(f"{argument}: column {column!r} holds {kind}, expected numbers")
    series = numbers(frame, column, argument)
    bad = series.is_infinite().fill_null(False).arg_true()
    if len(bad):
        raise DataError(f"{argument}: column {column!r}, row {int(bad[0]) + 1}: the value is infinite "
                        f"({len(bad)} such cell{'s' * (len(bad) != 1)}). Leave the cell empty if it is missing.")
    return series


def _judge(column: pl.Series, role: str) -> None:
    known = column.drop_nulls()
    if known.is_empty():
        raise DataError(f"{role} {column.name!r} is missing in all {len(column)} rows; leave it out")
    if known.n_unique() == 1:
        gaps = f" wherever it is known ({len(known)} of {len(column)} rows)" if len(known) < len(column) else ""
        raise DataError(f"{role} {column.name!r} is constant ({known[0]:g}){gaps}; it cannot explain or be explained")


@dataclass(frozen=True, slots=True)
class TreeSettings:
    """
    Every choice of a boosted-tree fit, explicit, so that another version of the library fits the same model.

    Parameters
    ----------
    rounds : int
        Largest number of rounds (one tree a round).
    eta : float
        Learning rate.
    max_depth : int
        Deepest tree.
    patience : int or None
        Stop when the validation RMSE has not improved for so many rounds; None fits all rounds.
    base_score : float or None
        What the sum of trees starts from [unit of the response]; None means the mean of the response.
    tree_method : str
        "exact" or "hist".
    min_child_weight, reg_lambda, gamma : float
        Fewest rows in a leaf, ridge penalty of leaf values, smallest gain of a split.
    subsample, colsample_bytree : float
        Share of rows and of predictors each tree sees.
    seed : int
        Of the subsampling.
    """

    rounds: int = 100
    eta: float = 0.1
    max_depth: int = 6
    patience: int | None = None
    base_score: float | None = None
    tree_method: str = "exact"
    min_child_weight: float = 1.0
    reg_lambda: float = 1.0
    gamma: float = 0.0
    subsample: float = 1.0
    colsample_bytree: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.rounds < 1 or self.max_depth < 1 or not 0 < self.eta <= 1:
            raise UsageError(f"tree settings: rounds {self.rounds}, max_depth {self.max_depth}, eta {self.eta:g}; "
                             "expected rounds >= 1, max_depth >= 1 and 0 < eta <= 1")
        if self.tree_method not in ("exact", "hist"):
            raise UsageError(f"tree settings: tree_method {self.tree_method!r}; expected 'exact' or 'hist'")


def fit_booster(x: Matrix, y: Matrix, settings: TreeSettings, *, weight: NDArray[Any] | None = None,
                validation: tuple[Matrix, Matrix] | None = None,
                features: Sequence[str] | None = None) -> tuple[xgboost.Booster, int]:
    """
    Boosted trees for squared errors, on one thread, and the number of rounds to use.

    Parameters
    ----------
    x, y : ndarray, shapes (n, p) and (n,)
        Predictors (NaN = missing) and response.
    settings : TreeSettings
        The choices of the fit.
    weight : ndarray, shape (n,), optional
        Weights of the rows; whole numbers act as copies of a row.
    validation : tuple of ndarray, optional
        Rows that decide when to stop, when `settings.patience` is set.
    features : sequence of str, optional
        Names kept in the model.

    Returns
    -------
    booster : xgboost.Booster
        With all rounds that were fitted.
    rounds : int
        Up to and including the best round when stopped early, else all.
    """
    import xgboost

    if (settings.patience is None) != (validation is None):
        raise UsageError("early stopping needs both settings.patience and validation rows, or neither")
    base = float(np.average(y, weights=weight)) if settings.base_score is None else settings.base_score
    names = list(features) if features is not None else None
    parameters = {"objective": "reg:squarederror", "eval_metric": "rmse", "nthread": 1, "base_score": base,
                  **{name: getattr(settings, name) for name in ("eta", "max_depth", "tree_method", "min_child_weight",
                     "reg_lambda", "gamma", "subsample", "colsample_bytree", "seed")}}
    train = xgboost.DMatrix(x, y, weight=weight, feature_names=names, nthread=1)
    if validation is None:
        return xgboost.train(parameters, train, settings.rounds), settings.rounds
    judge = xgboost.DMatrix(validation[0], validation[1], feature_names=names, nthread=1)
    booster = xgboost.train(parameters, train, settings.rounds, evals=[(judge, "validation")],
                            early_stopping_rounds=settings.patience, verbose_eval=False)
    return booster, int(booster.best_iteration) + 1


@dataclass(frozen=True, slots=True, eq=False)
class TreeModel:
    """
    Fitted boosted trees with what is needed to use them rightly: names, ranges, rounds and the hash of their rows.

    Parameters
    ----------
    booster : xgboost.Booster
        The trees.
    rounds : int
        How many rounds to use (the best round when stopped early).
    features : tuple of str
        Predictors, in order.
    response : str
        What is predicted, in the unit of the catalogue.
    settings : TreeSettings
        The choices of the fit.
    ranges : mapping of str to (smallest, largest, missing)
        What the fit saw of each predictor.
    n_rows : int
        Rows of the fit.
    data_hash : str
        Of these rows.

    Examples
    --------
    >>> x = np.arange(40.0).reshape(20, 2)
    >>> model = fit_trees(x, x[:, 0] / 10, ("elevation", "alt"), response="surface_offset")
    >>> model.predict(x[:2]).round(2)
    array([0.01, 0.2 ])
    """

    booster: xgboost.Booster = field(repr=False)
    rounds: int
    features: tuple[str, ...]
    response: str
    settings: TreeSettings
    ranges: Mapping[str, tuple[float, float, int]]
    n_rows: int
    data_hash: str

    def predict(self, x: Any) -> NDArray[np.float64]:
        """The response [its unit] at the rows of `x`, a table with the model's columns or an array in their order."""
        import xgboost

        matrix = xgboost.DMatrix(matrix_for(x, self.features), feature_names=list(self.features), nthread=1)
        return self.booster.predict(matrix, iteration_range=(0, self.rounds)).astype(np.float64)

    def write(self, path: Path | str) -> Path:
        """Store the model as JSON that xgboost itself can open, with its schema and a checksum; returns `path`."""
        if Path(path).suffix != ".json":
            raise UsageError(f"{path}: models are stored as .json")
        document = json.loads(bytes(self.booster.save_raw("json")))
        schema = {"format": _FORMAT, "rounds": self.rounds, "features": self.features, "response": self.response,
                  "settings": asdict(self.settings), "ranges": dict(self.ranges), "n_rows": self.n_rows,
                  "data_hash": self.data_hash}
        document["learner"]["attributes"] = {"talik": json.dumps(schema)}
        document["talik_sha256"] = _digest(document)
        return write_bytes(path, json.dumps(document).encode())


def fit_trees(x: Matrix, y: Matrix, features: Sequence[str], *, response: str, settings: TreeSettings | None = None,
              validation: tuple[Matrix, Matrix] | None = None, data_hash: str = "") -> TreeModel:
    """Fit boosted trees and keep them with their schema; arguments as in `fit_booster` and `TreeModel`."""
    settings = settings or TreeSettings()
    booster, rounds = fit_booster(x, y, settings, validation=validation, features=features)
    seen = {}
    for name, column in zip(features, np.asarray(x, dtype=np.float64).T, strict=True):
        known = column[~np.isnan(column)]
        low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
        seen[name] = (low, high, int(column.size - known.size))
    return TreeModel(booster, rounds, tuple(features), response, settings, seen, len(y), data_hash)


def read_model(path: Path | str) -> TreeModel:
    """
    A stored model, checked before it is used.

    Raises
    ------
    FileError
        If the file is not a model of talik, is damaged, or its trees are impossible.
    """
    import xgboost

    try:
        content = Path(path).read_bytes()
        document = json.loads(content)
        claimed = document.pop("talik_sha256")
        schema = json.loads(document["learner"]["attributes"]["talik"])
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FileError(f"{path}: not a model stored by talik (no readable schema). "
                        "Expected a .json written by TreeModel.write.") from error
    # xgboost ends the process on some damaged files, so nothing unchecked may reach it
    if claimed != _digest(document):
        raise FileError(f"{path}: the checksum does not fit the content; the file was damaged or edited. Fit it again.")
    if schema.get("format") != _FORMAT:
        raise FileError(f"{path}: stored in format {schema.get('format')!r}, this talik reads {_FORMAT}; "
                        "use the talik that wrote it, or fit it again")
    _check_trees(path, document, len(schema["features"]))
    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(bytearray(content))
    known = {f.name for f in fields(TreeSettings)}
    settings = TreeSettings(**{name: value for name, value in schema["settings"].items() if name in known})
    return TreeModel(booster, schema["rounds"], tuple(schema["features"]), schema["response"], settings,
                     {name: tuple(seen) for name, seen in schema["ranges"].items()}, schema["n_rows"],
                     schema["data_hash"])


def matrix_for(x: Any, features: Sequence[str] | None, width: int | None = None, argument: str = "X") -> Matrix:
    """
    `x` as the matrix a model expects: columns of a table by name, columns of an array by position.

    Raises
    ------
    UsageError
        If columns are missing or their number differs.
    DataError
        If a cell holds text or an infinite value.
    """
    width = len(features) if features is not None else width
    if hasattr(x, "columns") or isinstance(x, (Mapping, pl.LazyFrame)):
        frame = as_frame(x, argument)
        wanted = list(features) if features is not None else frame.columns
        if absent := [name for name in wanted if name not in frame.columns]:
            raise UsageError(f"{argument}: the model was fitted on {len(wanted)} predictors and "
                             f"{', '.join(map(repr, absent[:5]))}{', ...' if len(absent) > 5 else ''} "
                             f"{'is' if len(absent) == 1 else 'are'} not among the columns of the table")
        matrix = pl.DataFrame([numbers_only(frame, name, argument) for name in wanted]).to_numpy().astype(np.float64)
    else:
        try:
            matrix = np.asarray(x, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(f"{argument}: cannot be read as numbers: {error}") from error
        if infinite := int(np.isinf(matrix).sum()):
            raise DataError(f"{argument}: {infinite} infinite values; use NaN for missing ones")
    if matrix.ndim != 2 or (width is not None and matrix.shape[1] != width):
        raise UsageError(f"{argument}: got shape {matrix.shape}, the model expects (n, {width}) "
                         f"({', '.join(features) if features else 'unnamed predictors'})")
    return matrix


def _digest(document: Mapping[str, Any]) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _check_trees(path: Path | str, document: Mapping[str, Any], width: int) -> None:
    """Refuse trees whose children or features point outside, or that are not trees: xgboost would read past memory."""
    for number, tree in enumerate(document["learner"]["gradient_booster"]["model"]["trees"]):
        left, right = np.array(tree["left_children"]), np.array(tree["right_children"])
        inner = left >= 0
        below = np.concatenate([left[inner], right[inner]])
        if ((right >= 0) != inner).any() or (np.array(tree["split_indices"])[inner] >= width).any() or (
                below.size and (np.unique(below).size < below.size or below.min() < 1 or below.max() >= left.size)):
            raise FileError(f"{path}: tree {number} is not a tree over {width} predictors; the file is not usable")
