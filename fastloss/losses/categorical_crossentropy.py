"""Categorical cross-entropy, of probabilities or of logits."""

from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from ._base import (
    CLIP,
    SMOOTHING,
    Categorical,
    SoftmaxMaths,
    Weights,
    flag,
    hyperparameter,
    integer,
    optional,
    scalar,
    vector,
)
from ._probability import at_least, clamped_log, clip


class Constants(NamedTuple):
    epsilon: float


@scalar
def focus(p: Any, q: Any, nll: Any, c: Any) -> Any:
    T = type(p)
    return nll, T(1), T(0)


@scalar
def derivative(p: Any, c: Any) -> Any:
    T = type(p)
    p, clipped = clip(p, c.epsilon)
    slope = T(1) / at_least(p)
    return clamped_log(p, None) + (p - p), T(0) if clipped else -slope, T(0) if clipped else slope * slope


MATHS = SoftmaxMaths("categorical_crossentropy", focus, derivative, Constants, is_nll=True)


@dataclass(frozen=True)
class CategoricalCrossentropy(Categorical):
    """Cross-entropy of exclusive classes.

    loss(y, p) = -sum_k c_k y_k log p_k over the classes k, for probabilities p of
    y_pred. y_true holds class indices (integers, or floats that are whole numbers, of
    y_pred's shape without the class axis) or a target in [0, 1] for every class
    (one-hot or soft, of y_pred's shape).

    Parameters
    ----------
    from_logits : bool, default False
        Whether y_pred holds logits: p = softmax(y_pred) over `axis`. A logit of -inf
        takes its class out.
    label_smoothing : float in [0, 1), default 0.0
        Replaces the target y of a class by y (1 - label_smoothing) + label_smoothing /
        (number of classes).
    class_weight : array_like or dict, default None
        A weight c_k >= 0 for each class. In a mean it counts as a weight of the example
        too, as in torch. None is 1.
    ignore_index : int, default None
        An example whose class index has this value has weight 0. Not with targets for
        every class.
    axis : int, default -1
        The axis of the classes in y_pred.
    epsilon : float in [0, 0.5], default None
        Clips p to [epsilon, 1 - epsilon], with gradient 0 where p was clipped; Keras
        uses 1e-7. Where rounding has put p beyond 0 or 1, by at most max(epsilon, 1e-6),
        it is clipped too. Not with from_logits.
    signed_targets : bool, default False
        Whether targets for every class may be any number: the gradient p sum(y) - y is
        then that of a policy gradient with rewards y.

    Notes
    -----
    The derivatives with respect to logits are p_k s - c_k y_k and p_k (1 - p_k) s with s = sum_j c_j
    y_j; the Hessian is the diagonal. From probabilities, rows need not add up to 1; as
    in torch, log is at least -100 and a divisor p at least 1e-12.

    The formula is that of torch (CrossEntropyLoss) and Keras (CategoricalCrossentropy,
    SparseCategoricalCrossentropy).

    Examples
    --------
    >>> import numpy as np
    >>> loss, gradient = CategoricalCrossentropy(from_logits=True)(np.array([1]), np.array([[0.0, 0.0]]))
    >>> round(loss, 6), gradient
    (0.693147, array([[ 0.5, -0.5]]))
    """

    from_logits: bool = hyperparameter(False, flag)
    label_smoothing: float = hyperparameter(0.0, SMOOTHING)
    class_weight: Weights | None = hyperparameter(None, optional(vector))
    ignore_index: int | None = hyperparameter(None, optional(integer))
    axis: int = hyperparameter(-1, integer)
    epsilon: float | None = hyperparameter(None, CLIP)
    signed_targets: bool = hyperparameter(False, flag)
    use = "one of several classes; labels as indices or one-hot"
    first = True

    def _maths(self) -> SoftmaxMaths:
        return MATHS

    def _class_factors(self) -> tuple[str, tuple[float, ...] | None, bool]:
        return "class_weight", cast("tuple[float, ...] | None", self.class_weight), True


cce = categorical_crossentropy = CategoricalCrossentropy()
