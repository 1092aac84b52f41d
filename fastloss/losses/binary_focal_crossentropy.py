"""Binary focal cross-entropy, of probabilities or of logits."""

from dataclasses import dataclass
from functools import cache

from .._math.elementary import exp_raised, log1p_unit, lower, positive, power
from .._math.primitives import fma
from ._base import CLIP, NONNEGATIVE, SMOOTHING, ElementwiseMaths, flag, hyperparameter, number, optional, scalar
from ._binary import Binary, Constants, logit_maths, probability_maths
from ._focal import HALVES, POWERS, power_name
from ._probability import at_least, clamped_log


@cache
def _logit_maths(name: str) -> ElementwiseMaths:
    raised = POWERS[name]

    @scalar
    def side(s, size, c):
        """q^g nll and its derivatives by s, with q = sigmoid(s), p = 1 - q and nll = -log p."""
        T = type(s)
        g = c.gamma
        e_raised = exp_raised(-size)
        e = lower(e_raised)
        excess = log1p_unit(e)
        r = T(1) / (T(1) + e)
        er = e * r
        up = s >= T(0)
        p, q = er if up else r, r if up else er
        nll = positive(s) + excess
        f = raised(q, g)
        slope = f * fma(g, T(0) if p == T(0) else p * nll, q)  # 0 times inf is 0 here
        # In the Hessian nothing outweighs p nll, which is not subnormal where p is.
        p_nll = (T(0) if er == T(0) else lower(e_raised * r * nll)) if up else r * excess
        return f * nll, slope, f * fma(g, fma(g, p * p_nll, (T(2) * p - p_nll) * q), p * q)

    return logit_maths(f"binary_focal_logits_{name}", side)._replace(long=raised is power)


@cache
def _probability_maths(name: str) -> ElementwiseMaths:
    raised, halved = POWERS[name], HALVES[name]

    @scalar
    def side(t, low, q, c):
        """q^g (-log t) and its derivatives by -t and t."""
        T = type(t)
        g = c.gamma
        nll, f, half = clamped_log(t, low), raised(q, g), halved(q, g)
        t_least, q_least = at_least(t), at_least(q)
        curve = g * (g - T(1)) * nll / q_least / q_least + T(2) * g / (t_least * q_least) + T(1) / t_least / t_least
        return f * nll, f * (fma(g, t * nll, q) * (T(1) / at_least(t * q))), half * curve * half

    return probability_maths(f"binary_focal_{name}", side)._replace(long=raised is power)


@dataclass(frozen=True)
class BinaryFocalCrossentropy(Binary):
    """Binary cross-entropy that gives little weight to examples that are already right: few positives.

    loss y A (1-p)^g (-log p) + (1-y) B p^g (-log(1-p)) with g = gamma, A = alpha and B = 1 - alpha (both 1 for
    alpha=None), for labels y = y_true in [0, 1] and p = y_pred in [0, 1] of any one shape, or p = sigmoid(y_pred) with
    from_logits=True. gamma=0, alpha=None is binary cross-entropy, whose clamps these are.
    Values outside [0, 1] are a ValueError. Shapes, dtypes and errors: see `Loss`.
    Source: Lin et al. 2017, https://arxiv.org/abs/1708.02002, often printed without its minus sign; torchvision sets
    alpha=0.25, Keras ignores alpha unless apply_class_balancing.

    Parameters
    ----------
    gamma : float, default 2.0
        A number >= 0. 0, 0.5, 1 and 2 have kernels of their own; any other takes a real power.
    alpha : float, optional
        A number in [0, 1], the weight of yes; that of no is 1 - alpha. None: both 1.
    from_logits : bool, default False
        As in `BinaryCrossentropy`.
    label_smoothing : float, default 0.0
        As in `BinaryCrossentropy`.
    epsilon : float, optional
        As in `BinaryCrossentropy`.

    Examples
    --------
    >>> import numpy as np
    >>> round(BinaryFocalCrossentropy(from_logits=True)(np.array([1]), np.array([0.0])).loss, 6)  # log(2) / 4
    0.173287
    """

    gamma: float = hyperparameter(2.0, NONNEGATIVE)
    alpha: float | None = hyperparameter(None, optional(number(0.0, 1.0, "a number in [0, 1]")))
    from_logits: bool = hyperparameter(False, flag)
    label_smoothing: float = hyperparameter(0.0, SMOOTHING)
    epsilon: float | None = hyperparameter(None, CLIP)
    use = "yes/no with few positives"
    drawn = False

    def _maths(self) -> ElementwiseMaths:
        return (_logit_maths if self.from_logits else _probability_maths)(power_name(self.gamma))

    def _constants(self) -> Constants:
        yes, no = (1.0, 1.0) if self.alpha is None else (self.alpha, 1.0 - self.alpha)
        return Constants(self.label_smoothing, yes, no, self.gamma, self.epsilon or 0.0)


binary_focal_crossentropy = BinaryFocalCrossentropy()
