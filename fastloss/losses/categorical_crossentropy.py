"""Categorical cross-entropy, of probabilities or of logits."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from .._compile.jit import scalar
from .._core.categorical import Categorical
from .._core.hyperparameters import check
from .._core.interval import UNIT, Interval
from .._math.forms import SoftmaxMaths
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


MATHS = SoftmaxMaths("categorical_crossentropy", focus, derivative, Constants)


@dataclass(frozen=True)
class CategoricalCrossentropy(Categorical):
    """The negative log-likelihood of exclusive classes.

    loss -sum_k c_k y_k log p_k, with p = y_pred, or p = softmax(y_pred) over `axis` with from_logits=True; then the
    gradient is p_j sum_k c_k y_k - c_j y_j and the Hessian p_j (1-p_j) sum_k c_k y_k, each with full relative accuracy
    where p is near 1.
    y_true is dense (y_pred's shape, one-hot or soft) or class indices (integers, y_pred's shape without `axis`). c is
    class_weight; the mean divides by sum w c[y] (torch's rule for indices). ignore_index: examples with that index
    count for nothing. label_smoothing a replaces y by y (1-a) + a/K. Rows of probabilities need not sum to 1.
    From probabilities, log is clamped at -100 and the divisor of the gradient -y/p at 1e-12; epsilon clips p instead.
    signed_targets lets dense targets be any numbers, as the advantages of a policy gradient are; the mean then divides
    by sum w.
    Logits of -inf are masked classes. A class index outside [0, K), a probability outside [0, 1] is a ValueError.
    Shapes, dtypes and other errors: see `Loss`. Source: Keras, torch.

    >>> import numpy as np
    >>> loss, gradient = CategoricalCrossentropy(from_logits=True)(np.array([0]), np.zeros((1, 2)))
    >>> round(loss, 6), gradient
    (0.693147, array([[-0.5,  0.5]]))
    """

    from_logits: bool = False
    label_smoothing: float = 0.0
    class_weight: tuple[float, ...] | None = None
    ignore_index: int | None = None
    axis: int = -1
    epsilon: float | None = None
    signed_targets: bool = False
    task: ClassVar[tuple[str, ...]] = ("single-label classification",)
    activation: ClassVar[str | None] = "softmax"
    use: ClassVar[str] = "one of several classes; labels as indices or one-hot"
    takes: ClassVar[Interval] = UNIT

    def __post_init__(self) -> None:
        check(self)

    def _maths(self) -> SoftmaxMaths:
        return MATHS

    def _class_factors(self) -> tuple[str, tuple[float, ...] | None, bool]:
        return "class_weight", self.class_weight, True


categorical_crossentropy = CategoricalCrossentropy()
