"""The fast path of calls that are not large: one compiled function checks the arrays, builds the call, runs the kernel.

A call on ten numbers costs what Python costs, so Python does little: it hands over the identities of the arrays and
gets the loss. The fast path answers NaN to all that it does not know (other dtypes, shapes that differ, strides, arrays
that overlap, an invalid element, a loss that is NaN); the caller then takes the usual way, which says why.
"""

import struct
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import types

from .._compile.invoke import invoke
from .._compile.jit import COMPILED, entry, helper
from .._compile.memory import DATA_OFFSET, address, base_of, copy, elements, scratch
from .._compile.records import record_at
from .._compile.vectors import WIDTH
from .._request.description import Categorical, Description, Request
from .call import CALL, REPORT, Call
from .launch import TASKS, Kernel, row_tasks
from .sums import BLOCK

# PyArrayObject, part of NumPy's stable ABI: data, nd, dimensions, strides, base, descr, flags
ND, DIMENSIONS, DESCR, FLAGS = 8, 16, 40, 48
HEADER = DATA_OFFSET // 8 + 1
C_CONTIGUOUS, ALIGNED, WRITEABLE = 0x1, 0x100, 0x400
_NUMBERS = ("y_descr", "p_descr", "kernel", "mean", "classes", "ndim", "axis", "side_by_side")
PLAN = np.dtype([*((name, "i8") for name in _NUMBERS), ("call", CALL)])
"""Identities of the dtypes, the kernel, whether to divide; classes (0: losses of elements), dimensions and class axis
of y_pred, and whether the kernel takes rows side by side."""
_CALL_WORDS, _CALL_OFFSET, _REPORT_WORDS = CALL.itemsize // 8, 8 * len(_NUMBERS), TASKS * REPORT.itemsize // 8
LARGEST = 1 << 20
"""Elements of the largest call that is worth it: what the fast path answers NaN to is computed twice."""


@helper
def word(address: int, offset: int) -> Any:
    """The 64-bit word at an address."""
    return elements(address + offset, 1, np.int64)[0]


@helper
def half_word(address: int, offset: int) -> Any:
    """The 32-bit word at an address."""
    return elements(address + offset, 1, np.int32)[0]


@helper
def fits(array: int, descr: int, flags: int) -> bool:
    """Whether an array has the dtype and the flags."""
    return word(array, DATA_OFFSET + DESCR) == descr and half_word(array, DATA_OFFSET + FLAGS) & flags == flags


@helper
def size_of(array: int, like: int, without: int, axis: int) -> int:
    """The number of elements, or -1 where the shape is not that of the other, without one axis of it if so wanted."""
    nd = half_word(array, DATA_OFFSET + ND)
    if nd != half_word(like, DATA_OFFSET + ND) - without:
        return -1
    mine, other = word(array, DATA_OFFSET + DIMENSIONS), word(like, DATA_OFFSET + DIMENSIONS)
    size = 1
    for k in range(nd):
        n = word(mine, 8 * k)
        if n != word(other, 8 * (k + without * (k >= axis))):
            return -1
        size *= n
    return size


@helper
def apart(a: int, a_bytes: int, b: int, b_bytes: int) -> bool:
    """Whether two arrays share no byte."""
    start, other = word(a, DATA_OFFSET), word(b, DATA_OFFSET)
    return start + a_bytes <= other or other + b_bytes <= start


@helper
def inner_of(array: int, plan: Any) -> int:
    """The number of elements between two classes, or 0 where the kernel of the plan does not take such an array."""
    if half_word(array, DATA_OFFSET + ND) != plan.ndim:
        return 0
    dimensions, inner = word(array, DATA_OFFSET + DIMENSIONS), 1
    for k in range(plan.axis + 1, plan.ndim):
        inner *= word(dimensions, 8 * k)
    known = inner >= WIDTH if plan.side_by_side != 0 else inner == 1
    return inner if known and word(dimensions, 8 * plan.axis) == plan.classes else 0


@helper
def is_output(array: int, like: int, descr: int, size: int, item_bytes: int) -> bool:
    """Whether an array can be written, has the dtype, and the shape of another, and shares no byte with it."""
    return (
        fits(array, descr, C_CONTIGUOUS | ALIGNED | WRITEABLE)
        and size_of(array, like, 0, 0) == size
        and apart(array, size * item_bytes, like, size * item_bytes)
    )


def fast_path(plan_at, y, p, gradient, hessian, parallel):
    """The loss, or NaN; the arrays are identities of NumPy arrays, gradient and hessian 0 where none is wanted.

    parallel is the address of the parallel loop, or 0 for one thread.
    """
    readable, plan = C_CONTIGUOUS | ALIGNED, record_at(plan_at, PLAN)
    if not (fits(y, plan.y_descr, readable) and fits(p, plan.p_descr, readable)):
        return np.nan
    size, labels = size_of(p, p, 0, 0), size_of(y, p, plan.call.indices, plan.axis)
    inner = inner_of(p, plan) if plan.classes != 0 else 1
    if size <= 0 or labels <= 0 or inner == 0:
        return np.nan
    y_bytes, item_bytes = labels * plan.call.y_true.item_bytes, plan.call.y_pred.item_bytes
    if gradient != 0 and not (
        is_output(gradient, p, plan.p_descr, size, item_bytes) and apart(gradient, size * item_bytes, y, y_bytes)
    ):
        return np.nan
    if hessian != 0 and not (
        is_output(hessian, p, plan.p_descr, size, item_bytes)
        and apart(hessian, size * item_bytes, y, y_bytes)
        and apart(hessian, size * item_bytes, gradient, size * item_bytes)
    ):
        return np.nan
    call_space = scratch(_CALL_WORDS, np.int64)
    copy(elements(plan_at + _CALL_OFFSET, _CALL_WORDS, np.int64), call_space)
    call = record_at(base_of(call_space), CALL)
    call.y_true.array, call.y_pred.array, call.gradient.array, call.hessian.array = y, p, gradient, hessian
    count = size // max(plan.classes, 1)
    call.size, call.inner = count, inner
    if plan.mean != 0:
        call.scale = 1.0 / count
    # The kernel finds the reports in the header of an array: this one is where that of an array would be.
    reports, header = scratch(_REPORT_WORDS, np.float64), scratch(HEADER, np.int64)
    header[HEADER - 1] = base_of(reports)
    blocks = count if plan.classes != 0 else (size + BLOCK - 1) // BLOCK
    if parallel == 0:
        invoke(plan.kernel, base_of(call_space), 0, blocks, base_of(header), 0)
    else:
        tasks = row_tasks(count, plan.classes) if plan.classes != 0 else min(blocks, TASKS)
        invoke(parallel, plan.kernel, base_of(call_space), blocks, tasks, base_of(header))
    if reports[2] >= 0:
        return np.nan
    value = reports[0] if abs(reports[0]) == np.inf else reports[0] + reports[1]
    return value / count if plan.mean != 0 else value


@cache
def _entry() -> Callable[[int, int, int, int, int, int], float]:
    """The fast path, called without the dispatcher, which would look at the types of its integers each time."""
    dispatcher = entry("fast_path", fast_path, types.float64(*[types.int64] * 6))
    (compiled,) = dispatcher.overloads.values()
    found: Callable[[int, int, int, int, int, int], float] = compiled.entry_point
    return found


class FastPath:
    """How a loss takes contiguous arrays of two dtypes, without weights."""

    def __init__(self, y: Any, p: Any, kernel: Kernel, mean: bool, axis: int | None, call: Call) -> None:
        self._dtypes = y.dtype, p.dtype  # alive as long as their identities are compared with
        classes, place = (0, 0) if axis is None else (call.classes, axis % p.ndim)
        numbers = struct.pack("q" * len(_NUMBERS), id(y.dtype), id(p.dtype), kernel.address, mean, classes, p.ndim,
                              place, call.inner > 1)  # fmt: skip
        self._packed = numbers + call.pack()
        self.address = address(self._packed)
        self.run = _entry()
        """run(address, id(y), id(p), id(gradient) or 0, id(hessian) or 0, the parallel loop or 0): the loss, or NaN."""


def teacher(loss: Description, request: Request, y: Any, p: Any, w: Any) -> Callable[[Kernel, Call], None] | None:
    """What remembers the call of a request, for requests that the fast path can take."""
    axis = loss.axis if isinstance(loss, Categorical) else None
    simple = COMPILED and w is None and request.reduction in ("mean", "sum")
    if not simple or type(request.y_true) is not np.ndarray or type(request.y_pred) is not np.ndarray:
        return None
    if p.ndim == 0 or not p.dtype.isnative or p.size > LARGEST:
        return None
    if loss.leaves_out or loss.label_weights or (isinstance(loss, Categorical) and loss.factors is not None):
        return None

    def learn(kernel: Kernel, call: Call) -> None:
        if p.flags.c_contiguous and not any((call.y_pred.convert, call.gradient.convert, call.hessian.convert)):
            key = request.reduction, request.order
            loss.plans[key] = FastPath(y, p, kernel, key[0] == "mean", axis, call)

    return learn
