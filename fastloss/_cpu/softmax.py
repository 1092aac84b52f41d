"""Softmax of one row: its maximum, its exponentials and their sums."""

import math
from typing import Any

import numpy as np

from .._compile.jit import helper
from .._compile.memory import borrow, scratch
from .._math.primitives import pick
from .._math.softmax import scaled_exp, scaling
from .blocks import BLOCK, LANES, fold


@helper
def largest(z: Any) -> Any:
    """The maximum of a row; NaNs are passed over (they surface in the sum)."""
    if z.size <= LANES:
        top = z[0]
        for k in range(z.size):
            top = z[k] if not top >= z[k] else top
        return top
    lanes = scratch(64, z.dtype)
    for j in range(LANES):
        lanes[j] = -math.inf
    rows = z.size // LANES
    for row in range(rows):
        part = borrow(z, row * LANES, LANES)
        for j in range(LANES):
            lanes[j] = part[j] if part[j] > lanes[j] else lanes[j]
    for j in range(z.size - rows * LANES):
        x = z[rows * LANES + j]
        lanes[j] = x if x > lanes[j] else lanes[j]
    half = LANES // 2
    while half > 0:
        for j in range(half):
            lanes[j] = lanes[j + half] if lanes[j + half] > lanes[j] else lanes[j]
        half //= 2
    return lanes[0]


@helper
def fold_row(values: Any) -> Any:
    """The sum of a row of any length: blocks as everywhere, their sums in float64."""
    total = 0.0
    for start in range(0, values.size, BLOCK):
        count = min(BLOCK, values.size - start)
        total += np.float64(fold(borrow(values, start, count), count))
    return total


@helper
def exponentials(z: Any, top: Any, e: Any) -> Any:
    """Write scaled exponentials of the row z to e; return the value at the maximum."""
    T = type(top)
    if top == pick(top, -math.inf, -math.inf):  # nothing left to normalise by
        for k in range(z.size):
            e[k] = math.nan
        return pick(top, math.nan, math.nan)
    if top == pick(top, math.inf, math.inf):
        count = 0
        for k in range(z.size):
            count += z[k] == top
        for k in range(z.size):
            e[k] = (T(1) if z[k] == top else (T(0) if z[k] < top else z[k])) if count == 1 else top - top
        return T(1)
    shift, magic, floor = scaling(top)
    for k in range(z.size):
        e[k] = scaled_exp(z[k], shift, magic, floor)
    return scaled_exp(top, shift, magic, floor)


@helper
def others(e: Any, k: int, total: float) -> float:
    """The sum of e without its element k, without cancellation where that element is most of the total."""
    own = e[k]
    if not np.float64(own) * 2.0 > total:
        return total - np.float64(own)
    e[k] = 0
    rest = fold_row(e)
    e[k] = own
    return rest
