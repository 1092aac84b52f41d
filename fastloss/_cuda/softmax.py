"""What a group of threads finds out about a row of logits before anything is written."""

import math
from typing import Any

from numba import cuda

from .._compile.cuda import device
from .._compile.jit import scalar
from .._math.elementary import two_sum
from .._math.primitives import pick
from .._math.softmax import scaled_exp, scaling
from .sums import group_max, group_sum_twofold


@scalar
def exponential(x: Any, top: Any, is_top: Any, shift: Any, magic: Any, floor: Any) -> Any:
    """exp(x) scaled as its row is; infinite logits give the limit, and NaN where there is none."""
    T = type(x)
    if top == pick(x, math.inf, math.inf):
        return T(1) if is_top else (T(0) if x < top else x - x)
    if top == pick(x, -math.inf, -math.inf):
        return top - top
    return scaled_exp(x, shift, magic, floor)


def survey(io: Any, real: Any) -> Any:
    """The function that surveys a row: its maximum, the first class that has it, the sum of all other exponentials."""
    width, read_tile = io.width, io.read_tile

    @device
    def function(p, start, inner, n, excluded, g, threads, lanes, lows, firsts):
        """(top, best, scaling of the row, sum without the classes best and excluded as two floats)."""
        top, best = real(-math.inf), n
        xs = cuda.local.array(width, real)
        for first in range(g * width, n, threads * width):
            read_tile(p, start, first, inner, xs)
            for j in range(width):
                if xs[j] > top:
                    top, best = xs[j], first + j
        own = top
        top = group_max(lanes, own, g, threads)
        best = -group_max(firsts, -best if own == top else -n, g, threads)  # the first, if several have it
        shift, magic, floor = scaling(top)
        high, low = real(0), real(0)
        for first in range(g * width, n, threads * width):
            read_tile(p, start, first, inner, xs)
            for j in range(width):
                e = exponential(xs[j], top, False, shift, magic, floor)
                high, low = two_sum(high, low, real(0) if first + j == best or first + j == excluded else e)
        high, low = group_sum_twofold(lanes, lows, high, low, g, threads)
        return top, best, shift, magic, floor, high, low

    return function
