"""Binary cross-entropy, of probabilities or of logits."""

from dataclasses import dataclass
from typing import Any, ClassVar

from .._elementwise import Elementwise, Maths, apply
from .._hyperparameters import check, outside_unit
from .._jit import scalar
from .._math import exp_nonpositive, log1p_unit, positive
from .._primitives import fma
from ._activations import SIGMOID
from ._probability import clamped_logs, clip


@scalar
def logit_point(y: Any, z: Any, c: Any) -> Any:
    T = type(z)
    y = fma(y, T(1) - c[0], T(0.5) * c[0])
    e = exp_nonpositive(-abs(z))
    excess = log1p_unit(e)
    r = T(1) / (T(1) + e)
    er = e * r
    up = z >= T(0)
    p, q = r if up else er, er if up else r
    yes, no = y * c[1], T(1) - y
    loss = fma(yes + no, excess, positive(yes * positive(-z)) + positive(no * positive(z)))
    return loss, fma(no, p, -(yes * q)), (yes + no) * (p * q)


@scalar
def logit_outside(y: Any, z: Any, c: Any) -> Any:
    T = type(z)
    return (y < T(0)) | (y > T(1))


@scalar
def probability_point(y: Any, p: Any, c: Any) -> Any:
    T = type(p)
    y = fma(y, T(1) - c[0], T(0.5) * c[0])
    p, clipped = clip(p, c[2])
    q, nll_p, nll_q = clamped_logs(p)
    yes, no = y * c[1], T(1) - y
    v = p * q
    v = T(1e-12) if v < T(1e-12) else v
    p_least = T(1e-12) if p < T(1e-12) else p
    q_least = T(1e-12) if q < T(1e-12) else q
    grad = fma(no, p, -(yes * q)) / v
    hess = yes / p_least / p_least + no / q_least / q_least
    return fma(yes, nll_p, no * nll_q), T(0) if clipped else grad, T(0) if clipped else hess


@scalar
def probability_outside(y: Any, p: Any, c: Any) -> Any:
    T = type(p)
    return (y < T(0)) | (y > T(1)) | (p < T(0)) | (p > T(1))


LOGITS = Maths("binary_crossentropy_logits", logit_point, logit_outside)
PROBABILITIES = Maths("binary_crossentropy", probability_point, probability_outside)


@dataclass(frozen=True)
class BinaryCrossentropy(Elementwise):
    """The negative log-likelihood of yes/no labels: binary and multi-label classification.

    loss -[w y log p + (1-y) log(1-p)], for labels y = y_true in [0, 1] and p = y_pred in [0, 1] of any one shape, or
    p = sigmoid(y_pred) with from_logits=True; then gradient (1-y) p - w y (1-p) and Hessian ((1-y) + w y) p (1-p), each
    with full relative accuracy in the tails. w is pos_weight. From probabilities, log is clamped at -100, and the
    divisor p (1-p) of the gradient at 1e-12 (torch's rule); epsilon clips p to [epsilon, 1 - epsilon] instead, with
    gradient 0 where it does (Keras's rule, with 1e-7). label_smoothing a replaces y by y (1-a) + a/2.
    Values outside [0, 1] are a ValueError. Shapes, dtypes and errors: see `Loss`. Source: Keras, torch.

    >>> import numpy as np
    >>> loss, gradient = BinaryCrossentropy(from_logits=True)(np.array([1, 0]), np.array([0.0, 0.0]))
    >>> round(loss, 6), gradient
    (0.693147, array([-0.25,  0.25]))
    """

    from_logits: bool = False
    label_smoothing: float = 0.0
    pos_weight: float | None = None
    epsilon: float | None = None
    task: ClassVar[tuple[str, ...]] = ("binary classification", "multi-label classification")
    activation: ClassVar[str | None] = "sigmoid"

    def __post_init__(self) -> None:
        check(self)

    def _maths(self) -> Maths:
        return LOGITS if self.from_logits else PROBABILITIES

    def _hyperparameters(self) -> tuple[float, float, float, float, float]:
        weight = 1.0 if self.pos_weight is None else self.pos_weight
        return self.label_smoothing, weight, self.epsilon or 0.0, 0.0, 0.0

    def _forbidden(self, y: float, p: float) -> tuple[str, float, str]:
        return outside_unit(y, p)

    def _activate(self, z: Any, out: Any, real: Any) -> None:
        apply(SIGMOID, z, out, real)


binary_crossentropy = BinaryCrossentropy()
