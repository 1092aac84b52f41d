"""The loss of a row where one class has the whole target; with the formulas of `_math.softmax`."""

import math
from typing import Any

import numpy as np
from numba import cuda

from .._compile.cuda import device
from .._math.elementary import log1p, two_sum
from .._math.forms import SoftmaxMaths
from .rows import Tools, exponential_tile, fill
from .tiling import WARP


def multiples(tools: Tools, of: Any, rare: bool) -> Any:
    """The function that reads a row again and writes its exponentials times a factor, two tiles at a time.

    From the end, since what was read last is most likely still in the cache.
    """
    io, real = tools.io, tools.real
    width, stride, begin, get, put = io.width, io.stride, io.begin, io.get, io.put
    bits = stride.bit_length() - 1  # it is a power of two

    @device
    def tile(p, grad, place, held, stage, k, top, a, b, c, factor):
        values = cuda.local.array(width, real)
        get(p, place, held, stage, 0, k, values)
        for j in range(width):
            values[j] = of(values[j], top, rare, a, b, c) * factor
        put(grad, place, held, stage, 0, k, values)

    @device
    def function(p, grad, place, held, stage, top, a, b, c, factor):
        first = begin(place)
        tiles = (place.classes - first + stride - 1 >> bits) if first < place.classes else np.int64(0)
        k = first + (tiles - 1) * stride
        if tiles & 1:
            tile(p, grad, place, held, stage, k, top, a, b, c, factor)
            k -= stride
        while k >= first + stride:
            tile(p, grad, place, held, stage, k, top, a, b, c, factor)
            tile(p, grad, place, held, stage, k - stride, top, a, b, c, factor)
            k -= 2 * stride

    return function


def one_class(maths: SoftmaxMaths, tools: Tools) -> Any:
    """The loss where one class has the whole target."""
    real, io, focus = tools.real, tools.io, maths.focus
    by_first = maths.is_nll and tools.tiling.threads > WARP  # no other thread needs the logarithm
    width, stride, begin, more, fetch = io.width, io.stride, io.begin, io.more, io.fetch
    one, put, finish = io.one, io.put, io.finish
    look, of = tools.survey()
    exps, constant, keeps = exponential_tile(tools, of), fill(tools), tools.tiling.keeps
    multiples_of, unusual_multiples_of = multiples(tools, of, False), multiples(tools, of, True)
    with_gradient, with_hessian, (kept, kept_bends) = tools.order >= 1, tools.order >= 2, tools.kept

    @device
    def function(y, p, cw, grad, hess, place, row, c, room, stage):
        held, bent, values = (
            cuda.local.array(kept, real),
            cuda.local.array(kept_bends, real),
            cuda.local.array(width, real),
        )
        fetch(p, place, held, stage, row.counts)
        x_true = one(p, place, stage, row.true) if row.counts else real(0)
        top, rare, a, b, d, most, high, low = look(p, place, held, room, stage, row.counts)
        e_true = of(x_true, top, rare, a, b, d)
        rest_high, rest_low = high, low  # without the true class
        distance = real(0)
        if x_true != top:
            rest_high, rest_low = two_sum(high, low, most)
            rest_high, rest_low = two_sum(rest_high, rest_low, -e_true)
            distance = top - x_true
        others = high + low  # without the most probable one
        rest = rest_high + rest_low
        total = rest + e_true
        q = rest / total
        nll = real(0)
        if not by_first or place.g == 0:
            nll = distance + log1p(others / most, real(0))
        loss, slope, bend = focus(e_true / total, q, nll, c)
        scaled = row.factor * slope
        f = scaled / total
        if with_hessian:
            inverse, q_most = real(1) / total, others / total
            pivot = most if others < most else real(math.nan)  # else there is no p near 1
            if row.counts:
                hs = cuda.local.array(width, real)
                i, k = 0, begin(place)
                while more(place, i, k):
                    exps(p, place, held, stage, i, k, top, rare, a, b, d, values)
                    for j in range(width):
                        pk = values[j] * inverse
                        # `hessian` without the terms that no other class has here
                        h = pk * ((q_most if values[j] == pivot else real(1) - pk) * slope + pk * bend)
                        hs[j], values[j] = h * row.factor, values[j] * f
                    put(hess, place, bent, stage, i, k, hs)
                    put(grad, place, held, stage, i, k, values)
                    i += 1
                    k += stride
            else:
                constant(hess, place, bent, stage, row.instead)
                constant(grad, place, held, stage, row.instead)
            # `pivot_hessian` too
            own = q * (e_true / total * slope + q * bend) * row.factor
            finish(hess, place, bent, stage, row.true if row.counts else np.int64(-1), own)
        elif with_gradient:
            if row.counts:
                if keeps:
                    for j in range(kept):
                        held[j] *= f
                elif rare:
                    unusual_multiples_of(p, grad, place, held, stage, top, a, b, d, f)
                else:
                    multiples_of(p, grad, place, held, stage, top, a, b, d, f)
            else:
                constant(grad, place, held, stage, row.instead)
        if with_gradient:
            finish(grad, place, held, stage, row.true if row.counts else np.int64(-1), -scaled * q)
        return loss

    return function
