"""Objectives and metrics of XGBoost."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from .._core.loss import Loss
from ._objective import POISSON_STEP, Hessian, Margins, Objective, arguments

LIBRARY = "XGBoost"


@dataclass(frozen=True)
class XGBoostObjective(Objective):
    """See `xgboost_objective`."""

    library: ClassVar[str] = LIBRARY
    poisson_factor: ClassVar[float] = math.exp(POISSON_STEP)

    def softmax_factor(self, classes: int) -> float:
        """That of multi:softprob."""
        return 2.0

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tuple[Any, Any]:
        """Gradient and Hessian, of (y_true, y_pred, sample_weight) or of (margins, DMatrix)."""
        return self.derivatives(*arguments(self.loss, y_true, y_pred, sample_weight))


@dataclass(frozen=True)
class XGBoostMetric(Margins):
    """See `xgboost_metric`."""

    library: ClassVar[str] = LIBRARY
    kind: ClassVar[str] = "metric"

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The mean loss; of (margins, DMatrix) with its name."""
        value = float(self.loss.loss(*arguments(self.loss, y_true, y_pred, sample_weight)))
        return (self.__name__, value) if hasattr(y_pred, "get_label") else value


def xgboost_objective(loss: Loss, hessian: Hessian = "library") -> XGBoostObjective:
    """A loss as an objective of XGBoost, for its scikit-learn estimators and for `xgboost.train`.

    Parameters
    ----------
    loss : Loss
        A loss of raw margins: `from_logits=True`, or a regression loss.
    hessian : {"library", "exact"} or float, default "library"
        "library": what XGBoost's own objective for this loss takes, so that trees are the
        same. Softmax: 2 p (1 - p). Poisson: exp(z + 0.7). MAE: 1. MSE: half of gradient
        and Hessian. Others: exact. "exact": the diagonal of the true Hessian, at least
        1e-16. A number: the exact one, at least this.

    Returns
    -------
    objective : callable
        Picklable. `XGBClassifier(objective=...)` or `xgboost.train(..., obj=...)`.

    Raises
    ------
    ValueError
        For a loss of probabilities, and other values of hessian.
    TypeError
        For what is no loss.

    Notes
    -----
    `xgboost.train` and XGBRegressor predict raw margins with an objective that is not
    XGBoost's: `loss.activate` applies the link. XGBClassifier has probabilities, as ever.
    They start at 0.5, as a margin or a probability, unless `base_score` says otherwise: see
    `init_score`. XGBoost's objective for Poisson also sets max_delta_step=0.7. After a round
    of reg:absoluteerror it sets the leaves to medians, which no objective can do.

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> from fastloss.boosting import xgboost_objective
    >>> objective = xgboost_objective(fl.BinaryCrossentropy(from_logits=True))
    >>> objective(np.array([0.0, 1.0]), np.array([0.0, 0.0]))
    (array([ 0.5, -0.5]), array([0.25, 0.25]))
    """
    return XGBoostObjective(loss, hessian)


def xgboost_metric(loss: Loss) -> XGBoostMetric:
    """The mean loss as a metric of XGBoost, for early stopping.

    Parameters
    ----------
    loss : Loss
        A loss of raw margins, as of `xgboost_objective`.

    Returns
    -------
    metric : callable
        `XGBClassifier(eval_metric=...)` or `xgboost.train(..., custom_metric=...)`.

    Raises
    ------
    ValueError
        For a loss of probabilities.
    TypeError
        For what is no loss.

    Notes
    -----
    It expects raw margins, which XGBoost hands over when the objective is not its own.

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> from fastloss.boosting import xgboost_metric
    >>> round(xgboost_metric(fl.BinaryCrossentropy(from_logits=True))(np.array([0, 1]), np.array([0.0, 0.0])), 6)
    0.693147
    """
    return XGBoostMetric(loss)
