"""Loss, gradient and Hessian of one row of classes by a group of threads: twins of `_cpu.rows`, with its formulas.

Each function is given `io`, the functions that read logits and targets and write derivatives, and returns the row's
loss, the same for all threads of the group; n is 0 for a group that has no row to compute.
"""

from typing import Any

import numpy as np
from numba import cuda

from .._compile.cuda import device
from .._compile.cuda_memory import load
from .._compile.jit import scalar
from .._math.elementary import joined, log1p, slack, two_sum
from .._math.softmax import gradient, hessian, pivot_gradient, pivot_hessian
from .access import Access
from .softmax import exponential, survey
from .sums import group_sum, group_sum_twofold


def one_class(focus: Any, real: Any, io: Access, order: int) -> Any:
    """The loss where one class has the whole target."""
    width, read, read_tile, write_tile = io.width, io.read, io.read_tile, io.write_tile
    look = survey(io, real)
    with_gradient, with_hessian = order >= 1, order >= 2

    @device
    def function(y, p, cw, grad, hess, start, inner, n, true, keep, even, classed, factor, c, g, threads, lanes, lows,
                 firsts):  # fmt: skip
        x_true = real(0)
        if n > 0:  # before any thread of the group writes a gradient over it
            x_true = read(p, start + true * inner)
        top, best, shift, magic, floor, high, low = look(p, start, inner, n, true, g, threads, lanes, lows, firsts)
        loss = real(0)
        if n > 0:
            e_top = exponential(top, top, True, shift, magic, floor)
            e_true = exponential(x_true, top, true == best, shift, magic, floor)
            rest_high, rest_low = high, low  # without the true class
            top_high, top_low = high, low  # without the most probable one
            if true != best:
                rest_high, rest_low = two_sum(high, low, e_top)
                top_high, top_low = two_sum(high, low, e_true)
            total_high, total_low = two_sum(rest_high, rest_low, e_true)
            total, rest, rest_top = total_high + total_low, rest_high + rest_low, top_high + top_low
            distance = real(0) if x_true == top else top - x_true
            nll = distance + log1p((rest if distance == real(0) else rest_top) / e_top, real(0))
            nll += e_true - e_true  # NaN where another logit is infinite too
            q = rest / total
            loss, slope, bend = focus(e_true / total, q, nll, c)
            inverse, scaled = real(1) / total, factor * slope
            f = scaled / total
            es, hs = cuda.local.array(width, real), cuda.local.array(width, real)
            for first in range(g * width, n, threads * width):
                if with_gradient:
                    read_tile(p, start, first, inner, es)
                    for j in range(width):
                        k = first + j
                        e = exponential(es[j], top, k == best, shift, magic, floor)
                        pk = e * inverse
                        qk = rest_top / total if k == best else real(1) - pk
                        # `hessian` and `pivot_hessian` without the terms that no other class has here
                        h = pk * (qk * slope + pk * bend)
                        if k == true:
                            h = q * (pk * slope + q * bend)
                        es[j] = -scaled * q if k == true else e * f
                        hs[j] = h * factor
                    write_tile(grad, start, first, inner, es)
                    if with_hessian:
                        write_tile(hess, start, first, inner, hs)
        return loss

    return function


@scalar
def derivatives(p: Any, q: Any, is_pivot: Any, slopes: Any, slope_sum: Any, bends: Any, bend_sum: Any, slope: Any,
                bend: Any) -> Any:  # fmt: skip
    """Gradient and Hessian by the logit of a class; nothing may cancel where p is near 1."""
    if is_pivot:
        return pivot_gradient(p, q, slopes, slope), pivot_hessian(p, q, slope_sum, bends, bend)
    return gradient(p, slope_sum, slope), hessian(p, q, slope_sum, bend_sum, bend)


def share_function(focus: Any, real: Any, indices: bool, signed: bool) -> Any:
    """The function of a class of which the target has a share."""

    @scalar
    def share(x, top, p, is_best, q_best, excess, target, cw, k, true, keep, even, classed, c):
        """Probability of a class, its complement, and its target mass times loss, slope and bend."""
        q = q_best if is_best else real(1) - p
        mass = (even + (keep if k == true else real(0))) if indices else target * keep + even
        if not indices and not signed:
            mass = mass if target >= real(0) and target <= real(1) else real(np.nan)
        if classed:
            mass *= load(cw, k, real)
        loss, slope, bend = focus(p, q, (real(0) if x == top else top - x) + excess, c)
        if mass == real(0):
            return p, q, real(0), real(0), real(0)
        return p, q, mass * loss, mass * slope, mass * bend

    return share


def every_class(focus: Any, real: Any, io: Access, indices: bool, signed: bool, order: int) -> Any:
    """The loss where every class may have a share of the target; NaN for one outside [0, 1], unless signed."""
    width, read_tile, target_tile, write_tile = io.width, io.read_tile, io.target_tile, io.write_tile
    look, share = survey(io, real), share_function(focus, real, indices, signed)
    with_gradient, with_hessian = order >= 1, order >= 2

    @device
    def function(y, p, cw, grad, hess, start, inner, n, true, keep, even, classed, factor, c, g, threads, lanes, lows,
                 firsts):  # fmt: skip
        top, best, shift, magic, floor, high, low = look(p, start, inner, n, -1, g, threads, lanes, lows, firsts)
        e_top = exponential(top, top, True, shift, magic, floor)
        total_high, total_low = two_sum(high, low, e_top)
        inverse, q_best = real(1) / (total_high + total_low), (high + low) / (total_high + total_low)
        excess = log1p((high + low) / e_top, real(0))  # -log p of the most probable class
        loss_high, loss_low = real(0), real(0)
        slope_high, slope_low, bend_high, bend_low = real(0), real(0), real(0), real(0)
        own_slope, own_bend, marks = real(0), real(0), real(0)  # of the most probable class; how many have a slope
        xs, ys, hs = cuda.local.array(width, real), cuda.local.array(width, real), cuda.local.array(width, real)
        for first in range(g * width, n, threads * width):
            read_tile(p, start, first, inner, xs)
            if not indices:
                target_tile(y, start, first, inner, ys)
            for j in range(width):
                k = first + j
                e, target = exponential(xs[j], top, k == best, shift, magic, floor), real(0) if indices else ys[j]
                _, _, loss, slope, bend = share(xs[j], top, e * inverse, k == best, q_best, excess, target, cw, k, true,
                                                keep, even, classed, c)  # fmt: skip
                loss_high, loss_low = two_sum(loss_high, loss_low, loss)
                marks += real(1) if slope != real(0) else real(0)
                if k == best:
                    own_slope, own_bend = slope, bend
                else:
                    slope_high, slope_low = two_sum(slope_high, slope_low, slope)
                    bend_high, bend_low = two_sum(bend_high, bend_low, bend)
        loss_high, loss_low = group_sum_twofold(lanes, lows, loss_high, loss_low, g, threads)
        if with_gradient:
            slope_high, slope_low = group_sum_twofold(lanes, lows, slope_high, slope_low, g, threads)
            own_slope = group_sum(lanes, own_slope, g, threads)
            slope_rest = joined(slope_high, slope_low)
            slope_sum = slope_rest + own_slope
            # Signed targets may add up to 0 and still count.
            marks = group_sum(lanes, marks, g, threads) if signed else slope_sum
            bend_rest, bend_sum = real(0), real(0)
            if with_hessian:
                bend_high, bend_low = group_sum_twofold(lanes, lows, bend_high, bend_low, g, threads)
                own_bend = group_sum(lanes, own_bend, g, threads)
                bend_rest = joined(bend_high, bend_low)
                bend_sum = bend_rest + own_bend
            for first in range(g * width, n, threads * width):
                read_tile(p, start, first, inner, xs)
                if not indices:
                    target_tile(y, start, first, inner, ys)
                for j in range(width):
                    k = first + j
                    e, target = exponential(xs[j], top, k == best, shift, magic, floor), real(0) if indices else ys[j]
                    pk, qk, _, slope, bend = share(xs[j], top, e * inverse, k == best, q_best, excess, target, cw, k,
                                                   true, keep, even, classed, c)  # fmt: skip
                    g_k, h = derivatives(pk, qk, k == best, slope_rest, slope_sum, bend_rest, bend_sum, slope, bend)
                    empty = marks == real(0)  # no class counts, whatever the logits
                    hs[j] = real(0) if empty else h * factor
                    xs[j] = real(0) if empty else g_k * factor
                write_tile(grad, start, first, inner, xs)
                if with_hessian:
                    write_tile(hess, start, first, inner, hs)
        return joined(loss_high, loss_low)

    return function


def probabilities(derivative: Any, real: Any, io: Access, indices: bool, spread: bool, signed: bool,
                  order: int) -> Any:  # fmt: skip
    """The loss of a row of probabilities, each class on its own; NaN for NaN and outside [0, 1]."""
    width, read_tile, target_tile, write_tile = io.width, io.read_tile, io.target_tile, io.write_tile
    with_gradient, with_hessian = order >= 1, order >= 2

    @device
    def function(y, p, cw, grad, hess, start, inner, n, true, keep, even, classed, factor, c, g, threads, lanes, lows,
                 firsts):  # fmt: skip
        high, low, over = real(0), real(0), slack(c.epsilon)
        xs, ys, hs = cuda.local.array(width, real), cuda.local.array(width, real), cuda.local.array(width, real)
        for first in range(g * width, n, threads * width):
            read_tile(p, start, first, inner, xs)
            if not indices:
                target_tile(y, start, first, inner, ys)
            for j in range(width):
                k, x = first + j, xs[j]
                loss, slope, bend = real(0), real(0), real(0)
                mass = real(1) if k == true else real(0)
                if spread:
                    mass = (even + keep * mass) if indices else ys[j] * keep + even
                    if classed:
                        mass *= load(cw, k, real)
                if mass != real(0):
                    loss, slope, bend = derivative(x, c)
                    loss, slope, bend = mass * loss, mass * slope, mass * bend
                inside = x >= -over and x <= real(1) + over
                if not indices and not signed:
                    inside = inside and ys[j] >= real(0) and ys[j] <= real(1)
                if not inside:
                    loss, slope, bend = real(np.nan), real(np.nan), real(np.nan)
                high, low = two_sum(high, low, loss)
                xs[j], hs[j] = slope * factor, bend * factor
            if with_gradient:
                write_tile(grad, start, first, inner, xs)
            if with_hessian:
                write_tile(hess, start, first, inner, hs)
        high, low = group_sum_twofold(lanes, lows, high, low, g, threads)
        return joined(high, low)

    return function
