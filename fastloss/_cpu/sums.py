"""How sums are ordered: blocks of 1024, 64 lanes inside a block, and two float64 parts across blocks.

The order inside a block is written out, so it does not depend on the vector width or on the loop around it. Across
blocks the sum is kept as high + low (Knuth's TwoSum), which holds about 106 bits: grouping blocks differently, by
threads or by pieces, does not change the rounded result.
"""

from typing import Any

import numpy as np

from .._compile.jit import helper
from .._compile.memory import borrow, scratch

BLOCK = 1024
LANES = 64


@helper
def fold(values: Any, count: int) -> Any:
    """The sum of values[:count], count <= BLOCK, in the dtype of values: 16 additions a lane, then by halves."""
    lanes = scratch(64, values.dtype)
    if count <= 16:  # the same sums without the lanes that would stay 0
        for j in range(16):
            lanes[j] = values[j] if j < count else 0
    else:
        rows = count // LANES
        for j in range(LANES):
            lanes[j] = 0
        for row in range(rows):
            part = borrow(values, row * LANES, LANES)
            for j in range(LANES):
                lanes[j] += part[j]
        for j in range(count - rows * LANES):
            lanes[j] += values[rows * LANES + j]
        for j in range(32):
            lanes[j] += lanes[j + 32]
        for j in range(16):
            lanes[j] += lanes[j + 16]
    for j in range(8):
        lanes[j] += lanes[j + 8]
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]))


@helper
def fold_row(values: Any) -> Any:
    """The sum of a row of any length: blocks as everywhere, their sums in float64."""
    total = 0.0
    for start in range(0, values.size, BLOCK):
        count = min(BLOCK, values.size - start)
        total += np.float64(fold(borrow(values, start, count), count))
    return total
