"""What a group of threads finds out about a row of logits before anything is written."""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import cuda

from .._compile.cuda import device
from .._compile.cuda_maths import exp2, maximum
from .._compile.jit import scalar
from .._math.elementary import two_sum
from .._math.primitives import fma, pick
from .._math.softmax import raised_exp, scaling
from .access import Access
from .groups import Group
from .tiling import Tiling, power_above

HEADROOM = 40.0
"""How far a logit may lie above the one by which its row is scaled: sums of exp(40) are far from overflow."""
CHUNK = 8
"""So many exponentials are added plainly, each of such sums as two floats."""


# --- exponentials -----------------------------------------------------------------------------------------------------
# exp(x) times a factor that is the same for the row, whose scale is three numbers, made of a finite logit that is about
# the largest; x may be up to HEADROOM above it. No NaN comes here. In an unusual row, whose largest logit is infinite,
# NaN or very large, logits are prepared first: so the usual ones do without.


@scalar
def is_odd(top: Any) -> Any:
    """Whether a row's largest logit is infinite or NaN."""
    return not abs(top) < pick(top, math.inf, math.inf)


@scalar
def settled(x: Any) -> Any:
    """A logit of an odd row: only infinite ones have a probability."""
    T = type(x)
    return T(0) if x == pick(x, math.inf, math.inf) else pick(x, -math.inf, -math.inf)


@scalar
def _is_odd_or_shifted(top: Any, shift: Any) -> Any:
    return is_odd(top) or shift != type(top)(0)


@scalar
def _settled_or_shifted(x: Any, top: Any, shift: Any) -> Any:
    return settled(x) if is_odd(top) else x - shift


@scalar
def _exact(x: Any, _: Any, magic: Any, floor: Any) -> Any:
    return raised_exp(max(x, floor), magic)


HALF_LOG2E, LN4_HIGH, LN4_LOW = 0.7213475204444817, 1.3862943649291992, -3.809391785125787e-09


@scalar
def _is_odd(top: Any, _: Any) -> Any:
    return is_odd(top)


@scalar
def _settled(x: Any, top: Any, _: Any) -> Any:
    return settled(x) if is_odd(top) else x


@scalar
def _approximate(x: Any, top: Any, _: Any, __: Any) -> Any:
    """exp(x - top) by one instruction, of half the argument: the square is subnormal where it has to be.

    What rounding the argument of 2^u lost is put back: the error is that of the instruction, twice 2^-22.
    """
    T = type(x)
    d = x - top
    u = d * T(HALF_LOG2E)
    lost = max(T(-1), fma(u, T(-LN4_LOW), fma(u, T(-LN4_HIGH), d)))  # of an infinite u it is NaN, and 2^u is 0
    root = exp2(u)
    return root * fma(root, lost, root)


@scalar
def _top_alone(top: Any) -> Any:
    T = type(top)
    return top, T(0), T(0)


class Exponentials(NamedTuple):
    """How exponentials are computed."""

    scale: Any
    """scale(top): three numbers; the first says whether a row is unusual."""
    unusual: Any
    """unusual(top, a)"""
    prepared: Any
    """prepared(x, top, a): a logit of an unusual row; top is the largest itself."""
    of: Any
    """of(x, a, b, c)"""


EXACT = Exponentials(scaling, _is_odd_or_shifted, _settled_or_shifted, _exact)
APPROXIMATE = Exponentials(_top_alone, _is_odd, _settled, _approximate)


def one_exponential(exponentials: Exponentials) -> Any:
    """The function of one logit of any row."""
    prepared, of = exponentials.prepared, exponentials.of

    @scalar
    def function(x, top, rare, a, b, c):
        return of(prepared(x, top, a) if rare else x, a, b, c)

    return function


# --- surveys ----------------------------------------------------------------------------------------------------------


def tree(size: int) -> Any:
    """The function that adds the elements of a local array of so many, a power of two, and leaves it changed."""

    @device
    def added(values):
        half = size // 2
        while half > 0:
            for j in range(half):
                values[j] += values[j + half]
            half //= 2
        return values[0]

    return added


def survey(io: Access, group: Group, real: Any, exponentials: Exponentials, tiling: Tiling) -> Any:
    """The function that surveys a row; the exponentials are left in `held`, if the row is kept.

    It gives the largest logit, whether the row is unusual, the scale of the row (three numbers), the exponential
    of the largest logit, and the sum of all others as two floats, NaN where the row has no softmax.
    """
    largest, rest_of, rest_and_largest = group.largest, group.rest, group.rest_and_largest
    scale, unusual, prepared, of = exponentials
    kept, keeps = tiling.held, tiling.keeps
    stride, chunk = io.stride, min(CHUNK, power_above(kept))
    add = tree(chunk)
    top_of = largest_logit(io, real)
    sums_of, unusual_sums_of = sums(io, real, exponentials, False), sums(io, real, exponentials, True)

    @device
    def scaled(top):
        a, b, c = scale(real(0) if is_odd(top) else top)
        return unusual(top, a), a, b, c

    @device
    def finished(top, rare, a, b, c, most, high, low):
        if is_odd(top) and (top != real(math.inf) or high >= most):
            high = real(math.nan)
        return top, rare, a, b, c, most, high, low

    @device
    def swept(p, place, held, stage, last, top, rare, a, b, c):
        if rare:
            return unusual_sums_of(p, place, held, stage, last, top, a, b, c)
        return sums_of(p, place, held, stage, last, top, a, b, c)

    @device
    def kept_row(p, place, held, room, stage, wanted):
        top = held[0]
        for j in range(1, kept):
            top = maximum(top, held[j])
        top = largest(room, 0, top)
        rare, a, b, c = scaled(top)
        if rare:
            for j in range(kept):
                held[j] = prepared(held[j], top, a)
        most, high, low = real(0), real(0), real(0)
        values = cuda.local.array(chunk, real)
        for first in range(0, kept, chunk):
            for j in range(chunk):
                if first + j < kept:
                    e = of(held[first + j], a, b, c)
                    held[first + j] = e
                    values[j], most = min(most, e), max(most, e)
                else:
                    values[j] = real(-0.0)  # which the compiler does not add
            high, low = two_sum(high, low, add(values))
        most, high, low = rest_of(room, 1, most, high, low)
        return finished(top, rare, a, b, c, most, high, low)

    @device
    def read_twice(p, place, held, room, stage, wanted):
        """The largest logit first."""
        last = place.classes if wanted else np.int64(0)
        top = largest(room, 0, top_of(p, place, held, stage, last))
        rare, a, b, c = scaled(top)
        _, most, high, low = swept(p, place, held, stage, last, top, rare, a, b, c)
        most, high, low = rest_of(room, 1, most, high, low)
        return finished(top, rare, a, b, c, most, high, low)

    @device
    def read_once(p, place, held, room, stage, wanted):
        """Scaled by the largest of each thread's first tile, and again where that is far from the largest of all."""
        last = place.classes if wanted else np.int64(0)
        base = largest(room, 0, top_of(p, place, held, stage, min(stride, last)))
        rare, a, b, c = scaled(base)
        top, most, high, low = swept(p, place, held, stage, last, base, rare and not is_odd(base), a, b, c)
        most, high, low, top = rest_and_largest(room, 1, most, high, low, top)
        if is_odd(base) or not top - base <= real(HEADROOM):  # NaN too
            cuda.syncthreads()
            rare, a, b, c = scaled(top)
            _, most, high, low = swept(p, place, held, stage, last, top, rare, a, b, c)
            most, high, low = rest_of(room, 1, most, high, low)
        return finished(top, rare, a, b, c, most, high, low)

    if keeps:
        return kept_row
    return read_once if tiling.threads == tiling.block else read_twice


def largest_logit(io: Access, real: Any) -> Any:
    """The function that finds the largest logit of a thread's tiles, up to class `last`."""
    width, stride, begin, get = io.width, io.stride, io.begin, io.get

    @device
    def function(p, place, held, stage, last):
        top, values = real(-math.inf), cuda.local.array(width, real)
        k = begin(place)
        while k < last:
            get(p, place, held, stage, 0, k, values)
            for j in range(width):
                top = maximum(top, values[j])
            k += stride
        return top

    return function


def sums(io: Access, real: Any, exponentials: Exponentials, rare: bool) -> Any:
    """The function that finds of a thread's tiles, two at a time: the largest logit, its exponential, and the sum of
    all others as two floats."""
    width, stride, begin, get = io.width, io.stride, io.begin, io.get
    of = one_exponential(exponentials)
    add_two, add_one, double = tree(2 * width), tree(width), 2 * width

    @device
    def summed(values, start, mine, top, a, b, c):
        """Exponentials in place of logits; in place of the largest logit so far, that of the one before."""
        for j in range(start, start + width):
            x = values[j]
            values[j], mine = of(min(mine, x), top, rare, a, b, c), maximum(mine, x)
        return mine

    @device
    def function(p, place, held, stage, last, top, a, b, c):
        mine, high, low = real(-math.inf), real(0), real(0)
        tile, both = cuda.local.array(width, real), cuda.local.array(double, real)
        k = begin(place)
        while k + stride < last:
            get(p, place, held, stage, 0, k, tile)
            for j in range(width):
                both[j] = tile[j]
            get(p, place, held, stage, 0, k + stride, tile)
            for j in range(width):
                both[width + j] = tile[j]
            mine = summed(both, 0, mine, top, a, b, c)
            mine = summed(both, width, mine, top, a, b, c)
            high, low = two_sum(high, low, add_two(both))
            k += 2 * stride
        if k < last:
            get(p, place, held, stage, 0, k, tile)
            mine = summed(tile, 0, mine, top, a, b, c)
            high, low = two_sum(high, low, add_one(tile))
        return mine, of(mine, top, rare, a, b, c), high, low

    return function
