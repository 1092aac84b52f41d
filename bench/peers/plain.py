"""The plain pass: a loop that moves the same bytes as the loss and computes next to nothing."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, prange

from ..cases.case import HALVES, Array, Case

BLOCK = 16384


@njit
def _subtract(x, y, z):  # type: ignore[no-untyped-def]
    """z = x - y."""
    for i in range(x.size):
        z[i] = x[i] - x.dtype.type(y[i])  # without the cast, uint8 labels would be subtracted in float64


@njit
def _negate(x, z):  # type: ignore[no-untyped-def]
    """z = -x."""
    for i in range(x.size):
        z[i] = -x[i]


# The blocks are sliced first: only with a loop from 0 does LLVM see that it may vectorise.
@njit(parallel=True)
def _subtract_blocks(x, y, z):  # type: ignore[no-untyped-def]
    """The same on all threads."""
    for block in prange((x.size + BLOCK - 1) // BLOCK):
        low, high = block * BLOCK, min(x.size, (block + 1) * BLOCK)
        _subtract(x[low:high], y[low:high], z[low:high])


@njit(parallel=True)
def _negate_blocks(x, z):  # type: ignore[no-untyped-def]
    """The same on all threads."""
    for block in prange((x.size + BLOCK - 1) // BLOCK):
        low, high = block * BLOCK, min(x.size, (block + 1) * BLOCK)
        _negate(x[low:high], z[low:high])


def prepare(case: Case, y: Array, p: Array) -> Callable[[], Any]:
    """The call to be timed; a single block runs without starting threads, which would cost more than the block."""
    if case.dtype in HALVES:  # as many bytes as integers: Numba has no arithmetic for these
        y, p = y.view(np.int16), p.view(np.int16)
    x, z = p.ravel(), np.empty(p.size, p.dtype)
    if case.dense:
        subtract, labels = _subtract if x.size <= BLOCK else _subtract_blocks, y.ravel()
        return lambda: subtract(x, labels, z)
    negate = _negate if x.size <= BLOCK else _negate_blocks
    return lambda: negate(x, z)
