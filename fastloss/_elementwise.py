"""The base class of losses without classes: y_true and y_pred of one shape, every element for itself."""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from . import _check
from ._cpu.blocks import BLOCK, PARALLEL
from ._cpu.elementwise import SLOTS, elementwise
from ._cpu.launch import Kernel
from ._cpu.layout import Operand, native, repeated, run
from ._cpu.staging import direct
from ._cpu.totals import SLOTS as TOTAL_SLOTS
from ._cpu.totals import totals
from ._loss import Layout, Loss


class Maths(NamedTuple):
    """Scalar maths of a loss: point(y, p, c) gives loss and derivatives, outside(y, p, c) is true where forbidden."""

    name: str
    point: Any
    outside: Any
    rest: Any = None
    """What is added to point where shared(y, c) is true of any label of a block: see losses/_binary.py."""
    shared: Any = None


@cache
def _kernel(maths: Maths, real: Any, label: Any, weighted: bool, order: int) -> Kernel:
    name = f"{maths.name}-{real.__name__}-{label.__name__}-{'w' if weighted else 'u'}{order}"
    return Kernel(name, elementwise(maths, real, label, weighted, order), SLOTS)


@cache
def _kernel_for(maths: Maths, y: Any, p: Any, order: int) -> Kernel | None:
    """The unweighted kernel that reads arrays of these dtypes where they lie; None where there is none."""
    known = p.type in (np.float32, np.float64) and p.isnative and y.isnative
    if not known or not (y.kind in "biu" or y.type is p.type):
        return None
    return _kernel(maths, p.type, np.uint8 if y.kind == "b" else y.type, False, order)


@cache
def _weight_total(real: Any) -> Kernel:
    return Kernel(f"weights-{real.__name__}", totals(real, real, False, True, False), TOTAL_SLOTS)


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


def total_weight(w: Any, count: int, real: Any) -> float:
    """The sum of weights, each counted as often as it is used; w has as many dimensions as the losses."""
    operands = [None, None, Operand(w, real), None, None, None, None]
    numbers = (w.size, 1, 1, 1, 0, 0, 0, 0, *[0.0] * 6)
    at_home = native(w, real) and w.flags.c_contiguous
    found = run(_weight_total(real), operands, numbers, w.size, w.size >= PARALLEL, at_home)
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

    def _evaluate(self, y_true: Any, y_pred: Any, sample_weight: Any, reduction: str, order: int, valued: bool,
                  losses: Any, gradient: Any, hessian: Any) -> tuple[Any, Any, Any]:  # fmt: skip
        # The usual call, where all arrays can be used as they are: a few attribute look-ups, for small arrays' sake.
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
            size, kernel = y_pred.size, _kernel_for(self._maths(), y_true.dtype, y_pred.dtype, order)
            if order and gradient is None:
                gradient = np.empty_like(y_pred)
            elif kernel is not None and order and not _separate(gradient, y_true, y_pred):
                kernel = None
            if kernel is not None and size:
                scale = 1.0 / size if mean else 1.0
                numbers = (size, 1, gradient is y_pred, 0, scale, *self._hyperparameters())
                arrays = (y_true, y_pred, None, None, gradient, None)
                found = direct(kernel, arrays, numbers, BLOCK, size >= PARALLEL)
                if found.where >= 0:
                    raise ValueError(self._offence(found.where, found.values, y_pred.shape))
                return found.value / size if mean else found.value, gradient, None
        return super()._evaluate(y_true, y_pred, sample_weight, reduction, order, valued, losses, gradient, hessian)

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
        found = run(kernel, operands, numbers, p.size, p.size >= PARALLEL, at_home)
        if found.where >= 0:
            raise ValueError(self._offence(found.where, found.values, p.shape))
        return found.value

    def _offence(self, where: int, values: Sequence[float], shape: tuple[int, ...]) -> str:
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
    run(kernel, operands, numbers, z.size, z.size >= PARALLEL, at_home)
