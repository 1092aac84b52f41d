"""How sums are ordered: what a thread has, then a tree over lanes and over warps, then float64 across blocks.

The order depends on the shape and on y_pred's dtype, not on the card or its load, so sums repeat bit for bit.
"""

from typing import Any

import numpy as np
from numba import cuda

from .._compile.cuda import SIMULATED, device
from .._compile.cuda_memory import load, store
from .tiling import ALL, LANE, WARP, WARP_BITS

THREADS = 4 if SIMULATED else 256
"""Threads in a block; the simulator runs some thousand a second."""
FINAL_THREADS = 4 if SIMULATED else 1024
EACH = 8 if SIMULATED else 16
"""Elements of a thread."""
TILE = THREADS * EACH
"""Elements of a block."""


@device
def block_sum(lanes: Any, value: Any, threads: Any, each: Any = 1) -> Any:
    """The sum of value over the block's threads, a power of two. Known to the block's first thread.

    each, a power of two: only the first of so many neighbouring threads has a value, the others 0.
    """
    t = cuda.threadIdx.x
    if each == threads:
        return value
    if SIMULATED:
        lanes[t] = value
        cuda.syncthreads()
        half = threads // 2
        while half > 0:
            if t < half:
                lanes[t] += lanes[t + half]
            cuda.syncthreads()
            half //= 2
        return lanes[0]
    half = 16
    while half >= each:
        value += cuda.shfl_xor_sync(ALL, value, half)
        half //= 2
    if t & LANE == 0:
        store(lanes, t >> WARP_BITS, value)
    cuda.syncthreads()
    if t < WARP:
        value = load(lanes, t, type(value)) if t < threads >> WARP_BITS else type(value)(0)
        half = 16
        while half > 0:
            value += cuda.shfl_xor_sync(ALL, value, half)
            half //= 2
    return value


@device
def _sum(partials: Any, count: Any, lanes: Any) -> Any:
    """The sum of what the blocks found, by one block."""
    t, total = cuda.threadIdx.x, 0.0
    for i in range(t, count, FINAL_THREADS):
        total += load(partials, i, np.float64)
    return block_sum(lanes, total, FINAL_THREADS)


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
