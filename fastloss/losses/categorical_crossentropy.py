"""Categorical cross-entropy, of probabilities or of logits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from ._base import CLIP, SMOOTHING, Categorical, SoftmaxMaths, flag, hyperparameter, integer, optional, scalar, vector
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
    """The negative log-likelihood of exclusive classes.

    loss -sum_k c_k y_k log p_k, with p = y_pred, or p = softmax(y_pred) over `axis` with from_logits=True; then the
    gradient is p_j sum_k c_k y_k - c_j y_j and the Hessian p_j (1-p_j) sum_k c_k y_k, each with full relative accuracy
    where p is near 1.
    y_true is dense (y_pred's shape, one-hot or soft) or class indices (y_pred's shape without `axis`; integers, on the
    CPU also float32 and float64 that hold whole numbers). Rows of probabilities need not sum to 1; from them, log is
    clamped at -100 and the divisor of the gradient -y/p at 1e-12.
    Logits of -inf are masked classes. A class index outside [0, K), a probability outside [0, 1] is a ValueError.
    Shapes, dtypes and other errors: see `Loss`. Source: Keras, torch.

    Parameters
    ----------
    from_logits : bool, default False
        Whether p is softmax(y_pred).
    label_smoothing : float, default 0.0
        A number a in [0, 1): y becomes y (1-a) + a/K.
    class_weight : sequence of float or {class: float}, optional
        One number c_k >= 0 per class; the mean divides by sum w c[y] (torch's rule for indices). None: 1.
    ignore_index : int, optional
        Examples with this class index count for nothing.
    axis : int, default -1
        The axis of the classes.
    epsilon : float, optional
        A number in [0, 0.5]: p is clipped to [epsilon, 1 - epsilon], instead of the clamps. For probabilities alone.
    signed_targets : bool, default False
        Whether dense targets may be any numbers, as the advantages of a policy gradient are; the mean then divides by
        sum w.

    Examples
    --------
    >>> import numpy as np
    >>> loss, gradient = CategoricalCrossentropy(from_logits=True)(np.array([0]), np.zeros((1, 2)))
    >>> round(loss, 6), gradient
    (0.693147, array([[-0.5,  0.5]]))
    """

    from_logits: bool = hyperparameter(False, flag)
    label_smoothing: float = hyperparameter(0.0, SMOOTHING)
    class_weight: Sequence[float] | Mapping[int, float] | None = hyperparameter(None, optional(vector))
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
