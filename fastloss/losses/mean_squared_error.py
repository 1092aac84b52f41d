"""Mean squared error."""

from dataclasses import dataclass
from typing import Any

from ._base import Elementwise, ElementwiseMaths, scalar


@scalar
def point(y: Any, p: Any, c: Any) -> Any:
    T = type(p)
    d = p - y
    return d * d, T(2) * d, T(2) if d == d else d


@dataclass(frozen=True)
class MeanSquaredError(Elementwise):
    """The mean of the squared differences: large errors count much more than small ones.

    loss (y - p)^2 (no half), gradient 2 (p - y), Hessian 2, for y = y_true and p = y_pred of any one shape.
    Shapes, dtypes and errors: see `Loss`. The formula is Keras's and torch's; scikit-learn and XGBoost use half of it.

    Examples
    --------
    >>> import numpy as np
    >>> loss, gradient = mean_squared_error(np.array([1.0, 2.0]), np.array([1.5, 1.0]))
    >>> loss, gradient
    (0.625, array([ 0.5, -1. ]))
    """

    task = ("regression",)
    use = "regression where large errors are much worse"
    first = True
    _predictions = ElementwiseMaths("mean_squared_error", point, apart=True)


mse = mean_squared_error = MeanSquaredError()
