"""Binary focal cross-entropy, of probabilities or of logits."""

from dataclasses import dataclass
from typing import Any, ClassVar

from .._elementwise import Elementwise, Maths, apply
from .._hyperparameters import check, outside_unit
from .._jit import scalar
from .._math import exp_raised, log1p_unit, lower
from .._primitives import fma
from ._activations import SIGMOID
from ._focal import POWERS, power_name
from ._probability import clamped_logs, clip


def _logit_maths(name: str) -> Maths:
    raised = POWERS[name]

    @scalar
    def half(p, q, nll, p_nll, g):
        """q^g nll and its derivatives by the logit, for the side whose probability is p."""
        T = type(p)
        f = raised(q, g)
        hess = fma(g, fma(g, p * p_nll, (T(2) * p - p_nll) * q), p * q)
        return (T(0) if q == T(0) else f * nll), f * fma(g, p_nll, q), f * hess

    @scalar
    def point(y, z, c):
        T = type(z)
        y = fma(y, T(1) - c[0], T(0.5) * c[0])
        size = abs(z)
        e_raised = exp_raised(-size)
        e = lower(e_raised)
        excess = log1p_unit(e)
        r = T(1) / (T(1) + e)
        er = e * r
        up = z >= T(0)
        p, q = r if up else er, er if up else r
        # p (-log p) of both sides; where p is subnormal, the product is not: 0 times inf is 0 here
        large, small = r * excess, T(0) if er == T(0) else lower(e_raised * r * (size + excess))
        yes, no = y * c[1], (T(1) - y) * c[2]
        yes_loss, yes_slope, yes_hess = half(p, q, excess if up else excess - z, large if up else small, c[3])
        no_loss, no_slope, no_hess = half(q, p, excess + z if up else excess, small if up else large, c[3])
        loss = (T(0) if yes == T(0) else yes * yes_loss) + (T(0) if no == T(0) else no * no_loss)
        return loss, no * no_slope - yes * yes_slope, yes * yes_hess + no * no_hess

    return Maths(f"binary_focal_logits_{name}", point, outside)


def _probability_maths(name: str) -> Maths:
    raised = POWERS[name]

    @scalar
    def half(p, q, nll, g):
        """q^g nll and its derivatives by p."""
        T = type(p)
        f = raised(q, g)
        v = p * q
        v = T(1e-12) if v < T(1e-12) else v
        p_least = T(1e-12) if p < T(1e-12) else p
        q_least = T(1e-12) if q < T(1e-12) else q
        curve = g * (g - T(1)) * nll / q_least / q_least + T(2) * g / (p_least * q_least) + T(1) / p_least / p_least
        return f * nll, f * (fma(g, p * nll, q) / v), f * curve

    @scalar
    def point(y, p, c):
        T = type(p)
        y = fma(y, T(1) - c[0], T(0.5) * c[0])
        p, clipped = clip(p, c[4])
        q, nll_p, nll_q = clamped_logs(p)
        yes, no = y * c[1], (T(1) - y) * c[2]
        yes_loss, yes_slope, yes_hess = half(p, q, nll_p, c[3])
        no_loss, no_slope, no_hess = half(q, p, nll_q, c[3])
        grad = no * no_slope - yes * yes_slope
        hess = (T(0) if yes == T(0) else yes * yes_hess) + (T(0) if no == T(0) else no * no_hess)
        return fma(yes, yes_loss, no * no_loss), T(0) if clipped else grad, T(0) if clipped else hess

    return Maths(f"binary_focal_{name}", point, probability_outside)


@scalar
def outside(y: Any, z: Any, c: Any) -> Any:
    T = type(z)
    return (y < T(0)) | (y > T(1))


@scalar
def probability_outside(y: Any, p: Any, c: Any) -> Any:
    T = type(p)
    return (y < T(0)) | (y > T(1)) | (p < T(0)) | (p > T(1))


LOGITS = {name: _logit_maths(name) for name in POWERS}
PROBABILITIES = {name: _probability_maths(name) for name in POWERS}


@dataclass(frozen=True)
class BinaryFocalCrossentropy(Elementwise):
    """Binary cross-entropy that turns away from examples it already gets right: unbalanced or blurred classes.

    loss y A (1-p)^g (-log p) + (1-y) B p^g (-log(1-p)) with g = gamma, A = alpha and B = 1 - alpha (both 1 for
    alpha=None), for labels y = y_true in [0, 1] and p = y_pred in [0, 1] of any one shape, or p = sigmoid(y_pred) with
    from_logits=True. gamma=0, alpha=None is binary cross-entropy. Clamps, epsilon and label_smoothing are those of
    `BinaryCrossentropy`. gamma in {0, 0.5, 1, 2} has kernels of its own; any other takes a real power.
    Values outside [0, 1] are a ValueError. Shapes, dtypes and errors: see `Loss`.
    Source: Lin et al. 2017, https://arxiv.org/abs/1708.02002, often printed without its minus sign; torchvision sets
    alpha=0.25, Keras ignores alpha unless apply_class_balancing.

    >>> import numpy as np
    >>> round(BinaryFocalCrossentropy(from_logits=True)(np.array([1]), np.array([0.0])).loss, 6)  # log(2) / 4
    0.173287
    """

    gamma: float = 2.0
    alpha: float | None = None
    from_logits: bool = False
    label_smoothing: float = 0.0
    epsilon: float | None = None
    task: ClassVar[tuple[str, ...]] = ("binary classification", "multi-label classification")
    activation: ClassVar[str | None] = "sigmoid"

    def __post_init__(self) -> None:
        check(self)

    def _maths(self) -> Maths:
        return (LOGITS if self.from_logits else PROBABILITIES)[power_name(self.gamma)]

    def _hyperparameters(self) -> tuple[float, float, float, float, float]:
        yes, no = (1.0, 1.0) if self.alpha is None else (self.alpha, 1.0 - self.alpha)
        return self.label_smoothing, yes, no, self.gamma, self.epsilon or 0.0

    def _forbidden(self, y: float, p: float) -> tuple[str, float, str]:
        return outside_unit(y, p)

    def _activate(self, z: Any, out: Any, real: Any) -> None:
        apply(SIGMOID, z, out, real)


binary_focal_crossentropy = BinaryFocalCrossentropy()
