"""How sums are ordered: 16 elements a thread, then a tree over the block's threads, then float64 across blocks.

The order depends on the shape and on y_pred's dtype, not on the card or its load, so sums repeat bit for bit.
"""

from typing import Any

import numpy as np
from numba import cuda

from .._compile.cuda import SIMULATED, device
from .._compile.cuda_memory import load, store
from .._math.elementary import two_sum

THREADS = 4 if SIMULATED else 256
"""Threads in a block; the simulator runs some thousand a second."""
FINAL_THREADS = 4 if SIMULATED else 1024
EACH = 8 if SIMULATED else 16
"""Elements of a thread."""
TILE = THREADS * EACH
"""Elements of a block."""


@device
def group_sum(lanes: Any, value: Any, g: Any, threads: Any) -> Any:
    """The sum of value over the group of `threads` threads, a power of two, in which this is number g."""
    t, half = cuda.threadIdx.x, threads // 2
    cuda.syncthreads()
    lanes[t] = value
    while half > 0:
        cuda.syncthreads()
        if g < half:
            lanes[t] += lanes[t + half]
        half //= 2
    cuda.syncthreads()
    return lanes[t - g]


@device
def group_sum_twofold(lanes: Any, lows: Any, high: Any, low: Any, g: Any, threads: Any) -> Any:
    """The same of high + low, as two floats."""
    t, half = cuda.threadIdx.x, threads // 2
    cuda.syncthreads()
    lanes[t], lows[t] = high, low
    while half > 0:
        cuda.syncthreads()
        if g < half:
            lanes[t], lows[t] = two_sum(lanes[t], lows[t] + lows[t + half], lanes[t + half])
        half //= 2
    cuda.syncthreads()
    return lanes[t - g], lows[t - g]


@device
def group_max(lanes: Any, value: Any, g: Any, threads: Any) -> Any:
    """The largest value of the group."""
    t, half = cuda.threadIdx.x, threads // 2
    cuda.syncthreads()
    lanes[t] = value
    while half > 0:
        cuda.syncthreads()
        if g < half and lanes[t + half] > lanes[t]:
            lanes[t] = lanes[t + half]
        half //= 2
    cuda.syncthreads()
    return lanes[t - g]


@device
def _sum(partials: Any, count: Any, lanes: Any) -> Any:
    """The sum of what the blocks found, by one block."""
    t, total = cuda.threadIdx.x, 0.0
    for i in range(t, count, FINAL_THREADS):
        total += load(partials, i, np.float64)
    return group_sum(lanes, total, t, FINAL_THREADS)


def final(partials: Any, count: Any, value: Any, total: Any, divided: Any, factor: Any) -> None:
    """value = factor * sum of partials, over the sum of the weights if divided; nothing to average is 0. One block."""
    lanes = cuda.shared.array(FINAL_THREADS, np.float64)
    result = _sum(partials, count, lanes) * factor
    if cuda.threadIdx.x == 0:
        if divided:
            weights = load(total, 0, np.float64)
            result = 0.0 if weights == 0.0 else result / weights
        store(value, 0, result)


def final_total(real: Any) -> Any:
    """The kernel that adds the weights, and writes the factor of the gradients as real, and whether there is one.

    The factor of a huge total is 0 too, and that of a tiny one infinite: only the total says if it is 0.
    """

    def kernel(partials, count, total, scale):
        lanes = cuda.shared.array(FINAL_THREADS, np.float64)
        weights = _sum(partials, count, lanes)
        if cuda.threadIdx.x == 0:
            store(total, 0, weights)
            store(scale, 0, real(0.0 if weights == 0.0 else 1.0 / weights))
            store(scale, 1, real(0.0 if weights == 0.0 else 1.0))

    return kernel
