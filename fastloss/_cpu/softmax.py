"""Softmax of one row, exact in the tails: no maximum is subtracted where that would round.

exp(z_k) = 2^n_k * P(r_k). The row is scaled by the integer power of two nearest to exp(max), which is exact; the
maximum itself is subtracted only where it is so large that the subtraction is exact for every class that matters
(Sterbenz). One bias more keeps subnormal results normal until the last multiplication.
"""

import math
from typing import Any

import numpy as np

from .._jit import helper, scalar
from .._math import LOG2E, MAGIC_32, MAGIC_64, exp_reduced
from .._primitives import fma, pick, power_of_two
from .blocks import BLOCK, LANES, fold
from .memory import borrow, scratch

LN2 = 0.6931471805599453


@scalar
def scaling(top: Any) -> Any:
    """(shift, magic, floor) of a row whose largest logit is top: see scaled_exp."""
    T = type(top)
    shift = top if abs(top) > pick(top, 256.0, 2048.0) else T(0)
    round_ = pick(top, MAGIC_32, MAGIC_64)
    exponent = fma(top - shift, pick(top, LOG2E, LOG2E), round_) - round_
    magic = pick(top, MAGIC_32 + 127.0 + 24.0, MAGIC_64 + 1023.0 + 53.0) - exponent
    floor = (exponent - pick(top, 151.0, 1076.0)) * pick(top, LN2, LN2)  # here the power of two becomes 0
    return shift, magic, floor


@scalar
def scaled_exp(z: Any, shift: Any, magic: Any, floor: Any) -> Any:
    """exp(z - shift) times a power of two that is the same for the whole row."""
    x = z - shift
    x = floor if x < floor else x
    t = fma(x, pick(x, LOG2E, LOG2E), magic)
    return exp_reduced(t - magic, x, None) * power_of_two(t)


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
