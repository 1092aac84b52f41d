"""The loss of a row of probabilities, each class on its own."""

import math
from typing import Any

import numpy as np
from numba import cuda

from .._compile.cuda import device
from .._math.elementary import joined, slack, two_sum
from .rows import Tools, fill, mass_function


def probabilities(derivative: Any, tools: Tools, indices: bool, spread: bool, signed: bool) -> Any:
    """The loss of a row of probabilities, each class on its own; NaN for NaN and outside [0, 1]."""
    real, io = tools.real, tools.io
    width, stride, begin, more, fetch, get = io.width, io.stride, io.begin, io.more, io.fetch, io.get
    target_tile, put, finish = io.target, io.put, io.finish
    constant, total_of = fill(tools), tools.group.total
    mass_of = mass_function(real, indices, signed, tools.classed)
    with_gradient, with_hessian, (kept, kept_bends) = tools.order >= 1, tools.order >= 2, tools.kept

    @device
    def function(y, p, cw, grad, hess, place, row, c, room, stage):
        held, bent = cuda.local.array(kept, real), cuda.local.array(kept_bends, real)
        xs, ys, hs = cuda.local.array(width, real), cuda.local.array(width, real), cuda.local.array(width, real)
        fetch(p, place, held, stage, row.counts)
        high, low, over = real(0), real(0), slack(c.epsilon)
        if row.counts:
            i, k = 0, begin(place)
            while more(place, i, k):
                get(p, place, held, stage, i, k, xs)
                if not indices:
                    target_tile(y, place, k, ys)
                for j in range(width):
                    x = xs[j]
                    loss, slope, bend = real(0), real(0), real(0)
                    mass = real(1) if k + j == row.true else real(0)
                    if spread:
                        mass = mass_of(ys[j], cw, k + j, row)
                    if mass != real(0):
                        loss, slope, bend = derivative(x, c)
                        loss, slope, bend = mass * loss, mass * slope, mass * bend
                    if not (x >= -over and x <= real(1) + over):
                        loss, slope, bend = real(math.nan), real(math.nan), real(math.nan)
                    high, low = two_sum(high, low, loss)
                    xs[j], hs[j] = slope * row.factor, bend * row.factor
                if with_hessian:
                    put(hess, place, bent, stage, i, k, hs)
                if with_gradient:
                    put(grad, place, held, stage, i, k, xs)
                i += 1
                k += stride
        else:
            if with_gradient:
                constant(grad, place, held, stage, row.instead)
            if with_hessian:
                constant(hess, place, bent, stage, row.instead)
        if with_hessian:
            finish(hess, place, bent, stage, np.int64(-1), real(0))
        if with_gradient:
            finish(grad, place, held, stage, np.int64(-1), real(0))
        high, low = total_of(room, 5, high, low)
        return joined(high, low)

    return function
