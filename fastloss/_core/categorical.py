"""The base class of losses over exclusive classes, on any axis, with class indices or a target for every class."""

from .._compile.jit import in_python
from .._math.elementary import slack
from .._math.forms import SoftmaxMaths
from .._request import description
from .interval import UNIT
from .loss import Loss


class Categorical(Loss):
    """A loss of rows of classes."""

    from_logits: bool
    label_smoothing: float
    ignore_index: int | None
    epsilon: float | None
    axis: int
    signed_targets: bool = False
    task = ("single-label classification",)
    activation = "softmax"
    takes = UNIT

    def _maths(self) -> SoftmaxMaths:
        raise NotImplementedError

    def _class_factors(self) -> tuple[str, tuple[float, ...] | None, bool]:
        """Name and values of the factors by class, and whether they count as weights in the mean."""
        raise NotImplementedError

    def _describe(self) -> description.Categorical:
        name, factors, counted = self._class_factors()
        return description.Categorical(
            type(self).__name__,
            self._maths(),
            tuple(self._constants()),
            plans=self._plans,
            from_logits=self.from_logits,
            label_smoothing=self.label_smoothing,
            factors_name=name,
            factors=factors,
            factors_weigh=counted,
            ignore_index=self.ignore_index,
            axis=self.axis,
            signed_targets=self.signed_targets,
            signs="signed_targets" in self.__dict__,
            slack=float(in_python(slack)(self.epsilon or 0.0)),
        )
