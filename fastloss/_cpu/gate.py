"""The short way of calls that are not large: one compiled function checks the arrays, builds the call, runs the kernel.

A call on ten numbers costs what Python costs, so Python does little: it hands over the identities of the arrays and
gets the loss. The gate answers NaN to all that it does not know (other dtypes, shapes that differ, strides, arrays
that overlap, a value outside the domain, a loss that is NaN); the caller then takes the long way, which says why.
"""

import struct
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import types

from .._compile.invoke import invoke
from .._compile.jit import entry, helper
from .._compile.memory import DATA_OFFSET, address, base_of, copy, elements, scratch
from .blocks import BLOCK, PARALLEL, TASKS
from .elementwise import GRAD, SCALE, SIZE, SLOTS, P, Y
from .launch import parallel_loop

# PyArrayObject, part of NumPy's stable ABI: data, nd, dimensions, strides, base, descr, flags
ND, DIMENSIONS, DESCR, FLAGS = 8, 16, 40, 48
HEADER = DATA_OFFSET // 8 + 1
C_CONTIGUOUS, ALIGNED, WRITEABLE = 0x1, 0x100, 0x400
Y_DESCR, P_DESCR, Y_SIZE, P_SIZE, KERNEL, MEAN, CALL = range(7)
"""The slots of a plan: identities of the dtypes, their sizes, the kernel, whether to divide; then the call."""
_PLAN = struct.Struct("qqqqqq" + SLOTS.replace("O", "q"))
COUNT = len(SLOTS)
LARGEST = 1 << 20
"""Elements of the largest call that is worth it: what the gate answers NaN to is computed twice."""


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
def size_of(array: int, like: int) -> int:
    """The number of elements, or -1 where the shapes differ."""
    nd = half_word(array, DATA_OFFSET + ND)
    if nd != half_word(like, DATA_OFFSET + ND):
        return -1
    mine, other = word(array, DATA_OFFSET + DIMENSIONS), word(like, DATA_OFFSET + DIMENSIONS)
    size = 1
    for k in range(nd):
        n = word(mine, 8 * k)
        if n != word(other, 8 * k):
            return -1
        size *= n
    return size


@helper
def apart(a: int, a_bytes: int, b: int, b_bytes: int) -> bool:
    """Whether two arrays share no byte."""
    start, other = word(a, DATA_OFFSET), word(b, DATA_OFFSET)
    return start + a_bytes <= other or other + b_bytes <= start


def gate(plan, y, p, gradient, parallel):
    """The loss, or NaN; y, p and gradient are identities of NumPy arrays, gradient is 0 where none is wanted.

    parallel is the address of the parallel loop, or 0 for one thread.
    """
    readable = C_CONTIGUOUS | ALIGNED
    if not (fits(y, word(plan, 8 * Y_DESCR), readable) and fits(p, word(plan, 8 * P_DESCR), readable)):
        return np.nan
    size = size_of(y, p)
    if size <= 0:
        return np.nan
    if gradient != 0:
        y_bytes, p_bytes = size * word(plan, 8 * Y_SIZE), size * word(plan, 8 * P_SIZE)
        if not (
            fits(gradient, word(plan, 8 * P_DESCR), readable | WRITEABLE)
            and size_of(gradient, p) == size
            and apart(gradient, p_bytes, y, y_bytes)
            and apart(gradient, p_bytes, p, p_bytes)
        ):
            return np.nan
    call, row = scratch(COUNT, np.int64), scratch(1, np.int64)
    report = scratch(1536, np.float64)  # TASKS * FIELDS
    copy(elements(plan + 8 * CALL, COUNT, np.int64), call)
    call[Y], call[P], call[GRAD], call[SIZE] = y, p, gradient, size
    if word(plan, 8 * MEAN) != 0:
        elements(base_of(call), COUNT, np.float64)[SCALE] = 1.0 / size
    # The kernel finds the report in the header of an array: this one is where that of an array at row would be.
    header = scratch(HEADER, np.int64)
    header[HEADER - 1] = base_of(report)
    row[0] = base_of(header)
    blocks, kernel = (size + BLOCK - 1) // BLOCK, word(plan, 8 * KERNEL)
    if parallel == 0:
        invoke(kernel, base_of(call), 0, blocks, base_of(row), 0)
    else:
        invoke(parallel, kernel, base_of(call), blocks, min(blocks, TASKS), base_of(row))
    if report[2] >= 0:
        return np.nan
    value = report[0] if abs(report[0]) == np.inf else report[0] + report[1]
    return value / size if word(plan, 8 * MEAN) != 0 else value


@cache
def _entry() -> Callable[[int, int, int, int, int], float]:
    """The gate, called without the dispatcher, which would look at the types of five integers each time."""
    dispatcher = entry("gate", gate, types.float64(*[types.int64] * 5))
    (compiled,) = dispatcher.overloads.values()
    found: Callable[[int, int, int, int, int], float] = compiled.entry_point
    return found


class Plan:
    """How a loss takes contiguous arrays of two dtypes, without weights."""

    def __init__(self, y: Any, p: Any, kernel: int, mean: bool, numbers: tuple[Any, ...]) -> None:
        self._dtypes = y, p  # alive as long as their identities are compared with
        self._packed = _PLAN.pack(id(y), id(p), y.itemsize, p.itemsize, kernel, mean, 0, 0, 0, 0, 0, 0, *numbers)
        self._address = address(self._packed)
        self._entry = _entry()

    def __call__(self, y: Any, p: Any, gradient: Any) -> float:
        """The loss of NumPy arrays, or NaN where the long way must be taken."""
        third = 0 if gradient is None else id(gradient)
        if p.size < PARALLEL:
            return self._entry(self._address, id(y), id(p), third, 0)
        return self._entry(self._address, id(y), id(p), third, parallel_loop())
