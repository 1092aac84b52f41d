"""Mean absolute error."""

from dataclasses import dataclass
from typing import Any

from ._base import Elementwise, ElementwiseMaths, scalar


@scalar
def point(y: Any, p: Any, c: Any) -> Any:
    T = type(p)
    d = p - y
    sign = T(1) if d > T(0) else (T(-1) if d < T(0) else d)  # d is 0 or NaN at the end
    return abs(d), sign, T(0) if d == d else d


@dataclass(frozen=True)
class MeanAbsoluteError(Elementwise):
    """The mean of the absolute differences: outliers do not dominate.

    loss |y - p|, gradient sign(p - y) with 0 at p = y, Hessian 0, for y = y_true and p = y_pred of any one shape.
    Shapes, dtypes and errors: see `Loss`. At 0 torch gives 0 too, scikit-learn -1, JAX +1.

    Examples
    --------
    >>> import numpy as np
    >>> mean_absolute_error(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.5, 1.0, 3.0, 4.5])).loss
    0.5
    """

    task = ("regression",)
    use = "regression where outliers should not dominate"
    _predictions = ElementwiseMaths("mean_absolute_error", point, apart=True)


mae = mean_absolute_error = MeanAbsoluteError()
