"""One pass over arrays on a device: choosing the kernel, launching it, adding what its blocks found."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from .._compile.cuda import SIMULATED
from .._math.constants import ELEMENTWISE_CONSTANTS, padded
from .._math.forms import COUNT
from .arrays import View, pointer
from .elementwise import elementwise
from .formats import Format, format_of
from .launch import Kernel
from .rowwise import rowwise, softmaxes, totals
from .sums import FINAL_THREADS, THREADS, TILE, final, final_total
from .tiling import Tiling, tiling

ALIGNMENT = 16


class Scale(NamedTuple):
    """What the gradients are multiplied by: a number, or a device's 1 / (sum of weights) once it is known there."""

    number: float
    divisor: int = 1
    """One over the number."""
    factor: View | None = None
    """On the device, in the compute dtype; behind it whether there is anything to average."""
    total: View | None = None
    """The sum of the weights on the device, in float64."""


class Call(NamedTuple):
    """One call: contiguous arrays, and what is wanted."""

    y: View
    p: View
    w: View | None
    repeat: int
    losses: View | None
    gradient: View | None
    hessian: View | None
    scale: Scale
    order: int
    real: Any
    plan: Any
    summed: bool = True
    """Whether the loss is wanted, and not the derivatives alone."""
    value: View | None = None
    """Where the loss goes, if that is one number."""

    def workspace(self, blocks: int) -> tuple[View | None, int]:
        """Room for the sums of so many blocks, if there is a loss to be summed, and what these are divided by.

        The sum of a single block is the loss, unless it is to be divided by what the host does not know.
        """
        if not self.summed:
            return None, 1
        if blocks == 1 and self.value is not None and self.scale.total is None:
            return self.value, self.scale.divisor
        return self.plan.buffer((blocks,), np.float64), 1

    @property
    def wanted(self) -> int:
        """1: losses of examples are written; 2: sums of blocks are."""
        return int(self.losses is not None) + 2 * self.summed

    @property
    def out_format(self) -> Format:
        """The format of gradient and Hessian."""
        return _format(self.p if self.gradient is None else self.gradient)


def _format(v: View) -> Format:
    form = format_of(v.dtype)
    assert form is not None, "checked where the arrays came in"
    return form


@cache
def _elementwise(maths: Any, real: Any, label: Format, pred: Format, out: Format, order: int, aligned: bool,
                 ignores: bool = False, missing: bool = False) -> Kernel:  # fmt: skip
    kind = f"{order}{'v' if aligned else ''}{'i' if ignores else ''}{'m' if missing else ''}"
    name = f"{maths.name}_{real.__name__}_{label.name}_{pred.name}_{out.name}_{kind}"
    return Kernel(
        name, elementwise(maths, real, label, pred, out, order, aligned, ignores, missing), 16, 6, real, THREADS
    )


@cache
def _rowwise(maths: Any, logits: bool, real: Any, label: Format, pred: Format, out: Format, tiling: Tiling,
             indices: bool, spread: bool, signed: bool, classed: bool, order: int) -> Kernel:  # fmt: skip
    flags = zip("isgc", (indices, spread, signed, classed), strict=True)
    kind = f"{'z' if logits else 'p'}{''.join(letter for letter, on in flags if on)}{order}"
    name = f"{maths.name}_{real.__name__}_{label.name}_{pred.name}_{out.name}_{kind}_{tiling}"
    function = rowwise(maths, logits, real, label, pred, out, tiling, indices, spread, signed, classed, order)
    return Kernel(name, function, 19, 6, real, tiling.block)


@cache
def _totals(real: Any, label: Format, indices: bool) -> Kernel:
    name = f"totals_{real.__name__}_{label.name}_{'i' if indices else 's'}"
    return Kernel(name, totals(real, label, indices), 11, threads=THREADS)


@cache
def _softmax(real: Any, pred: Format, out: Format, tiling: Tiling) -> Kernel:
    name = f"softmax_{real.__name__}_{pred.name}_{out.name}_{tiling}"
    return Kernel(name, softmaxes(real, pred, out, tiling), 6, threads=tiling.block)


@cache
def _final() -> Kernel:
    return Kernel("final", final, 5, 1, threads=FINAL_THREADS)


@cache
def _final_total(real: Any) -> Kernel:
    return Kernel(f"final_total_{real.__name__}", final_total(real), 4, threads=FINAL_THREADS)


def aligned(*views: View | None) -> bool:
    """Whether arrays begin at multiples of 16 bytes, so that 128 bits may be read at once."""
    return SIMULATED or all(v is None or v.phase == 0 for v in views)


class Options(NamedTuple):
    """What a loss of elements leaves out, and the factors of its labels."""

    ignore_index: int | None = None
    missing: bool = False
    factors: View | None = None
    labels: int = 1


PLAIN = Options()


def elementwise_pass(call: Call, maths: Any, constants: tuple[float, ...], options: Options = PLAIN) -> View | None:
    """Write what is wanted; return the sums of the blocks."""
    blocks = -(-call.p.size // TILE)
    partials, count = call.workspace(blocks)
    vectors = aligned(call.y, call.p, call.gradient, call.hessian)
    kernel = _elementwise(maths, call.real, _format(call.y), _format(call.p), call.out_format, call.order, vectors,
                          options.ignore_index is not None, options.missing)  # fmt: skip
    arrays = (call.y, call.p, call.w, call.losses, call.gradient, call.hessian, partials, call.scale.factor,
              options.factors)  # fmt: skip
    call.plan.launch(kernel, blocks, THREADS, *map(pointer, arrays), call.p.size, call.repeat, call.wanted,
           int(call.scale.factor is not None), options.labels, options.ignore_index or 0, count, call.scale.number,
           *constants)  # fmt: skip
    return partials


def total_of_kept(call: Call, options: Options) -> Scale:
    """The sum of the weights of all elements that are not left out, left on the device."""
    alone = call._replace(losses=None, gradient=None, hessian=None, scale=Scale(1.0), order=0, summed=True, value=None)
    partials = elementwise_pass(alone, COUNT, padded((), ELEMENTWISE_CONSTANTS), options._replace(factors=None))
    assert partials is not None, "sums are wanted"
    return _scale_of(call, partials)


def _scale_of(call: Call, partials: View) -> Scale:
    """One over the total of these sums, left on the device."""
    total, factor = call.plan.buffer((1,), np.float64), call.plan.buffer((2,), call.real)
    call.plan.launch(_final_total(call.real), 1, FINAL_THREADS, pointer(partials), partials.size, pointer(total),
                     pointer(factor))  # fmt: skip
    return Scale(1.0, 1, factor, total)


class Rows(NamedTuple):
    """How the classes of a call lie, and the options that have to do with them."""

    rows: int
    classes: int
    inner: int
    indices: bool
    """Whether targets are class indices."""
    spread: bool
    table: View | None
    """Class weights."""
    ignore: int | None
    smoothing: float
    signed: bool = False
    """Whether dense targets may lie outside [0, 1]."""

    def tiling(self, real: Any, p: View, out: Format, *others: View | None, keeps: bool, staged: bool = True) -> Tiling:
        """How threads share the rows."""
        size, out_size = p.dtype.itemsize, np.dtype(out.storage).itemsize
        return tiling(self.classes, self.inner, size, np.dtype(real).itemsize, aligned=aligned(p, *others),
                      stageable=staged and size == out_size, keeps=keeps)  # fmt: skip


def rowwise_pass(call: Call, rows: Rows, maths: Any, logits: bool, constants: tuple[float, ...]) -> View | None:
    """Write what is wanted; return the sums of the blocks."""
    dense = None if rows.indices else call.y
    keeps = logits and (not rows.spread or maths.is_nll)  # what is long is not unrolled
    shared = rows.tiling(call.real, call.p, call.out_format, call.gradient, call.hessian, dense, keeps=keeps,
                         staged=keeps or call.order < 2)  # fmt: skip
    turns = shared.turns(rows.rows)
    blocks = -(-rows.rows // (shared.groups * turns))
    partials, count = call.workspace(blocks)
    kernel = _rowwise(maths, logits, call.real, _format(call.y), _format(call.p), call.out_format, shared,
                      rows.indices, rows.spread, rows.signed, rows.table is not None, call.order)  # fmt: skip
    arrays = (call.y, call.p, call.w, rows.table, call.losses, call.gradient, call.hessian, partials, call.scale.factor)
    ignored = int(rows.ignore is not None), rows.ignore or 0
    call.plan.launch(kernel, blocks, shared.block, *map(pointer, arrays), rows.rows, rows.classes, rows.inner,
           call.repeat, turns, call.wanted, *ignored, int(call.scale.factor is not None), count, call.scale.number,
           rows.smoothing, *constants)  # fmt: skip
    return partials


def total_of_rows(call: Call, rows: Rows) -> Scale:
    """The sum of the weights of all rows, left on the device."""
    blocks = -(-rows.rows // THREADS)
    plan, partials = call.plan, call.plan.buffer((blocks,), np.float64)
    kernel = _totals(call.real, _format(call.y), rows.indices)
    plan.launch(kernel, blocks, THREADS, *map(pointer, (call.y, call.w, rows.table, partials)), rows.rows,
                rows.classes, rows.inner, call.repeat, int(rows.table is not None),
                int(rows.ignore is not None), rows.ignore or 0)  # fmt: skip
    return _scale_of(call, partials)


def total_of_weights(call: Call, count: int) -> Scale:
    """The sum of the weights of `count` losses, left on the device."""
    rows = Rows(count, 1, 1, True, False, None, None, 0.0)
    return total_of_rows(call, rows)


def add_losses(call: Call, partials: View, value: View, factor: float) -> None:
    """value = the loss of the call."""
    total = call.scale.total
    call.plan.launch(_final(), 1, FINAL_THREADS, pointer(partials), partials.size, pointer(value), pointer(total),
                     int(total is not None), factor)  # fmt: skip


def softmax_pass(z: View, out: View, count: int, classes: int, inner: int, real: Any, plan: Any) -> None:
    """Write the softmax of every row."""
    rows = Rows(count, classes, inner, False, False, None, None, 0.0)
    shared = rows.tiling(real, z, _format(out), out, keeps=True)
    turns = shared.turns(count)
    kernel = _softmax(real, _format(z), _format(out), shared)
    plan.launch(kernel, -(-count // (shared.groups * turns)), shared.block, pointer(z), pointer(out), count, classes,
                inner, turns)  # fmt: skip
