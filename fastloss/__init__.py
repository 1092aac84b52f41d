"""Losses with gradients and Hessians, exact and fused in one pass, for NumPy, CuPy, Numba and torch arrays.

A loss is an object that is called with the labels and the predictions: `loss, gradient = fastloss.mse(y_true, y_pred)`.
`fastloss.BinaryCrossentropy(from_logits=True)` makes one with other options. Its methods are loss, gradient,
loss_gradient (the call itself), gradient_hessian and activate.
`choose` says which loss is for which task, and `fastloss.plot` draws them.
"""

from types import ModuleType as _ModuleType
from typing import TYPE_CHECKING as _TYPE_CHECKING

from . import _compile as _compile  # first: it notes the files that all that follows is made of
from ._core.loss import Loss as Loss
from ._core.results import GradientHessian as GradientHessian, LossGradient as LossGradient
from ._versions import show_versions as show_versions
from .losses.binary_crossentropy import (
    BinaryCrossentropy as BinaryCrossentropy,
    bce as bce,
    binary_crossentropy as binary_crossentropy,
)
from .losses.binary_focal_crossentropy import (
    BinaryFocalCrossentropy as BinaryFocalCrossentropy,
    binary_focal_crossentropy as binary_focal_crossentropy,
)
from .losses.categorical_crossentropy import (
    CategoricalCrossentropy as CategoricalCrossentropy,
    categorical_crossentropy as categorical_crossentropy,
    cce as cce,
)
from .losses.categorical_focal_crossentropy import (
    CategoricalFocalCrossentropy as CategoricalFocalCrossentropy,
    categorical_focal_crossentropy as categorical_focal_crossentropy,
)
from .losses.mean_absolute_error import (
    MeanAbsoluteError as MeanAbsoluteError,
    mae as mae,
    mean_absolute_error as mean_absolute_error,
)
from .losses.mean_squared_error import (
    MeanSquaredError as MeanSquaredError,
    mean_squared_error as mean_squared_error,
    mse as mse,
)
from .losses.mean_squared_logarithmic_error import (
    MeanSquaredLogarithmicError as MeanSquaredLogarithmicError,
    mean_squared_logarithmic_error as mean_squared_logarithmic_error,
    msle as msle,
)
from .losses.poisson import Poisson as Poisson, poisson as poisson
from .losses.squared_hinge import SquaredHinge as SquaredHinge, squared_hinge as squared_hinge

# isort: split
from ._choose import (  # among the losses above
    Choice as Choice,
    Suggestion as Suggestion,
    choose as choose,
    listing as _listing,
)

if _TYPE_CHECKING:
    from . import plot as plot

__version__ = "0.1.0"
__all__ = [name for name, value in globals().items() if name[0] != "_" and not isinstance(value, _ModuleType)]
__doc__ = (__doc__ or "") + _listing()  # there is none with -OO


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__", "plot"])


def __getattr__(name: str) -> object:
    """fastloss.plot, which needs Matplotlib, is loaded when it is asked for."""
    if name == "plot":
        from importlib import import_module

        try:
            return import_module(".plot", __name__)
        except ImportError as error:  # hasattr(fastloss, "plot") is False then, and not an error
            raise AttributeError(str(error)) from error
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
