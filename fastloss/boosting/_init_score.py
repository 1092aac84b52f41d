"""Where boosting starts: the constant margin of least loss."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .._core.arguments import check_margins
from .._core.categorical import Categorical
from .._core.loss import Loss
from ..losses.categorical_crossentropy import CategoricalCrossentropy
from ..losses.mean_absolute_error import MeanAbsoluteError
from ..losses.mean_squared_error import MeanSquaredError
from ..losses.poisson import Poisson

RAREST = 1e-15
"""The smallest share of a class, as in LightGBM: the margin of one that never occurs is finite."""
FARTHEST = -math.log(RAREST)


def init_score(loss: Loss, y: Any, sample_weight: Any = None) -> Any:
    """The constant margin with the least loss, where boosting starts.

    Parameters
    ----------
    loss : Loss
        A loss of raw margins: `from_logits=True`, or a regression loss.
    y : array_like
        Labels of shape (n,) or (n, outputs); class indices or, of shape (n, K), targets.
    sample_weight : array_like of shape (n,), default None
        Weights >= 0. None is 1.

    Returns
    -------
    score : float or array
        One for each output or class where there are several.

    Raises
    ------
    ValueError
        For a loss of probabilities, and for labels that do not fit it.
    TypeError
        For what is no loss.

    Notes
    -----
    XGBoost: `base_score=score`, of XGBClassifier `base_score=loss.activate(score)`; for
    classes `base_margin=np.tile(score, (n, 1))` of fit and predict. LightGBM:
    `init_score=np.full(n, score)` of fit, for classes `np.tile(score, (n, 1))`, and add the
    same to the raw scores that it predicts. CatBoost: `baseline` of a Pool, in the same way.
    A class that never occurs has a share of 1e-15.

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> from fastloss.boosting import init_score
    >>> round(init_score(fl.BinaryCrossentropy(from_logits=True), np.array([0, 0, 0, 1])), 6)  # log(1/3)
    -1.098612
    """
    check_margins("init_score", loss, "boosting adds up raw margins")
    labels, w = np.asarray(y), np.ones(len(y)) if sample_weight is None else np.ma.filled(sample_weight, 0.0)
    w = np.broadcast_to(np.asarray(w, np.float64), labels.shape[:1])
    hidden: Any = np.ma.getmaskarray(y)
    if isinstance(loss, Categorical) and hidden.ndim > 1:
        hidden = hidden.any(axis=1)
    if hidden.ndim == 1:
        labels, w = labels[~hidden], w[~hidden]
    if isinstance(loss, Categorical):
        return _of_classes(loss, labels, w)
    if labels.ndim == 1:
        return _of_elements(loss, labels, w)
    columns = [(labels[~hidden[:, k], k], w[~hidden[:, k]]) for k in range(labels.shape[1])]
    return np.array([_of_elements(loss, *column) for column in columns])


def _check_weights(w: Any) -> None:
    if not w.sum() > 0:
        raise ValueError(f"init_score: the weights of labels that count add up to {w.sum():g}, expected more than 0")


def _of_elements(loss: Loss, y: Any, w: Any) -> float:
    if getattr(loss, "missing", None) == "ignore":
        y, w = y[~np.isnan(y)], w[~np.isnan(y)]
    if getattr(loss, "ignore_index", None) is not None:
        y, w = y[y != loss.ignore_index], w[y != loss.ignore_index]  # type: ignore[attr-defined]
    _check_weights(w)
    values, which = np.unique(y, return_inverse=True)
    w = np.bincount(which, w, len(values))
    values = values.astype(np.float64)
    loss.loss(values, np.full(len(values), 0.5), w)  # raises for what does not fit
    if isinstance(loss, MeanSquaredError | Poisson):
        mean = float(np.average(values, weights=w))
        return mean if isinstance(loss, MeanSquaredError) else math.log(max(mean, RAREST))
    if isinstance(loss, MeanAbsoluteError):
        total = np.cumsum(w)
        return float(values[np.searchsorted(total, total[-1] / 2)])

    def slope(score: float) -> float:
        return float(loss.gradient(values, np.full(len(values), score), w, reduction="sum").sum())

    if getattr(loss, "from_logits", False):
        return _root(slope, -FARTHEST, FARTHEST)
    return _root(slope, float(values[0]), float(values[-1]))


def _root(slope: Callable[[float], float], low: float, high: float) -> float:
    """Where a slope changes its sign, by bisection."""
    while True:
        middle = low + (high - low) / 2
        if not low < middle < high:
            return middle
        if slope(middle) < 0:
            low = middle
        else:
            high = middle


def _of_classes(loss: Categorical, y: Any, w: Any) -> Any:
    if y.ndim == 1:
        if loss.ignore_index is not None:
            y, w = y[y != loss.ignore_index], w[y != loss.ignore_index]
        wrong = np.flatnonzero((y % 1 != 0) | (y < 0))
        if len(wrong):
            raise ValueError(f"init_score: y[{wrong[0]}] is {y[wrong[0]]}, expected class indices")
        counts = np.bincount(y.astype(np.intp), w)
    else:
        counts = w @ y.astype(np.float64)
    _check_weights(counts)
    classes = len(counts)
    name, factors, _ = loss._class_factors()
    if factors is not None and len(factors) != classes:
        raise ValueError(f"init_score: {name} of {type(loss).__name__} has {len(factors)} values, y has {classes} "
                         "classes; expected one per class")  # fmt: skip
    smooth = counts * (1 - loss.label_smoothing) + counts.sum() * loss.label_smoothing / classes
    shares = smooth * (1.0 if factors is None else np.array(factors))
    start = np.log(np.maximum(shares / shares.sum(), RAREST))
    return start if isinstance(loss, CategoricalCrossentropy) else _newton(loss, counts, start)


def _newton(loss: Categorical, counts: Any, z: Any) -> Any:
    """Levenberg's steps from z, over one example of each class, weighted by its count."""
    classes, damping = len(counts), 1e-3
    y = np.arange(classes)

    value = loss.loss(y, np.tile(z, (classes, 1)), counts, reduction="sum")
    for _ in range(200):
        gradient, matrix = loss.gradient_hessian_matrix(y, np.tile(z, (classes, 1)), counts, reduction="sum")
        g, h = gradient.sum(axis=0), matrix.sum(axis=0)
        if abs(g).max() <= 1e-14 * counts.sum() or damping > 1e12:
            break
        diagonal = (damping + max(0.0, -float(np.linalg.eigvalsh(h)[0]))) * np.eye(classes)
        trial = z - np.linalg.solve(h + diagonal, g)
        lower = loss.loss(y, np.tile(trial, (classes, 1)), counts, reduction="sum")
        z, value, damping = (trial, lower, damping / 10) if lower <= value else (z, value, damping * 10)
    return z - np.log(np.exp(z).sum())
