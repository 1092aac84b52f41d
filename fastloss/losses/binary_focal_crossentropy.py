"""Binary focal cross-entropy, of probabilities or of logits."""

import math
from dataclasses import dataclass
from functools import cache
from typing import Literal

from .._math.elementary import exp_raised, log1p_unit, lower, positive
from .._math.primitives import fma, inverse, pick
from ._base import (
    CLIP,
    MISSING,
    NONNEGATIVE,
    SMOOTHING,
    ElementwiseMaths,
    flag,
    hyperparameter,
    integer,
    number,
    optional,
    scalar,
)
from ._binary import Binary, Constants, logit_mixture, probability_mixture
from ._focal import HALVES, POWERS, power_name
from ._probability import at_least, clamped_log


@scalar
def _sigmoids(s, size):
    """q = sigmoid(s) and p = 1 - q, -log p and -log q, and p (-log p) and q (-log q), not subnormal where p or q is."""
    T = type(s)
    e_raised = exp_raised(-size)
    e = lower(e_raised)
    excess = log1p_unit(e)
    r = inverse(T(1) + e)
    er = e * r
    up = s >= T(0)
    more = positive(size) + excess
    less, most = r * excess, T(0) if er == T(0) else lower(e_raised * r * more)
    p, q, nll, other = er if up else r, r if up else er, more if up else excess, excess if up else more
    return p, q, nll, other, most if up else less, less if up else most


@cache
def _logit_maths(name: str) -> ElementwiseMaths:
    raised = POWERS[name]

    @scalar
    def alone(p, q, nll, p_nll, f, g):
        """f nll and its derivatives by s, for f = q^g."""
        T = type(p)
        slope = f * fma(g, T(0) if p == T(0) else p * nll, q)  # 0 times inf is 0 here
        # In the Hessian nothing outweighs p nll, which is not subnormal where p is.
        return f * nll, slope, f * fma(g, fma(g, p * p_nll, (T(2) * p - p_nll) * q), p * q)

    @scalar
    def side(s, size, c):
        p, q, nll, _, p_nll, _ = _sigmoids(s, size)
        return alone(p, q, nll, p_nll, raised(q, c.gamma), c.gamma)

    @scalar
    def mixture(s, size, a, b, c):
        """u^g (-a log p - b log q) with u = a q + b p, and its derivatives by s."""
        T = type(s)
        g = c.gamma
        p, q, nll, other, p_nll, q_nll = _sigmoids(s, size)
        u = fma(a, q, b * p)
        f, divisor = raised(u, g), T(1) if u == T(0) else u
        ratio = q / divisor
        right, wrong = b * p / divisor, a * ratio
        t = (a - b) * p * ratio  # the derivative of log u
        t_nll = (a - b) * fma(wrong, p_nll, right * q_nll)
        slope = fma(a, q, -(b * p))
        curve = fma(t_nll, fma(g, t, fma(right, p, -(wrong * q))), T(2) * t * slope)
        loss, grad, hess = alone(p, q, nll, p_nll, f, g)
        one, both = b == T(0), fma(a, nll, b * other)
        both = both if both == pick(s, math.inf, math.inf) else f * both  # f may be 0 by underflow alone
        return (loss if one else both, grad if one else f * fma(g, t_nll, slope),
                hess if one else f * fma(g, curve, p * q))  # fmt: skip

    return logit_mixture(f"binary_focal_logits_{name}", side, mixture)


@cache
def _probability_maths(name: str) -> ElementwiseMaths:
    raised, halved = POWERS[name], HALVES[name]

    @scalar
    def alone(t, q, nll, f, half, g):
        """f nll and its derivatives by -t and t, for f = q^g and half = q^(g/2)."""
        T = type(t)
        by_t, by_q = inverse(at_least(t)), inverse(at_least(q))
        curve = g * (g - T(1)) * nll * by_q * by_q + T(2) * g * by_t * by_q + by_t * by_t
        return f * nll, f * (fma(g, t * nll, q) * inverse(at_least(t * q))), half * curve * half

    @scalar
    def side(t, low, q, c):
        g = c.gamma
        return alone(t, q, clamped_log(t, low), raised(q, g), halved(q, g), g)

    @scalar
    def mixture(t, low, q, q_low, a, b, c):
        """u^g (-a log t - b log q) with u = a q + b t, and its derivatives by -t and t."""
        T = type(t)
        g = c.gamma
        u = fma(a, q, b * t)
        nll = clamped_log(t, low)
        both = fma(a, nll, b * clamped_log(q, q_low))
        f, half, slope = raised(u, g), halved(u, g), fma(a, q, -(b * t))
        ratio = (a - b) * t * (q / (T(1) if u == T(0) else u))
        t_least, q_least, k = at_least(t), at_least(q), (a - b) / at_least(u)
        curve = a / t_least / t_least + b / q_least / q_least
        curve = curve + g * k * fma((g - T(1)) * k, both, T(2) * (a / t_least - b / q_least))
        loss, grad, hess = alone(t, q, nll, f, half, g)
        slope = f * (fma(g, ratio * both, slope) * inverse(at_least(t * q)))
        one = b == T(0)
        return loss if one else f * both, grad if one else slope, hess if one else half * curve * half

    return probability_mixture(f"binary_focal_{name}", side, mixture)


@dataclass(frozen=True)
class BinaryFocalCrossentropy(Binary):
    """Binary cross-entropy that gives little weight to examples that are already right, for data with few positives.

    loss(y, p) = a (1 - t)^gamma [-y log p - (1 - y) log(1 - p)] for a label y of y_true
    and a probability p of y_pred, arrays of one shape, both in [0, 1]. t = y p + (1 -
    y)(1 - p) is the probability of the right answer, and a = alpha y + (1 - alpha)(1 -
    y).

    Parameters
    ----------
    gamma : float, default 2.0
        The exponent, >= 0. 0, 0.5, 1 and 2 have kernels of their own and are faster
        than other values.
    alpha : float in [0, 1], default None
        The weight of yes; that of no is 1 - alpha. None is 1 for both.
    from_logits : bool, default False
        Whether y_pred holds logits: p = sigmoid(y_pred).
    label_smoothing : float in [0, 1), default 0.0
        Replaces y by y (1 - label_smoothing) + label_smoothing / 2.
    epsilon : float in [0, 0.5], default None
        Clips p to [epsilon, 1 - epsilon], with gradient 0 where p was clipped; Keras
        uses 1e-7. Where rounding has put p beyond 0 or 1, by at most max(epsilon, 1e-6),
        it is clipped too. Not with from_logits.
    ignore_index : int, default None
        A label with this value has weight 0.
    missing : "ignore" or None, default None
        With "ignore", a target that is NaN has weight 0. With None it makes the loss
        NaN.

    Notes
    -----
    Soft and smoothed labels are mixed before the power is taken, as in torchvision,
    Keras and optax. gamma=0, alpha=None is binary cross-entropy, whose clamps are used
    here too. The Hessian is negative where an example is badly wrong.

    The formula is that of Lin et al. 2017, https://arxiv.org/abs/1708.02002, which is
    often printed without its minus sign. torchvision sets alpha=0.25; Keras ignores
    alpha unless apply_class_balancing=True.

    Examples
    --------
    >>> import numpy as np
    >>> loss = BinaryFocalCrossentropy(from_logits=True)
    >>> round(loss.loss(np.array([1]), np.array([0.0])), 6)  # log(2) / 4
    0.173287
    """

    gamma: float = hyperparameter(2.0, NONNEGATIVE)
    alpha: float | None = hyperparameter(None, optional(number(0.0, 1.0, "a number in [0, 1]")))
    from_logits: bool = hyperparameter(False, flag)
    label_smoothing: float = hyperparameter(0.0, SMOOTHING)
    epsilon: float | None = hyperparameter(None, CLIP)
    ignore_index: int | None = hyperparameter(None, optional(integer))
    missing: Literal["ignore"] | None = hyperparameter(None, MISSING)
    use = "yes/no with few positives"

    def _maths(self) -> ElementwiseMaths:
        return (_logit_maths if self.from_logits else _probability_maths)(power_name(self.gamma))

    def _constants(self) -> Constants:
        yes, no = (1.0, 1.0) if self.alpha is None else (self.alpha, 1.0 - self.alpha)
        return Constants(self.label_smoothing, yes, no, self.gamma, self.epsilon or 0.0)


binary_focal_crossentropy = BinaryFocalCrossentropy()
