"""Mean squared error."""

from dataclasses import dataclass
from typing import Any, Literal

from ._base import MISSING, Elementwise, ElementwiseMaths, hyperparameter, scalar


@scalar
def point(y: Any, p: Any, c: Any) -> Any:
    T = type(p)
    d = p - y
    return d * d, T(2) * d, T(2) if d == d else d


@dataclass(frozen=True)
class MeanSquaredError(Elementwise):
    """The mean of the squared differences: large errors count much more than small ones.

    loss(y, p) = (y - p)^2 for y of y_true and p of y_pred, arrays of one shape.

    Parameters
    ----------
    missing : "ignore" or None, default None
        With "ignore", a target that is NaN has weight 0. With None it makes the loss
        NaN.

    Notes
    -----
    The gradient is 2 (p - y), the Hessian 2. The formula is that of Keras and torch;
    scikit-learn and XGBoost use half of it.

    Examples
    --------
    >>> import numpy as np
    >>> loss, gradient = mean_squared_error(np.array([1.0, 2.0]), np.array([1.5, 1.0]))
    >>> loss, gradient
    (0.625, array([ 0.5, -1. ]))
    """

    missing: Literal["ignore"] | None = hyperparameter(None, MISSING)
    task = ("regression",)
    use = "regression where large errors are much worse"
    first = True
    _predictions = ElementwiseMaths("mean_squared_error", point, apart=True)


mse = mean_squared_error = MeanSquaredError()
