"""Loss functions for training from Python, each with its gradient in one fused pass."""

from . import _compile as _compile  # first: it notes the files that all that follows is made of
from ._choose import Choice as Choice
from ._choose import Suggestion as Suggestion
from ._choose import choose as choose
from ._core.loss import GradientHessian as GradientHessian
from ._core.loss import Loss as Loss
from ._core.loss import LossGradient as LossGradient
from ._versions import show_versions as show_versions
from .losses.binary_crossentropy import BinaryCrossentropy as BinaryCrossentropy
from .losses.binary_crossentropy import binary_crossentropy as binary_crossentropy
from .losses.binary_focal_crossentropy import BinaryFocalCrossentropy as BinaryFocalCrossentropy
from .losses.binary_focal_crossentropy import binary_focal_crossentropy as binary_focal_crossentropy
from .losses.categorical_crossentropy import CategoricalCrossentropy as CategoricalCrossentropy
from .losses.categorical_crossentropy import categorical_crossentropy as categorical_crossentropy
from .losses.categorical_focal_crossentropy import CategoricalFocalCrossentropy as CategoricalFocalCrossentropy
from .losses.categorical_focal_crossentropy import categorical_focal_crossentropy as categorical_focal_crossentropy
from .losses.mean_absolute_error import MeanAbsoluteError as MeanAbsoluteError
from .losses.mean_absolute_error import mean_absolute_error as mean_absolute_error
from .losses.mean_squared_error import MeanSquaredError as MeanSquaredError
from .losses.mean_squared_error import mean_squared_error as mean_squared_error
from .losses.mean_squared_logarithmic_error import MeanSquaredLogarithmicError as MeanSquaredLogarithmicError
from .losses.mean_squared_logarithmic_error import mean_squared_logarithmic_error as mean_squared_logarithmic_error
from .losses.poisson import Poisson as Poisson
from .losses.poisson import poisson as poisson
from .losses.squared_hinge import SquaredHinge as SquaredHinge
from .losses.squared_hinge import squared_hinge as squared_hinge

__version__ = "0.1.0"

bce = binary_crossentropy
cce = categorical_crossentropy
mae = mean_absolute_error
mse = mean_squared_error
msle = mean_squared_logarithmic_error


def __getattr__(name: str) -> object:
    """fastloss.plot, which needs Matplotlib, is loaded when it is asked for."""
    if name == "plot":
        from importlib import import_module

        try:
            return import_module(".plot", __name__)
        except ImportError as error:  # hasattr(fastloss, "plot") is False then, and not an error
            raise AttributeError(str(error)) from error
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
