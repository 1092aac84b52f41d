"""What a group of threads finds out about a row of logits before anything is written."""

import math
from typing import Any

from .._jit import scalar
from .._math import two_sum
from .._primitives import pick
from .._softmax import scaled_exp, scaling
from .memory import device
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


def survey(read: Any, real: Any) -> Any:
    """The function that surveys a row: its maximum, the first class that has it, the sum of all other exponentials."""

    @device
    def function(p, start, inner, n, aside, g, threads, lanes, lows, firsts):
        """(top, best, scaling of the row, sum without the classes best and aside as two floats)."""
        top, best = real(-math.inf), n
        for k in range(g, n, threads):
            x = read(p, start + k * inner)
            if x > top:
                top, best = x, k
        own = top
        top = group_max(lanes, own, g, threads)
        best = -group_max(firsts, -best if own == top else -n, g, threads)  # the first, if several have it
        shift, magic, floor = scaling(top)
        high, low = real(0), real(0)
        for k in range(g, n, threads):
            if k != best and k != aside:
                x = read(p, start + k * inner)
                high, low = two_sum(high, low, exponential(x, top, False, shift, magic, floor))
        high, low = group_sum_twofold(lanes, lows, high, low, g, threads)
        return top, best, shift, magic, floor, high, low

    return function
