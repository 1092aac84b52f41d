"""Poisson loss, of rates or of their logarithms."""

import math
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from .._math.elementary import exp, log_finite, two_sum
from .._math.primitives import clamp_min, inverse_of_any, pick
from ._base import MISSING, NONNEGATIVE, Elementwise, ElementwiseMaths, Interval, flag, hyperparameter, optional, scalar
from ._probability import at_least


class Constants(NamedTuple):
    epsilon: float


@scalar
def rate_point(y: Any, p: Any, c: Any) -> Any:
    T = type(p)
    infinite = p == pick(p, math.inf, math.inf)
    infinite = infinite & (y == y)
    u, low = two_sum(p, T(0), c.epsilon)  # near 1 the logarithm needs what rounding loses
    lg = clamp_min(log_finite(u, low), T(-100))
    divisor = at_least(u)
    loss = p if (y == T(0)) | infinite else p - y * lg
    return loss, T(1) if infinite else (u - y) * inverse_of_any(divisor), T(0) if infinite else y / divisor / divisor


@scalar
def rate_outside(y: Any, p: Any, c: Any) -> Any:
    T = type(p)
    return (y < T(0)) | (p < T(0))


@scalar
def log_point(y: Any, z: Any, c: Any) -> Any:
    T = type(z)
    e = exp(z)
    loss = e if (y == T(0)) | ((e == pick(z, math.inf, math.inf)) & (y == y)) else e - y * z
    return loss, e - y, e if y == y else y


@scalar
def log_outside(y: Any, z: Any, c: Any) -> Any:
    return y < type(z)(0)


@dataclass(frozen=True)
class Poisson(Elementwise):
    """The negative log-likelihood of counts under a Poisson distribution, without its constant.

    loss(y, p) = p - y log p for a count y >= 0 of y_true and a rate p >= 0 of y_pred,
    arrays of one shape.

    Parameters
    ----------
    from_logits : bool, default False
        Whether y_pred holds logarithms of rates: p = exp(y_pred).
    epsilon : float >= 0, default None
        Replaces log p by log(p + epsilon); Keras uses 1e-7. Not with from_logits.
    missing : "ignore" or None, default None
        With "ignore", a target that is NaN has weight 0. With None it makes the loss
        NaN.

    Notes
    -----
    The derivatives by a logarithm z are exp(z) - y and exp(z), those by a rate (p - y)
    / p and y / p^2. From rates, log is at least -100 and a divisor at least 1e-12.

    The formula is that of Keras (Poisson) and torch (PoissonNLLLoss); scikit-learn's
    HalfPoissonLoss is from_logits=True.

    Examples
    --------
    >>> import numpy as np
    >>> loss, gradient = Poisson(from_logits=True)(np.array([2, 0]), np.array([0.0, 0.0]))
    >>> loss, gradient
    (1.0, array([-0.5,  0.5]))
    """

    from_logits: bool = hyperparameter(False, flag)
    epsilon: float | None = hyperparameter(None, optional(NONNEGATIVE))
    missing: Literal["ignore"] | None = hyperparameter(None, MISSING)
    task = ("count regression",)
    activation = "exp"
    use = "counts"
    takes = Interval(0.0, math.inf)
    first = True
    least = 1.0
    _predictions = ElementwiseMaths("poisson", rate_point, rate_outside, deep=True, constants=Constants)
    _logits = ElementwiseMaths("poisson_logits", log_point, log_outside)

    def _forbidden(self, y: float, p: float) -> tuple[str, float, str]:
        return ("y_true", y, "a count >= 0") if y < 0 else ("y_pred", p, "a rate >= 0 (or from_logits=True)")


poisson = Poisson()
