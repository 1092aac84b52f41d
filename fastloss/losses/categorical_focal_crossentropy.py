"""Categorical focal cross-entropy, of probabilities or of logits."""

import math
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from .._math.primitives import fma, pick
from ._base import (
    CLIP,
    NONNEGATIVE,
    SMOOTHING,
    Categorical,
    SoftmaxMaths,
    Weights,
    flag,
    hyperparameter,
    integer,
    number,
    number_or_vector,
    optional,
    scalar,
)
from ._focal import HALVES, POWERS, power_name
from ._probability import at_least, clamped_log, clip

ALPHA = optional(number_or_vector(number(0.0, math.inf, "a number >= 0, or one per class")))


class Constants(NamedTuple):
    gamma: float
    alpha: float
    epsilon: float


@cache
def _maths_for(name: str) -> SoftmaxMaths:
    raised, halved = POWERS[name], HALVES[name]

    @scalar
    def focus(p, q, nll, c):
        T, least = type(p), pick(p, 2.0**-126, 2.0**-1022)
        f = c.alpha * raised(q, c.gamma)
        ratio = T(1) if q == T(0) else nll / q
        ratio = T(0) if p == T(0) else p * ratio
        # f / q first: where q is subnormal its inverse overflows, which f makes up for.
        odds = T(0) if q == T(0) else f * (p / (least if q < least else q))
        bend = c.gamma * fma(odds, fma(ratio, c.gamma - T(1), T(2)), -f * ratio)
        return T(0) if q == T(0) else f * nll, f * fma(c.gamma, ratio, T(1)), bend

    @scalar
    def derivative(p, c):
        T = type(p)
        g = c.gamma
        p, clipped = clip(p, c.epsilon)
        q, nll = T(1) - p, clamped_log(p, None)
        f, half = c.alpha * raised(q, g), halved(q, g)
        p_least, q_least = at_least(p), at_least(q)
        slope = f * (g * nll / q_least + T(1) / p_least)
        curve = g * (g - T(1)) * nll / q_least / q_least + T(2) * g / (p_least * q_least) + T(1) / p_least / p_least
        curve = c.alpha * (half * curve * half)
        return fma(f, nll, p - p), T(0) if clipped else -slope, T(0) if clipped else curve

    return SoftmaxMaths(f"categorical_focal_{name}", focus, derivative, Constants)


@dataclass(frozen=True)
class CategoricalFocalCrossentropy(Categorical):
    """Categorical cross-entropy that gives little weight to examples that are already right, for unbalanced classes.

    loss(y, p) = -sum_k alpha_k (1 - p_k)^gamma y_k log p_k over the classes k, for
    probabilities p of y_pred. y_true holds class indices (integers, or floats that are
    whole numbers, of y_pred's shape without the class axis) or a target in [0, 1] for
    every class (one-hot or soft, of y_pred's shape).

    Parameters
    ----------
    gamma : float, default 2.0
        The exponent, >= 0. 0, 0.5, 1 and 2 have kernels of their own and are faster
        than other values.
    alpha : float, array_like or dict, default None
        A factor alpha_k >= 0 for all classes or for each. It is part of the loss and no
        weight of the mean. None is 1.
    from_logits : bool, default False
        Whether y_pred holds logits: p = softmax(y_pred) over `axis`. A logit of -inf
        takes its class out.
    label_smoothing : float in [0, 1), default 0.0
        Replaces the target y of a class by y (1 - label_smoothing) + label_smoothing /
        (number of classes).
    ignore_index : int, default None
        An example whose class index has this value has weight 0. Not with targets for
        every class.
    axis : int, default -1
        The axis of the classes in y_pred.
    epsilon : float in [0, 0.5], default None
        Clips p to [epsilon, 1 - epsilon], with gradient 0 where p was clipped; Keras
        uses 1e-7. Where rounding has put p beyond 0 or 1, by at most max(epsilon, 1e-6),
        it is clipped too. Not with from_logits.

    Notes
    -----
    gamma=0, alpha=None is categorical cross-entropy, whose clamps are used here too.
    The Hessian is the diagonal; it is negative where an example is badly wrong.

    The formula is that of Lin et al. 2017, https://arxiv.org/abs/1708.02002, for
    softmax. Keras always multiplies by alpha=0.25, and divides each row by its sum.

    Examples
    --------
    >>> import numpy as np
    >>> loss = CategoricalFocalCrossentropy(from_logits=True)
    >>> round(loss.loss(np.array([0]), np.zeros((1, 2))), 6)  # log(2) / 4
    0.173287
    """

    gamma: float = hyperparameter(2.0, NONNEGATIVE)
    alpha: Weights | None = hyperparameter(None, ALPHA)
    from_logits: bool = hyperparameter(False, flag)
    label_smoothing: float = hyperparameter(0.0, SMOOTHING)
    ignore_index: int | None = hyperparameter(None, optional(integer))
    axis: int = hyperparameter(-1, integer)
    epsilon: float | None = hyperparameter(None, CLIP)
    use = "unbalanced classes"

    def _maths(self) -> SoftmaxMaths:
        return _maths_for(power_name(self.gamma))

    def _constants(self) -> Constants:
        alpha = self.alpha if isinstance(self.alpha, float) else 1.0
        return Constants(self.gamma, alpha, self.epsilon or 0.0)

    def _class_factors(self) -> tuple[str, tuple[float, ...] | None, bool]:
        return "alpha", self.alpha if isinstance(self.alpha, tuple) else None, False


categorical_focal_crossentropy = CategoricalFocalCrossentropy()
