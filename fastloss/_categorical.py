"""The base class of losses over exclusive classes, on any axis, with class indices or a target for every class."""

import math
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from . import _check
from ._cpu.blocks import PARALLEL
from ._cpu.launch import Kernel
from ._cpu.layout import Operand, native, repeated, run
from ._cpu.rowwise import LABEL, PROBABILITY, SLOTS, rowwise, softmaxes
from ._cpu.totals import totals
from ._elementwise import total_weight
from ._loss import Layout, Loss


class Maths(NamedTuple):
    """The scalar maths of a loss: see `_cpu.rows`."""

    name: str
    focus: Any
    derivative: Any


@cache
def _kernel(maths: Maths, logits: bool, real: Any, label: Any, indices: bool, spread: bool, weighted: bool,
            classed: bool, order: int) -> Kernel:  # fmt: skip
    kind = f"{'z' if logits else 'p'}{'i' if indices else 'd'}{'s' if spread else ''}"
    tail = f"{kind}{'w' if weighted else 'u'}{'c' if classed else ''}{order}"
    function = rowwise(maths.focus, maths.derivative, logits, real, label, indices, spread, weighted, classed, order)
    return Kernel(f"{maths.name}-{real.__name__}-{label.__name__}-{tail}", function, SLOTS)


@cache
def _total_kernel(real: Any, label: Any, indices: bool, weighted: bool, classed: bool) -> Kernel:
    tail = f"{'i' if indices else 'd'}{'w' if weighted else 'u'}{'c' if classed else ''}"
    function = totals(real, label, indices, weighted, classed)
    return Kernel(f"totals-{real.__name__}-{label.__name__}-{tail}", function, SLOTS)


@cache
def _softmax_kernel(real: Any) -> Kernel:
    return Kernel(f"softmax-{real.__name__}", softmaxes(real), SLOTS)


class Categorical(Loss):
    """A loss of rows of classes."""

    from_logits: bool
    label_smoothing: float
    ignore_index: int | None
    axis: int

    def _maths(self) -> Maths:
        raise NotImplementedError

    def _constants(self) -> tuple[float, float, float, float]:
        """The hyperparameters that the scalar maths takes."""
        raise NotImplementedError

    def _class_factors(self) -> tuple[str, tuple[float, ...] | None, bool]:
        """Name and values of the factors by class, and whether they count as weights in the mean."""
        raise NotImplementedError

    def _layout(self, y: Any, p: Any, real: Any) -> Layout:
        name = type(self).__name__
        axis = self._normal_axis(p)
        examples = p.shape[:axis] + p.shape[axis + 1 :]
        classes = p.shape[axis]
        indices = y.ndim == p.ndim - 1
        if y.shape != (examples if indices else p.shape):
            raise ValueError(
                f"{name}: y_true has shape {y.shape}, y_pred has shape {p.shape} with classes on axis {self.axis}; "
                f"expected class indices of shape {examples} or targets of shape {p.shape}"
            )
        if indices and y.dtype.kind not in "iu":
            raise TypeError(f"{name}: y_true has dtype {y.dtype} and no class axis, expected integer class indices")
        if not indices and self.ignore_index is not None:
            raise ValueError(f"{name}: ignore_index is {self.ignore_index} with dense targets, expected class indices")
        factor_name, factors, _ = self._class_factors()
        if factors is not None and len(factors) != classes:
            raise ValueError(
                f"{name}: {factor_name} has {len(factors)} values, y_pred has {classes} classes on axis {self.axis}; "
                "expected one per class"
            )
        label = y.dtype.type if indices else _check.label_dtype(name, "y_true", y.dtype, real)
        return Layout(examples, classes, axis, label, indices)

    def _normal_axis(self, p: Any) -> int:
        if not -p.ndim <= self.axis < p.ndim:
            raise ValueError(
                f"{type(self).__name__}: axis is {self.axis}, y_pred has {p.ndim} dimensions; expected an axis of it"
            )
        return int(self.axis % p.ndim)

    def _at_home(self, layout: Layout, arrays: list[tuple[Any, Any]]) -> tuple[list[Any], int] | None:
        """The arrays as the kernel reads them and the distance of two classes, or None where they must be staged."""
        if any(a is not None and not native(a, dtype) for a, dtype in arrays):
            return None
        views = [a for a, _ in arrays]
        axis, shape = layout.axis, (*layout.examples[: layout.axis], layout.classes, *layout.examples[layout.axis :])
        classed = [a for a in views if a is not None and a.ndim == len(shape)]
        if classed and len(shape) == 2 and axis == 1 and not classed[0].flags.c_contiguous:  # (n, K) in Fortran order
            views = [a.T if a is not None and a.ndim == 2 else a for a in views]
            axis, shape = 0, shape[::-1]
        if any(a is not None and not a.flags.c_contiguous for a in views):
            return None
        return views, math.prod(shape[axis + 1 :])

    def _total(self, layout: Layout, y: Any, w: Any, real: Any) -> float:
        count = math.prod(layout.examples)
        _, factors, counted = self._class_factors()
        classed = factors is not None and counted
        if not classed and self.ignore_index is None:
            return float(count) if w is None else total_weight(w, count, real)
        kernel = _total_kernel(real, layout.label, layout.indices, w is not None, classed)
        return float(self._run(kernel, layout, real, y, None, w, (None, None, None), 0.0).value)

    def _pass(self, layout: Layout, y: Any, p: Any, w: Any, outputs: tuple[Any, Any, Any], scale: float, order: int,
              real: Any) -> float:  # fmt: skip
        spread = not layout.indices or self.label_smoothing > 0
        classed = self._class_factors()[1] is not None
        kernel = _kernel(self._maths(), self.from_logits, real, layout.label, layout.indices, spread, w is not None,
                         classed, order)  # fmt: skip
        found = self._run(kernel, layout, real, y, p, w, outputs, scale)
        if found.where >= 0:
            raise ValueError(self._offence(layout, found.where, found.values))
        return float(found.value)

    def _run(self, kernel: Kernel, layout: Layout, real: Any, y: Any, p: Any, w: Any, outputs: tuple[Any, Any, Any],
             scale: float) -> Any:  # fmt: skip
        losses, grad, hess = outputs
        count, factors = math.prod(layout.examples), self._class_factors()[1]
        arrays = [(y, layout.label), (p, real), (losses, real), (grad, real), (hess, real)]
        home = self._at_home(layout, arrays)
        repeat = 1 if w is None else repeated(w, layout.examples)
        if w is not None and not (repeat and w.flags.c_contiguous and native(w, real)):
            home = None
        has_ignore = self.ignore_index is not None
        in_place = home is not None and any(o is not None and _check.same_memory(o, p) for o in outputs[1:])
        numbers = (count, layout.classes, 1 if home is None else home[1], 1 if home is None else repeat, int(in_place),
                   int(losses is not None), int(has_ignore), self.ignore_index or 0, scale, self.label_smoothing,
                   *self._constants())  # fmt: skip
        parallel = count * layout.classes >= PARALLEL
        table = None if factors is None else Operand(np.array(factors, real), real, whole=True)
        if home is not None:
            yv, pv, lv, gv, hv = home[0]
            operands = [Operand(a, real) for a in (yv, pv, w, lv, gv, hv)]
            return run(kernel, [*operands, table], numbers, count, parallel, True)
        width = layout.classes

        def rows(a: Any, output: bool = False, dtype: Any = real) -> Operand | None:
            return None if a is None else Operand(np.moveaxis(a, layout.axis, -1), dtype, width, output)

        operands_or_none = [
            Operand(y, layout.label) if layout.indices else rows(y, dtype=layout.label),
            rows(p),
            None if w is None else Operand(np.broadcast_to(w, layout.examples), real),
            None if losses is None else Operand(losses, real, output=True),
            rows(grad, True),
            rows(hess, True),
            table,
        ]
        return run(kernel, operands_or_none, numbers, count, parallel, False)

    def _activate(self, z: Any, out: Any, real: Any) -> None:
        layout = Layout(z.shape[: self._normal_axis(z)] + z.shape[self._normal_axis(z) + 1 :],
                        z.shape[self._normal_axis(z)], self._normal_axis(z), real)  # fmt: skip
        self._run(_softmax_kernel(real), layout, real, None, z, None, (None, out, None), 0.0)

    def _offence(self, layout: Layout, where: int, values: Sequence[float]) -> str:
        kind, value, _ = values
        name = type(self).__name__
        if kind == PROBABILITY:
            row, k = divmod(where, layout.classes)
            index = list(map(int, np.unravel_index(row, layout.examples))) if layout.examples else []
            index.insert(layout.axis, k)
            hint = "negative values cannot come from softmax" if value < 0 else "for logits, from_logits=True"
            return f"{name}: y_pred{index} is {value:.9g}, expected a probability in [0, 1]; {hint}"
        index = list(map(int, np.unravel_index(where, layout.examples))) if layout.examples else []
        if kind == LABEL:
            ignored = f" or ignore_index={self.ignore_index}" if self.ignore_index is not None else ""
            return f"{name}: y_true{index} is {int(value)}, expected a class in [0, {layout.classes}){ignored}"
        return f"{name}: sample_weight for example {index} is {value:.9g}, expected a weight >= 0"
