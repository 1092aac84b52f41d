"""The base class of losses without classes: y_true and y_pred of one shape, every element for itself."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from . import _check
from ._cpu.elementwise import SLOTS, elementwise
from ._cpu.launch import Kernel
from ._cpu.layout import Operand, native, repeated, run
from ._cpu.totals import SLOTS as TOTAL_SLOTS
from ._cpu.totals import totals
from ._loss import Layout, Loss


class Maths(NamedTuple):
    """Scalar maths of a loss: point(y, p, c) gives loss and derivatives, outside(y, p, c) is true where forbidden."""

    name: str
    point: Any
    outside: Any


@cache
def _kernel(maths: Maths, real: Any, label: Any, weighted: bool, order: int) -> Kernel:
    name = f"{maths.name}-{real.__name__}-{label.__name__}-{'w' if weighted else 'u'}{order}"
    return Kernel(name, elementwise(maths.point, maths.outside, real, label, weighted, order), SLOTS)


@cache
def _weight_total(real: Any) -> Kernel:
    return Kernel(f"weights-{real.__name__}", totals(real, real, False, True, False), TOTAL_SLOTS)


def total_weight(w: Any, count: int, real: Any) -> float:
    """The sum of weights, each counted as often as it is used; w has as many dimensions as the losses."""
    operands = [None, None, Operand(w, real), None, None, None, None]
    numbers = (w.size, 1, 1, 1, 0, 0, 0, 0, *[0.0] * 6)
    at_home = native(w, real) and w.flags.c_contiguous
    found = run(_weight_total(real), operands, numbers, w.size, w.size >= 16384, at_home)
    return float(found.value * (count / w.size))


class Elementwise(Loss):
    """A loss whose elements do not know of each other."""

    def _maths(self) -> Maths:
        raise NotImplementedError

    def _hyperparameters(self) -> tuple[float, float, float, float, float]:
        return 0.0, 0.0, 0.0, 0.0, 0.0

    def _forbidden(self, y: float, p: float) -> tuple[str, float, str]:
        """Which argument has which forbidden value, and what was expected."""
        raise NotImplementedError

    def _layout(self, y: Any, p: Any, real: Any) -> Layout:
        name = type(self).__name__
        if y.shape != p.shape:
            raise ValueError(
                f"{name}: y_true has shape {y.shape}, y_pred has shape {p.shape}; fastloss does not broadcast"
            )
        return Layout(p.shape, label=_check.label_dtype(name, "y_true", y.dtype, real))

    def _total(self, layout: Layout, y: Any, w: Any, real: Any) -> float:
        return float(y.size) if w is None else total_weight(w, y.size, real)

    def _pass(self, layout: Layout, y: Any, p: Any, w: Any, outputs: tuple[Any, Any, Any], scale: float, order: int,
              real: Any) -> float:  # fmt: skip
        losses, grad, hess = outputs
        kernel = _kernel(self._maths(), real, layout.label, w is not None, order)
        each = losses is not None
        contiguous = p.flags.c_contiguous and y.flags.c_contiguous and native(p, real) and native(y, layout.label)
        contiguous = contiguous and all(o is None or (o.flags.c_contiguous and native(o, real)) for o in outputs)
        repeat = 1 if w is None else repeated(w, layout.examples)
        at_home = contiguous and (w is None or (repeat > 0 and w.flags.c_contiguous and native(w, real)))
        in_place = at_home and any(o is not None and _check.same_memory(o, p) for o in outputs)
        operands = [
            Operand(y, layout.label),
            Operand(p, real),
            None if w is None else Operand(w if at_home else np.broadcast_to(w, p.shape), real),
            *(None if o is None else Operand(o, real, output=True) for o in (losses, grad, hess)),
        ]
        numbers = (p.size, repeat if at_home else 1, int(in_place), int(each), scale, *self._hyperparameters())
        found = run(kernel, operands, numbers, p.size, p.size >= 16384, at_home)
        if found.where >= 0:
            raise ValueError(self._offence(found.where, found.values, p.shape))
        return found.value

    def _offence(self, where: int, values: tuple[float, float, float], shape: tuple[int, ...]) -> str:
        y, p, weight = values
        if weight < 0:
            argument, value, expected = "sample_weight", weight, "a weight >= 0"
        else:
            argument, value, expected = self._forbidden(y, p)
        index = tuple(map(int, np.unravel_index(where, shape)))
        at = f" for element {list(index)}" if argument == "sample_weight" else f"{list(index)}"
        return f"{type(self).__name__}: {argument}{at} is {value:.9g}, expected {expected}"


def apply(maths: Maths, z: Any, out: Any, real: Any) -> None:
    """Write maths.point's first value for every element of z to out: an activation."""
    kernel = _kernel(maths, real, real, False, 0)
    at_home = all(a.flags.c_contiguous and native(a, real) for a in (z, out))
    operands = [Operand(z, real), Operand(z, real), None, Operand(out, real, output=True), None, None]
    in_place = at_home and _check.same_memory(out, z)
    numbers = (z.size, 1, int(in_place), 1, 0.0, *[0.0] * 5)
    run(kernel, operands, numbers, z.size, z.size >= 16384, at_home)
