"""Objectives and metrics of CatBoost."""

from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np

from .._core.categorical import Categorical
from .._core.loss import Loss
from .._cpu.evaluate import targets_of_rows
from .._cpu.matrix import matrix_pass
from .._request import description as description_of
from .._request.geometry import Geometry
from ._objective import Hessian, Margins, Objective, weights_of

LIBRARY = "CatBoost"


class Interpreted:
    """What CatBoost is not to compile by itself: it tries each method of an object without `no_jit`, and warns."""

    no_jit: ClassVar[bool] = True


@dataclass(frozen=True)
class CatBoostObjective(Objective, Interpreted):
    """See `catboost_objective`; of a loss without classes."""

    library: ClassVar[str] = LIBRARY
    least: ClassVar[float] = 0.0
    mae_scale: ClassVar[float] = 0.5  # its MAE is the quantile loss of the median

    def calc_ders_range(self, approxes: Any, targets: Any, weights: Any) -> Any:
        """The first and second derivatives of minus the loss: (examples, 2)."""
        z, y = np.asarray(approxes, np.float64), np.asarray(targets)
        found = np.empty((2, len(z)))
        self.derivatives(y, z, weights_of(weights, z), (found[0], found[1]))
        return np.negative(found, out=found).T


@dataclass(frozen=True)
class CatBoostMulticlassObjective(Objective, Interpreted):
    """See `catboost_objective`; of a loss of classes."""

    library: ClassVar[str] = LIBRARY

    def calc_ders_range(self, *_: Any) -> Any:
        """What CatBoost asks for where it knows of no classes."""
        raise ValueError(f"catboost_objective: {type(self.loss).__name__} was handed one margin for each example, "
                         "expected one for each class; set classes_count")  # fmt: skip

    def calc_ders_multi(self, approxes: Any, target: Any, weight: Any) -> tuple[list[float], list[list[float]]]:
        """The gradient and the whole Hessian of minus the loss of one example."""
        z, y = np.array([approxes], np.float64), np.array([target], np.float64)
        description, classes = cast(description_of.Categorical, self.loss._description), z.shape[1]
        gradient = self.loss.gradient(y, z, reduction="sum")[0]
        matrix, w = np.empty((classes, classes)), np.array([-1.0 if weight is None else -float(weight)])
        targets = targets_of_rows(description, Geometry((1,), classes, 1, True), y.astype(np.int64), np.float64)
        matrix_pass(description, z, targets, w, matrix)
        return (gradient * w[0]).tolist(), matrix.tolist()


@dataclass(frozen=True)
class CatBoostMetric(Margins, Interpreted):
    """See `catboost_metric`."""

    library: ClassVar[str] = LIBRARY
    kind: ClassVar[str] = "metric"

    def evaluate(self, approxes: Any, target: Any, weight: Any) -> tuple[float, float]:
        """The sum of weighted losses, and that of the weights."""
        z, y = np.asarray(approxes, np.float64).T, np.asarray(target)
        z = z if isinstance(self.loss, Categorical) else z[:, 0]
        if weight is None:
            return float(self.loss.loss(y, z, reduction="sum")), float(len(y))
        w = np.asarray(weight)
        return float(self.loss.loss(y, z, w, reduction="sum")), float(w.sum())

    def get_final_error(self, error: float, weight: float) -> float:
        """The mean."""
        return error / (weight or 1.0)

    def is_max_optimal(self) -> bool:
        """Whether higher is better: no."""
        return False


def catboost_objective(loss: Loss, hessian: Hessian = "library") -> CatBoostObjective | CatBoostMulticlassObjective:
    """A loss as an objective of CatBoost, which takes the whole Hessian of losses of classes.

    Parameters
    ----------
    loss : Loss
        A loss of raw margins: `from_logits=True`, or a regression loss. Of losses of
        classes, with class indices as labels.
    hessian : {"library", "exact"} or float, default "library"
        "library": as CatBoost's own objective for this loss, so that trees are the same:
        the exact one, 1 for MAE, and half of gradient and Hessian for MSE. "exact": the
        diagonal of the true Hessian, at least 1e-16. A number: the exact one, at least
        this. Losses of classes have the whole Hessian, and only "library" or "exact".

    Returns
    -------
    objective : object
        Picklable: `CatBoostClassifier(loss_function=..., eval_metric=...)`.

    Raises
    ------
    ValueError
        For a loss of probabilities, and other values of hessian.
    TypeError
        For what is no loss.

    Notes
    -----
    CatBoost needs `eval_metric` beside an objective of one's own (see `catboost_metric`),
    `leaf_estimation_method="Newton"` to use the Hessian, and `classes_count` for several
    classes. It takes these examples one by one, at some 25 us each. Its own objectives take
    several Newton steps (`leaf_estimation_iterations`) and start at the best constant
    (`boost_from_average`): set them for the same trees. Predictions are raw margins;
    `loss.activate` makes probabilities of them.

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> from fastloss.boosting import catboost_objective
    >>> objective = catboost_objective(fl.BinaryCrossentropy(from_logits=True))
    >>> objective.calc_ders_range(np.zeros(2), np.array([0.0, 1.0]), None)
    array([[-0.5 , -0.25],
           [ 0.5 , -0.25]])
    """
    if not isinstance(loss, Categorical):
        return CatBoostObjective(loss, hessian)
    if not isinstance(hessian, str):
        raise ValueError(f"catboost_objective: hessian is {hessian!r}, {type(loss).__name__} has a matrix for each "
                         "example; expected 'library' or 'exact'")  # fmt: skip
    return CatBoostMulticlassObjective(loss, hessian)


def catboost_metric(loss: Loss) -> CatBoostMetric:
    """The mean loss as a metric of CatBoost, for early stopping.

    Parameters
    ----------
    loss : Loss
        A loss of raw margins, as of `catboost_objective`.

    Returns
    -------
    metric : object
        `CatBoostClassifier(eval_metric=...)`.

    Raises
    ------
    ValueError
        For a loss of probabilities.
    TypeError
        For what is no loss.

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> from fastloss.boosting import catboost_metric
    >>> catboost_metric(fl.mae).evaluate([np.array([0.0, 0.0])], np.array([0.0, 1.0]), None)
    (1.0, 2.0)
    """
    return CatBoostMetric(loss)
