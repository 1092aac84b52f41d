"""What the threads of a group find out together: the largest of their values, and sums.

Lanes of a warp shuffle; the warps of a block meet once, in shared memory. The order of a sum depends on the group
alone.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import cuda

from .._compile.cuda import SIMULATED, device
from .._compile.cuda_maths import maximum
from .._compile.cuda_memory import load, store
from .._math.elementary import two_sum
from .tiling import ALL, LANE, WARP, WARP_BITS

SLOTS = 18
"""How many numbers of each warp a block has room for: those of different meetings lie in different slots."""
WARPS = 4 if SIMULATED else 32
"""Of a block, at most; in the simulator threads."""
ROOM = SLOTS * WARPS


class Group(NamedTuple):
    """Functions of a group of threads. room: shared memory of a block; slot: the first that a meeting uses."""

    largest: Any
    """largest(room, slot, value): NaN if one is. Uses one slot."""
    total: Any
    """total(room, slot, high, low): the sum as two floats. Uses two slots."""
    rest: Any
    """rest(room, slot, most, high, low): the largest `most`, and the sum of all else. Uses three slots."""
    rest_and_largest: Any
    """rest_and_largest(room, slot, most, high, low, value): both in one meeting. Uses four slots."""


def group(threads: int, real: Any, plain: bool = False) -> Group:
    """The functions of a group of so many threads, a power of two. plain: sums are one float, the low part is 0."""
    return _simulated(threads) if SIMULATED else _shuffling(threads, real, plain)


@device
def add(high, low, other_high, other_low):
    """Two sums as one; the same whichever comes first."""
    return two_sum(high, low + other_low, other_high)


def _shuffling(threads: int, real: Any, plain: bool) -> Group:
    lanes, warps, across = min(threads, WARP), threads // WARP, threads > WARP

    @device
    def largest_of(value, count):
        half = count // 2
        while half > 0:
            value = maximum(value, cuda.shfl_xor_sync(ALL, value, half))
            half //= 2
        return value

    @device
    def total_of(high, low, count):
        half = count // 2
        while half > 0:
            if plain:
                high += cuda.shfl_xor_sync(ALL, high, half)
            else:
                other_high, other_low = cuda.shfl_xor_sync(ALL, high, half), cuda.shfl_xor_sync(ALL, low, half)
                high, low = add(high, low, other_high, other_low)
            half //= 2
        return high, low

    @device
    def rest_of(most, high, low, count):
        half = count // 2
        while half > 0:
            other = cuda.shfl_xor_sync(ALL, most, half)
            if plain:
                high += cuda.shfl_xor_sync(ALL, high, half) + min(most, other)
            else:
                other_high, other_low = cuda.shfl_xor_sync(ALL, high, half), cuda.shfl_xor_sync(ALL, low, half)
                high, low = add(high, low, other_high, other_low)
                high, low = two_sum(high, low, min(most, other))
            most = max(most, other)
            half //= 2
        return most, high, low

    @device
    def shown(room, slot, value):
        """Each warp's value, to be read by the others once they have met."""
        t = cuda.threadIdx.x
        if t & LANE == 0:
            store(room, slot * WARPS + (t >> WARP_BITS), value)

    @device
    def seen(room, slot):
        """The value of some other warp, so that `warps` neighbouring lanes have those of all."""
        return load(room, slot * WARPS + (cuda.threadIdx.x & (warps - 1)), real)

    @device
    def largest(room, slot, value):
        value = largest_of(value, lanes)
        if across:
            shown(room, slot, value)
            cuda.syncthreads()
            value = largest_of(seen(room, slot), warps)
        return value

    @device
    def total(room, slot, high, low):
        high, low = total_of(high, low, lanes)
        if across:
            shown(room, slot, high)
            shown(room, slot + 1, low)
            cuda.syncthreads()
            high, low = total_of(seen(room, slot), seen(room, slot + 1), warps)
        return high, low

    @device
    def rest(room, slot, most, high, low):
        most, high, low = rest_of(most, high, low, lanes)
        if across:
            shown(room, slot, most)
            shown(room, slot + 1, high)
            shown(room, slot + 2, low)
            cuda.syncthreads()
            most, high, low = rest_of(seen(room, slot), seen(room, slot + 1), seen(room, slot + 2), warps)
        return most, high, low

    @device
    def rest_and_largest(room, slot, most, high, low, value):
        value = largest_of(value, lanes)
        if across:
            shown(room, slot + 3, value)
        most, high, low = rest(room, slot, most, high, low)
        if across:
            value = largest_of(seen(room, slot + 3), warps)
        return most, high, low, value

    return Group(largest, total, rest, rest_and_largest)


def _simulated(threads: int) -> Group:
    """In the simulator every thread reads what all of its group have."""

    @device
    def gathered(room: Any, value: Any) -> Any:
        t = cuda.threadIdx.x
        cuda.syncthreads()
        store(room, t, value)
        cuda.syncthreads()
        first = t // threads * threads
        found = [room[k] for k in range(first, first + threads)]
        cuda.syncthreads()
        return found

    @device
    def largest(room, slot, value):
        found = gathered(room, value)
        return type(value)(np.max(found))  # NaN if one is

    @device
    def total(room, slot, high, low):
        highs, lows = gathered(room, high), gathered(room, low)
        high, low = highs[0], lows[0]
        for k in range(1, threads):
            high, low = two_sum(high, low + lows[k], highs[k])
        return high, low

    @device
    def rest(room, slot, most, high, low):
        mosts, highs, lows = gathered(room, most), gathered(room, high), gathered(room, low)
        most, high, low = mosts[0], highs[0], lows[0]
        for k in range(1, threads):
            high, low = two_sum(high, low + lows[k], highs[k])
            high, low = two_sum(high, low, min(most, mosts[k]))
            most = max(most, mosts[k])
        return most, high, low

    @device
    def rest_and_largest(room, slot, most, high, low, value):
        return (*rest(room, slot, most, high, low), largest(room, slot, value))

    return Group(largest, total, rest, rest_and_largest)


@device
def warp_meets() -> None:
    """What the lanes of a warp have written to memory, they may now read of each other."""
    if SIMULATED:
        cuda.syncthreads()
    else:
        cuda.syncwarp()
