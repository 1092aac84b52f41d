"""The base class of losses without classes: y_true and y_pred of one shape, whose elements are independent."""

from typing import ClassVar, Literal

from .._math.activations import ACTIVATIONS
from .._math.forms import ElementwiseMaths
from .._request.description import Description
from .loss import Loss


class Elementwise(Loss):
    """A loss of independent elements."""

    _predictions: ClassVar[ElementwiseMaths]
    """The maths from predictions."""
    _logits: ClassVar[ElementwiseMaths]
    """The maths from logits, of a loss with the hyperparameter from_logits."""
    missing: Literal["ignore"] | None

    def _maths(self) -> ElementwiseMaths:
        return self._logits if getattr(self, "from_logits", False) else self._predictions

    def _forbidden(self, y: float, p: float) -> tuple[str, float, str]:
        """Which argument has which forbidden value, and what was expected: of a loss with `outside`."""
        raise NotImplementedError(f"{type(self).__name__} has the function `outside` but not the method _forbidden, "
                                  "which says what is wrong and what was expected")  # fmt: skip

    def _describe(self) -> Description:
        activation = None if self.activation is None else ACTIVATIONS[self.activation]
        weights = getattr(self, "pos_weight", None)
        return Description(type(self).__name__, self._maths(), tuple(self._constants()), activation, self._forbidden,
                           self._plans, getattr(self, "ignore_index", None), self.missing == "ignore",
                           weights if isinstance(weights, tuple) else None)  # fmt: skip
