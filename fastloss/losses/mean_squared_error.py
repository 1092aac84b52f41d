"""Mean squared error."""

from dataclasses import dataclass
from typing import Any, ClassVar

from .._compile.jit import scalar
from .._core.elementwise import Elementwise
from .._core.interval import EVERYTHING, Interval
from .._math.forms import ElementwiseMaths


@scalar
def point(y: Any, p: Any, c: Any) -> Any:
    T = type(p)
    d = p - y
    return d * d, T(2) * d, T(2) if d == d else d


MATHS = ElementwiseMaths("mean_squared_error", point)


@dataclass(frozen=True)
class MeanSquaredError(Elementwise):
    """The mean of the squared differences: large errors count much more than small ones.

    loss (y - p)^2 (no half), gradient 2 (p - y), Hessian 2, for y = y_true and p = y_pred of any one shape.
    Shapes, dtypes and errors: see `Loss`. The formula is Keras's and torch's; scikit-learn and XGBoost use half of it.

    >>> import numpy as np
    >>> loss, gradient = mean_squared_error(np.array([1.0, 2.0]), np.array([1.5, 1.0]))
    >>> loss, gradient
    (0.625, array([ 0.5, -1. ]))
    """

    task: ClassVar[tuple[str, ...]] = ("regression",)
    activation: ClassVar[str | None] = None
    use: ClassVar[str] = "regression where large errors are much worse"
    takes: ClassVar[Interval] = EVERYTHING

    def _maths(self) -> ElementwiseMaths:
        return MATHS


mean_squared_error = MeanSquaredError()
