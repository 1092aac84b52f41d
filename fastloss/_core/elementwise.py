"""The base class of losses without classes: y_true and y_pred of one shape, every element for itself."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from .._compile.jit import COMPILED
from .._cpu.blocks import PARALLEL
from .._cpu.gate import LARGEST, Plan
from .._cpu.moves import writer
from .._cpu.passes import apply, plan, run, total_weight
from .._cpu.staging import direct
from .._math.activations import ACTIVATIONS
from .._math.constants import ELEMENTWISE_CONSTANTS
from .._math.forms import ElementwiseMaths
from .._request import checks as _check
from .loss import Layout, Loss, LossGradient

_new = tuple.__new__


def _separate(out: Any, y: Any, p: Any) -> bool:
    """Whether a kernel may write to out: it is y_pred itself, or of its kind and beside both inputs."""
    beside = out is p or (
        type(out) is np.ndarray
        and out.shape == p.shape
        and out.dtype == p.dtype
        and bool(out.flags.carray)
        and not np.may_share_memory(out, p)
    )
    return beside and not np.may_share_memory(out, y)


class Elementwise(Loss):
    """A loss whose elements do not know of each other."""

    _room = ELEMENTWISE_CONSTANTS

    _predictions: ClassVar[ElementwiseMaths]
    """The maths from predictions."""
    _logits: ClassVar[ElementwiseMaths]
    """The maths from logits, of a loss with the hyperparameter from_logits."""

    def _maths(self) -> ElementwiseMaths:
        return self._logits if getattr(self, "from_logits", False) else self._predictions

    def _activation(self) -> ElementwiseMaths | None:
        """The maths of the activation; None for the identity."""
        return None if self.activation is None else ACTIVATIONS[self.activation]

    def _activate(self, z: Any, out: Any, real: Any) -> None:
        maths = self._activation()
        if maths is None:
            super()._activate(z, out, real)
        else:
            apply(maths, z, out, real)

    def _forbidden(self, y: float, p: float) -> tuple[str, float, str]:
        """Which argument has which forbidden value, and what was expected: of a loss with `outside`."""
        raise NotImplementedError(f"{type(self).__name__} has the function `outside` but not the method _forbidden, "
                                  "which says what is wrong and what was expected")  # fmt: skip

    def _shortcut(self, y: Any, p: Any, w: Any, reduction: Any, order: int, out: Any) -> LossGradient | None:
        if w is not None or type(y) is not np.ndarray or type(p) is not np.ndarray or type(reduction) is not str:
            return None
        way = self._plans.get((reduction, order))
        if way is None or p.size > LARGEST:
            return None
        gradient = np.empty_like(p) if order and out is None else out
        if (type(gradient) is np.ndarray) != (order > 0):
            return None
        value = way(y, p, gradient)
        return _new(LossGradient, (value, gradient)) if value == value else None

    def _evaluate(self, y_true: Any, y_pred: Any, sample_weight: Any, reduction: str, order: int, valued: bool,
                  losses: Any, gradient: Any, hessian: Any) -> tuple[Any, Any, Any]:  # fmt: skip
        # The usual call, where all arrays can be used as they are: a few attribute look-ups, for small arrays' sake.
        _check.reduction(type(self).__name__, reduction)
        mean = reduction == "mean"
        if (
            sample_weight is None
            and (mean or reduction == "sum")
            and order < 2
            and type(y_true) is np.ndarray
            and type(y_pred) is np.ndarray
            and y_true.shape == y_pred.shape
            and y_true.flags.carray
            and y_pred.flags.carray
        ):
            size, way = y_pred.size, plan(self._maths(), y_true.dtype, y_pred.dtype, order)
            if order and gradient is None:
                gradient = np.empty_like(y_pred)
            elif way is not None and order and not _separate(gradient, y_true, y_pred):
                way = None
            if way is not None and size:
                scale = 1.0 / size if mean else 1.0
                aside: Any = writer(y_pred.dtype.type, y_pred.dtype) if gradient is y_pred else None
                numbers = (size, way.read, 0, 0, 0, aside.address if aside else 0, 0, *way.itemsizes, way.function,
                           0, order, 0, scale, *self._numbers())  # fmt: skip
                arrays = (y_true, y_pred, None, None, gradient, None)
                found = direct(way.kernel, arrays, numbers, size >= PARALLEL)
                if found.where >= 0:
                    raise ValueError(self._offence(found.where, found.values, y_pred.shape))
                if COMPILED:
                    plain = (size, way.read, *[0] * 5, *way.itemsizes, *numbers[13:])
                    self._plans[reduction, order] = Plan(y_true.dtype, y_pred.dtype, way.kernel.address, mean, plain)
                return found.value / size if mean else found.value, gradient, None
        return super()._evaluate(y_true, y_pred, sample_weight, reduction, order, valued, losses, gradient, hessian)

    def _layout(self, y: Any, p: Any, real: Any) -> Layout:
        name = type(self).__name__
        if y.shape != p.shape:
            raise ValueError(
                f"{name}: y_true has shape {y.shape}, y_pred has shape {p.shape}; fastloss does not broadcast"
            )
        _check.label(name, y.dtype)
        return Layout(p.shape)

    def _total(self, layout: Layout, y: Any, w: Any, real: Any) -> float:
        return float(y.size) if w is None else total_weight(w, y.size)

    def _pass(self, layout: Layout, y: Any, p: Any, w: Any, outputs: tuple[Any, Any, Any], scale: float, order: int,
              real: Any) -> float:  # fmt: skip
        found = run(self._maths(), order, p.size, real, (y, p, *outputs), w, scale, self._numbers())
        if found.where >= 0:
            raise ValueError(self._offence(found.where, found.values, p.shape))
        return found.value

    def _device_pass(self, call: Any, layout: Layout, mean: bool) -> Any:
        from .._cuda.losses import elementwise_loss

        return elementwise_loss(self, call, layout, mean)

    def _device_activate(self, z: Any, out: Any, real: Any, plan: Any) -> None:
        from .._cuda.losses import elementwise_activation

        maths = self._activation()
        if maths is None:
            super()._device_activate(z, out, real, plan)
        else:
            elementwise_activation(maths, z, out, real, plan)

    def _offence(self, where: int, values: Sequence[float], shape: tuple[int, ...]) -> str:
        y, p, weight = values
        if weight < 0:
            argument, value, expected = "sample_weight", weight, "a weight >= 0"
        else:
            argument, value, expected = self._forbidden(y, p)
        index = tuple(map(int, np.unravel_index(where, shape)))
        at = f" for element {list(index)}" if argument == "sample_weight" else f"{list(index)}"
        return f"{type(self).__name__}: {argument}{at} is {value:.9g}, expected {expected}"
