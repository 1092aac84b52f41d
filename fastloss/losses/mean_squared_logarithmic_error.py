"""Mean squared logarithmic error."""

import math
from dataclasses import dataclass
from typing import Any, Literal

from .._math.elementary import log_ratio
from .._math.primitives import clamp_max, inverse_of_any, pick
from ._base import MISSING, Elementwise, ElementwiseMaths, Interval, hyperparameter, scalar


@scalar
def point(y: Any, p: Any, c: Any) -> Any:
    T = type(p)
    d = log_ratio(p, y)
    inverse = T(0) if p == pick(p, math.inf, math.inf) else inverse_of_any(T(1) + p)
    finite = clamp_max(d, T(1000))  # where p is infinite the derivatives are 0
    return d * d, T(2) * finite * inverse, T(2) * (T(1) - finite) * inverse * inverse


@scalar
def outside(y: Any, p: Any, c: Any) -> Any:
    T = type(p)
    return (y <= T(-1)) | (p <= T(-1))


@dataclass(frozen=True)
class MeanSquaredLogarithmicError(Elementwise):
    """The mean of the squared differences of logarithms: relative errors, and underestimates cost more.

    loss(y, p) = D^2 with D = log((1 + p) / (1 + y)), for y of y_true and p of y_pred,
    arrays of one shape with values > -1.

    Parameters
    ----------
    missing : "ignore" or None, default None
        With "ignore", a target that is NaN has weight 0. With None it makes the loss
        NaN.

    Notes
    -----
    The gradient is 2 D / (1 + p), the Hessian 2 (1 - D) / (1 + p)^2. D is computed as
    sign(p - y) log1p(|y - p| / (1 + min(y, p))), so nothing cancels where p is near y.

    The formula is that of Keras and scikit-learn, which subtract two logarithms. Keras
    also replaces negative values by 1e-7.

    Examples
    --------
    >>> import numpy as np
    >>> round(mean_squared_logarithmic_error(np.array([99.0]), np.array([9.0])).loss, 6)  # log(10)^2
    5.301898
    """

    missing: Literal["ignore"] | None = hyperparameter(None, MISSING)
    task = ("regression",)
    use = "targets that span orders of magnitude; underestimates cost more"
    takes = Interval(-1.0, math.inf, above=True)
    _predictions = ElementwiseMaths("mean_squared_logarithmic_error", point, outside, deep=True)

    def _forbidden(self, y: float, p: float) -> tuple[str, float, str]:
        return ("y_true", y, "a value > -1") if y <= -1 else ("y_pred", p, "a value > -1")


msle = mean_squared_logarithmic_error = MeanSquaredLogarithmicError()
