"""The base class of losses without classes: y_true and y_pred of one shape, every element for itself."""

from .._math.forms import ElementwiseMaths
from .._request.description import Description
from .loss import Loss

NO_CONSTANTS = (0.0, 0.0, 0.0, 0.0, 0.0)


class Elementwise(Loss):
    """A loss whose elements do not know of each other."""

    def _maths(self) -> ElementwiseMaths:
        raise NotImplementedError

    def _hyperparameters(self) -> tuple[float, ...]:
        return NO_CONSTANTS

    def _activation(self) -> ElementwiseMaths | None:
        """The maths of the activation; None for the identity."""
        return None

    def _forbidden(self, y: float, p: float) -> tuple[str, float, str]:
        """Which argument has which forbidden value, and what was expected."""
        raise NotImplementedError

    def _describe(self) -> Description:
        return Description(type(self).__name__, self._maths(), self._hyperparameters(), self._activation(),
                           self._forbidden)  # fmt: skip
