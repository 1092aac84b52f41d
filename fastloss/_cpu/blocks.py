"""How sums are ordered: blocks of 1024, 64 lanes inside a block, and two float64 parts across blocks.

The order inside a block is written out, so it does not depend on the vector width or on the loop around it. Across
blocks the sum is kept as high + low (Knuth's TwoSum), which holds about 106 bits: grouping blocks differently, by
threads or by pieces, does not change the rounded result.
"""

import math
from typing import Any

import numpy as np

from .._compile.jit import helper
from .._compile.memory import base_at, borrow, elements, scratch
from .._math.elementary import two_sum

BLOCK = 1024
LANES = 64
PARALLEL = 16384
"""From how many elements on a call uses all threads."""
TASKS = 256
"""A parallel call is cut into at most so many pieces; what it allocates is six numbers for each."""
FIELDS = 6
"""What a task reports: high, low, the index of the first offence (or -1), and the values of y, p and w there."""


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


accumulate = getattr(two_sum, "py_func", two_sum)
"""two_sum for code that is not compiled."""


@helper
def note(report: Any, row: int, high: Any, low: Any, where: int, y: Any, p: Any, w: Any) -> None:
    """Write what a task found."""
    line = borrow(elements(base_at(report, 0), (row + 1) * FIELDS, np.float64), row * FIELDS, FIELDS)
    line[0], line[1], line[2] = high, low, np.float64(where)
    line[3], line[4], line[5] = np.float64(y), np.float64(p), np.float64(w)


@helper
def gather(report: Any, rows: int) -> None:
    """Add the tasks' sums in their order into the first row, with the first offence among them."""
    lines = elements(base_at(report, 0), rows * FIELDS, np.float64)
    high, low, found = lines[0], lines[1], 0
    for row in range(1, rows):
        high, low = two_sum(high, low + lines[row * FIELDS + 1], lines[row * FIELDS])
        if lines[found * FIELDS + 2] < 0:
            found = row
    lines[0], lines[1] = high, low
    for j in range(2, FIELDS):
        lines[j] = lines[found * FIELDS + j]


def finish(high: float, low: float) -> float:
    """The sum as one float; low is NaN once high has overflowed."""
    return high + low if math.isfinite(high) else high
