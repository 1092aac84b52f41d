"""Objectives and metrics of LightGBM."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .._core.loss import Loss
from ._objective import POISSON_STEP, Hessian, Margins, Objective, arguments

LIBRARY = "LightGBM"
SMALL = 65536
"""Up to so many margins, a call in float64 and a conversion take less time than a call that converts."""


@dataclass(frozen=True)
class LightGBMObjective(Objective):
    """See `lightgbm_objective`."""

    library: ClassVar[str] = LIBRARY
    least: ClassVar[float] = 0.0
    poisson_factor: ClassVar[float] = math.exp(POISSON_STEP)

    def softmax_factor(self, classes: int) -> float:
        """That of its objective multiclass."""
        return classes / (classes - 1)

    def __call__(self, y_true: Any, y_pred: Any, weight: Any = None) -> tuple[Any, Any]:
        """Gradient and Hessian, of (y_true, y_pred, weight) or of (margins, Dataset): float32, in Fortran order."""
        y, z, w = arguments(self.loss, y_true, y_pred, weight)
        if z.ndim == 1 and z.size <= SMALL:
            gradient, hessian = self.derivatives(y, z, w)
            return gradient.astype(np.float32), hessian.astype(np.float32)
        return self.derivatives(y, z, w, (np.empty(z.shape, np.float32, "F"), np.empty(z.shape, np.float32, "F")))


@dataclass(frozen=True)
class LightGBMMetric(Margins):
    """See `lightgbm_metric`."""

    library: ClassVar[str] = LIBRARY
    kind: ClassVar[str] = "metric"

    def __call__(self, y_true: Any, y_pred: Any, weight: Any = None) -> tuple[str, float, bool]:
        """Name, mean loss, and that higher is not better."""
        return self.__name__, float(self.loss.loss(*arguments(self.loss, y_true, y_pred, weight))), False


def lightgbm_objective(loss: Loss, hessian: Hessian = "library") -> LightGBMObjective:
    """A loss as an objective of LightGBM, for its scikit-learn estimators and for `lightgbm.train`.

    Parameters
    ----------
    loss : Loss
        A loss of raw margins: `from_logits=True`, or a regression loss.
    hessian : {"library", "exact"} or float, default "library"
        "library": what LightGBM's own objective for this loss takes, so that trees are the
        same. Softmax: K / (K - 1) p (1 - p) for K classes. Poisson: exp(z + 0.7). MAE: 1.
        MSE: half of gradient and Hessian. Others: exact. "exact": the diagonal of the true
        Hessian, at least 1e-16. A number: the exact one, at least this.

    Returns
    -------
    objective : callable
        Picklable. `LGBMClassifier(objective=...)` or `{"objective": ...}` of `lightgbm.train`.

    Raises
    ------
    ValueError
        For a loss of probabilities, and other values of hessian.
    TypeError
        For what is no loss.

    Notes
    -----
    With an objective of one's own LightGBM predicts raw margins, `loss.activate` makes
    probabilities of them, and it starts at 0: pass `init_score` to its `fit`, and add the
    same to predictions. After a round of regression_l1 LightGBM sets the leaves to medians,
    which no objective can do.

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> from fastloss.boosting import lightgbm_objective
    >>> objective = lightgbm_objective(fl.BinaryCrossentropy(from_logits=True))
    >>> objective(np.array([0.0, 1.0]), np.array([0.0, 0.0]))
    (array([ 0.5, -0.5], dtype=float32), array([0.25, 0.25], dtype=float32))
    """
    return LightGBMObjective(loss, hessian)


def lightgbm_metric(loss: Loss) -> LightGBMMetric:
    """The mean loss as a metric of LightGBM, for early stopping.

    Parameters
    ----------
    loss : Loss
        A loss of raw margins, as of `lightgbm_objective`.

    Returns
    -------
    metric : callable
        `fit(eval_metric=...)` or `lightgbm.train(..., feval=...)`.

    Raises
    ------
    ValueError
        For a loss of probabilities.
    TypeError
        For what is no loss.

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> from fastloss.boosting import lightgbm_metric
    >>> lightgbm_metric(fl.mae)(np.array([0.0, 1.0]), np.array([0.0, 0.0]))
    ('MeanAbsoluteError', 0.5, False)
    """
    return LightGBMMetric(loss)
