"""Mean absolute error."""

from dataclasses import dataclass
from typing import Any, Literal

from ._base import MISSING, Elementwise, ElementwiseMaths, hyperparameter, scalar


@scalar
def point(y: Any, p: Any, c: Any) -> Any:
    T = type(p)
    d = p - y
    sign = T(1) if d > T(0) else (T(-1) if d < T(0) else d)  # d is 0 or NaN at the end
    return abs(d), sign, T(0) if d == d else d


@dataclass(frozen=True)
class MeanAbsoluteError(Elementwise):
    """The mean of the absolute differences: outliers do not dominate.

    loss(y, p) = |y - p| for y of y_true and p of y_pred, arrays of one shape.

    Parameters
    ----------
    missing : "ignore" or None, default None
        With "ignore", a target that is NaN has weight 0. With None it makes the loss
        NaN.

    Notes
    -----
    The gradient is sign(p - y), with 0 at p = y, as in torch (scikit-learn has -1
    there, JAX 1). The Hessian is 0.

    Examples
    --------
    >>> import numpy as np
    >>> mean_absolute_error(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.5, 1.0, 3.0, 4.5])).loss
    0.5
    """

    missing: Literal["ignore"] | None = hyperparameter(None, MISSING)
    task = ("regression",)
    use = "regression where outliers should not dominate"
    _predictions = ElementwiseMaths("mean_absolute_error", point, apart=True)


mae = mean_absolute_error = MeanAbsoluteError()
