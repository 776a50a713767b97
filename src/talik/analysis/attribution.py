"""What each predictor contributes to each prediction, exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from talik.analysis.trees import TreeModel, matrix_for


def contributions(model: Any, x: Any) -> NDArray[np.float64]:
    """
    Exact contributions (SHAP values) of every predictor to every prediction of a boosted-tree model.

    Parameters
    ----------
    model : TreeModel, xgboost.Booster or xgboost.XGBRegressor
        The model.
    x : array_like or table, shape (n, p)
        Predictors; NaN = missing.

    Returns
    -------
    contributions : ndarray, shape (n, p + 1)
        In the unit of the response; the last column is the mean prediction. Rows sum to the prediction.
    """
    import xgboost

    booster, rounds, features = model, None, None
    if isinstance(model, TreeModel):
        booster, rounds, features = model.booster, (0, model.rounds), model.features
    elif isinstance(model, xgboost.XGBModel):
        booster = model.get_booster()
    matrix = matrix_for(x, features, booster.num_features())
    data = xgboost.DMatrix(matrix, feature_names=booster.feature_names, nthread=1)
    values: NDArray[np.float32] = booster.predict(data, pred_contribs=True, iteration_range=rounds or (0, 0))
    return values.astype(np.float64)
