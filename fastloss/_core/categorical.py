"""The base class of losses over exclusive classes, on any axis, with class indices or a target for every class."""

import dataclasses
import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from .._compile.vectors import WIDTH
from .._cpu.across import row_maths
from .._cpu.blocks import PARALLEL
from .._cpu.columns import columns
from .._cpu.launch import Function, Kernel
from .._cpu.layout import Place, place, places, repeated
from .._cpu.moves import is_large, streamer
from .._cpu.onehot import find_classes
from .._cpu.operands import IN_ROWS, LABEL, SLOTS, TARGET
from .._cpu.passes import total_weight
from .._cpu.rowwise import rowwise, softmaxes
from .._cpu.segments import TILE
from .._cpu.shares import SHORT, shares
from .._cpu.staging import Operand, direct, staged
from .._cpu.tiles import FEW, tiles
from .._cpu.totals import totals
from .._math.constants import SOFTMAX_CONSTANTS
from .._math.forms import SoftmaxMaths
from .._request import checks as _check
from .._request.checks import same_memory
from .._request.weights import in_range, relative
from .interval import UNIT
from .loss import Layout, Loss

NO_FUNCTIONS = (0, 0, 0)
"""What other kernels than that of tiles call by their address."""


@cache
def _kernel(
    maths: SoftmaxMaths, logits: bool, real: Any, indices: bool, spread: bool, classed: bool, order: int
) -> Kernel:
    """The kernel of rows of any length."""
    kind = f"{'z' if logits else 'p'}{'i' if indices else 'd'}{'s' if spread else ''}{'c' if classed else ''}"
    function = rowwise(maths, logits, real, indices, spread, classed, order)
    return Kernel(f"{maths.name}-{real.__name__}-{kind}{order}", function, SLOTS)


@cache
def _share_kernel(maths: SoftmaxMaths, real: Any, indices: bool, classed: bool, order: int) -> Kernel:
    name = f"{maths.name}-{real.__name__}-shares{'i' if indices else 'd'}{'c' if classed else ''}{order}"
    return Kernel(name, shares(maths, real, indices, classed, order), SLOTS)


@cache
def _tile_kernel(real: Any) -> Kernel:
    return Kernel(f"tiles-{real.__name__}", tiles(real), SLOTS, TILE)


@cache
def _column_kernel(real: Any) -> Kernel:
    return Kernel(f"columns-{real.__name__}", columns(real), SLOTS, TILE)


@cache
def _row_maths(maths: SoftmaxMaths, real: Any, order: int) -> Function:
    return Function(f"{maths.name}-{real.__name__}-rows{order}", row_maths(maths, real, order))


@cache
def _one_hot(real: Any) -> Function:
    return Function(f"onehot-{real.__name__}", find_classes(real))


@cache
def _total_kernel(real: Any) -> Kernel:
    return Kernel(f"totals-{real.__name__}", totals(real), SLOTS)


@cache
def _softmax_kernel(real: Any) -> Kernel:
    return Kernel(f"softmax-{real.__name__}", softmaxes(real), SLOTS)


class Categorical(Loss):
    """A loss of rows of classes."""

    from_logits: bool
    label_smoothing: float
    ignore_index: int | None
    axis: int
    signed_targets: bool = False
    task = ("single-label classification",)
    activation = "softmax"
    takes = UNIT
    drawn = False
    _room = SOFTMAX_CONSTANTS

    def _maths(self) -> SoftmaxMaths:
        raise NotImplementedError

    def _class_factors(self) -> tuple[str, tuple[float, ...] | None, bool]:
        """Name and values of the factors by class, and whether they count as weights in the mean."""
        raise NotImplementedError

    def _layout(self, y: Any, p: Any, real: Any) -> Layout:
        name = type(self).__name__
        axis = self._normal_axis(p)
        examples = p.shape[:axis] + p.shape[axis + 1 :]
        classes = p.shape[axis]
        if classes == 0 and math.prod(examples):
            raise ValueError(
                f"{name}: y_pred has shape {p.shape} with no class on axis {self.axis}, expected at least one"
            )
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
        if not indices:
            _check.label(name, y.dtype)
        return Layout(examples, classes, axis, indices)

    def _weighs_classes(self, layout: Layout) -> bool:
        """Whether the mean divides by the weights of the classes too: not by signed targets, which may add up to 0."""
        _, factors, counted = self._class_factors()
        return factors is not None and counted and (layout.indices or not self.signed_targets)

    def _evened(self, layout: Layout, y: Any, w: Any, real: Any) -> tuple[Any, Any, float]:
        """The weight of a class goes into those of its rows where a row has one class; else the largest becomes 1."""
        total = self._total(layout, y, w, real)
        if in_range(total):
            return self, w, total
        factors = self._class_factors()[1]
        if not self._weighs_classes(layout) or not max(factors or (0.0,)) > 0:
            return super()._evened(layout, y, w, real)
        if not layout.indices or self.label_smoothing > 0:
            loss = dataclasses.replace(self, class_weight=relative(factors or ()))  # type: ignore[type-var]
            return super(Categorical, loss)._evened(layout, y, w, real)
        known = (y >= 0) & (y < layout.classes)
        by_row = np.where(known, np.array(factors)[np.where(known, y, 0)], 1.0)
        if self.ignore_index is not None:
            by_row[y == self.ignore_index] = 0
        by_row /= by_row.max() or 1.0
        if w is not None:
            by_row = by_row * (w / (float(w.max()) or 1.0))
        loss = dataclasses.replace(self, class_weight=None)  # type: ignore[type-var]
        return super(Categorical, loss)._evened(layout, y, by_row, real)

    def _normal_axis(self, p: Any) -> int:
        if not -p.ndim <= self.axis < p.ndim:
            raise ValueError(
                f"{type(self).__name__}: axis is {self.axis}, y_pred has {p.ndim} dimensions; expected an axis of it"
            )
        return int(self.axis % p.ndim)

    def _at_home(self, layout: Layout, arrays: list[Any]) -> tuple[list[Any], int] | None:
        """The arrays in one memory order and the distance of two classes in it, or None where there is none."""
        axis, shape = layout.axis, (*layout.examples[: layout.axis], layout.classes, *layout.examples[layout.axis :])
        classed = [a for a in arrays if a is not None and a.ndim == len(shape)]
        if classed and len(shape) == 2 and axis == 1 and not classed[0].flags.c_contiguous:  # (n, K) in Fortran order
            arrays = [a.T if a is not None and a.ndim == 2 else a for a in arrays]
            axis, shape = 0, shape[::-1]
        if any(a is not None and not a.flags.c_contiguous for a in arrays):
            return None
        return arrays, math.prod(shape[axis + 1 :])

    def _total(self, layout: Layout, y: Any, w: Any, real: Any) -> float:
        count = math.prod(layout.examples)
        classed = self._weighs_classes(layout)
        if not classed and self.ignore_index is None:
            return float(count) if w is None else total_weight(w, count)
        return float(self._run(_total_kernel(real), layout, real, y, None, w, (None, None, None), 0.0, classed).value)

    def _pass(self, layout: Layout, y: Any, p: Any, w: Any, outputs: tuple[Any, Any, Any], scale: float, order: int,
              real: Any) -> float:  # fmt: skip
        smooth, classed = self.label_smoothing > 0, self._class_factors()[1] is not None
        tiled, spread = self.from_logits and not smooth and layout.classes <= FEW, smooth or not layout.indices
        shared = self.from_logits and spread and layout.classes <= SHORT

        def by_row() -> Kernel:
            if shared:
                return _share_kernel(self._maths(), real, layout.indices, classed, order)
            return _kernel(self._maths(), self.from_logits, real, layout.indices, spread, spread and classed, order)

        kernel, functions = (_tile_kernel(real) if tiled else by_row()), NO_FUNCTIONS
        if tiled:
            across = _row_maths(self._maths(), real, order).address
            functions = (across, *((0, 0) if layout.indices else (_one_hot(real).address, by_row().address)))
        found = self._run(kernel, layout, real, y, p, w, outputs, scale, classed, functions, order)
        if found.where >= 0:
            raise ValueError(self._offence(layout, found.where, found.values, y))
        return float(found.value)

    def _run(self, kernel: Kernel, layout: Layout, real: Any, y: Any, p: Any, w: Any, outputs: tuple[Any, Any, Any],
             scale: float, classed: bool, called: tuple[Any, ...] = NO_FUNCTIONS, order: int = 0) -> Any:  # fmt: skip
        losses, grad, hess = outputs
        tiled = kernel.unit == TILE
        count, factors = math.prod(layout.examples), self._class_factors()[1]
        repeat = 0 if w is None else repeated(w, layout.examples)
        label_dtype: Any = np.int64 if layout.indices else real  # as which the kernel reads y_true
        has_ignore = self.ignore_index is not None
        parallel = count * layout.classes >= PARALLEL
        table = None
        if classed:
            with np.errstate(over="ignore"):  # what is too large for the dtype is inf, as everywhere
                table = Operand(np.array(factors, real), real, whole=True)
        rest = (int(layout.indices), repeat, int(losses is not None), int(has_ignore), self.ignore_index or 0,
                int(classed), int(self.signed_targets), *called, order, scale, self.label_smoothing,
                *self._numbers())  # fmt: skip
        home = self._at_home(layout, [y, p, losses, grad, hess])
        if home is not None and (w is None or (repeat and w.flags.c_contiguous)):
            (yv, pv, lv, gv, hv), inner = home
            upright = tiled and layout.indices and inner >= WIDTH
            aside = inner > 1 and not upright
            ways = [
                place(yv, label_dtype, aside=aside and not layout.indices),
                place(pv, real, aside=aside),
                place(w, real),
                place(lv, real, output=True),
            ]
            for o in (gv, hv):
                in_place = o is not None and pv is not None and same_memory(o, pv)
                way = place(o, real, True, aside or in_place)
                if tiled and not upright and o is not None and way is not None and not in_place and is_large(o, real):
                    way = Place(streamer(real).address, way.itemsize)
                ways.append(way)
            found = places(ways)
            if found is not None:
                arrays = (yv, pv, w, lv, gv, hv, None if table is None else table.array)
                kernel = _column_kernel(real) if upright else kernel
                return direct(kernel, arrays, (count, *found, layout.classes, inner, *rest), parallel)

        def rows(a: Any, output: bool = False) -> Operand | None:
            return None if a is None else Operand(np.moveaxis(a, layout.axis, -1), real, layout.classes, output)

        operands = [
            Operand(y, y.dtype.newbyteorder("=")) if layout.indices else rows(y),
            rows(p),
            None if w is None else Operand(np.broadcast_to(w, layout.examples), real),
            None if losses is None else Operand(losses, real, output=True),
            rows(grad, True),
            rows(hess, True),
            table,
        ]
        ways = [place(np.empty(0, real), real)] * 6
        if layout.indices:
            ways[0] = place(np.empty(0, y.dtype.newbyteorder("=")), label_dtype)
        found = places(ways) or ()
        rest = (rest[0], int(w is not None), *rest[2:])
        return staged(kernel, operands, (count, *found, layout.classes, 1, *rest), count, parallel, rows=True)

    def _activate(self, z: Any, out: Any, real: Any) -> None:
        layout = Layout(z.shape[: self._normal_axis(z)] + z.shape[self._normal_axis(z) + 1 :],
                        z.shape[self._normal_axis(z)], self._normal_axis(z))  # fmt: skip
        self._run(_softmax_kernel(real), layout, real, None, z, None, (None, out, None), 0.0, False)

    def _device_pass(self, call: Any, layout: Layout, mean: bool) -> Any:
        from .._cuda.losses import categorical_loss

        return categorical_loss(self, call, layout, mean)

    def _device_activate(self, z: Any, out: Any, real: Any, plan: Any) -> None:
        from .._cuda.losses import softmax

        softmax(z, out, self._normal_axis(z), real, plan)

    def _offence(self, layout: Layout, where: int, values: Sequence[float], y: Any) -> str:
        kind, value, _ = values
        name = type(self).__name__
        if kind in IN_ROWS:
            row, k = divmod(where, layout.classes)
            index = list(map(int, np.unravel_index(row, layout.examples))) if layout.examples else []
            index.insert(layout.axis, k)
            if kind == TARGET:
                hint = "; signed_targets=True takes any" if hasattr(self, "class_weight") else ""
                shown = f"{value:.9g}" if not 0 <= float(f"{value:.9g}") <= 1 else repr(float(value))
                return f"{name}: y_true{index} is {shown}, expected a target in [0, 1]{hint}"
            hint = "negative values cannot come from softmax" if value < 0 else "for logits, from_logits=True"
            return f"{name}: y_pred{index} is {value:.9g}, expected a probability in [0, 1]; {hint}"
        index = list(map(int, np.unravel_index(where, layout.examples))) if layout.examples else []
        if kind == LABEL:
            ignored = f" or ignore_index={self.ignore_index}" if self.ignore_index is not None else ""
            return f"{name}: y_true{index} is {y[tuple(index)]}, expected a class in [0, {layout.classes}){ignored}"
        return f"{name}: sample_weight for example {index} is {value:.9g}, expected a weight >= 0"
