"""The loss of a row where every class may have a share of the target; with the formulas of `_math.softmax`."""

import math
from typing import Any

import numpy as np
from numba import cuda

from .._compile.cuda import device
from .._compile.jit import scalar
from .._math.elementary import joined, log1p, two_sum
from .._math.primitives import fma
from .._math.softmax import gradient, hessian, pivot_gradient, pivot_hessian
from .rows import Tools, exponential_tile, fill, mass_function
from .softmax import tree


def shared_target(tools: Tools, indices: bool, signed: bool) -> Any:
    """Cross-entropy where every class may have a share of the target: sum_k t_k (top - z_k - log p_top)."""
    real, io = tools.real, tools.io
    width, stride, begin, more, inside, fetch = io.width, io.stride, io.begin, io.more, io.inside, io.fetch
    get, target_tile, put, finish, keeps = io.get, io.target, io.put, io.finish, tools.tiling.keeps
    (kept, kept_bends), (look, of), constant = tools.kept, tools.survey(), fill(tools)
    exps, mass_of = exponential_tile(tools, of), mass_function(real, indices, signed, tools.classed)
    total_of, added = tools.group.total, added_up(real, width, signed)
    with_gradient, with_hessian = tools.order >= 1, tools.order >= 2

    @device
    def function(y, p, cw, grad, hess, place, row, c, room, stage):
        held, logits, bent = (
            cuda.local.array(kept, real),
            cuda.local.array(kept, real),
            cuda.local.array(kept_bends, real),
        )
        fetch(p, place, held, stage, row.counts)
        if keeps:
            for j in range(kept):
                logits[j] = held[j]
        top, rare, a, b, d, most, high, low = look(p, place, held, room, stage, row.counts)
        others = high + low
        total = others + most
        inverse, q_most = real(1) / total, others / total
        excess = log1p(others / most, real(0))  # -log p of the most probable class
        alone = others < most  # whether there is a p near 1
        sum_high, sum_low, share_high, share_low = real(0), real(0), real(0), real(0)
        own, marks = real(0), real(0)  # the share of the most probable class, if it is alone; how many have one
        xs, ys = cuda.local.array(width, real), cuda.local.array(width, real)
        if row.counts:
            i, k = 0, begin(place)
            while more(place, i, k):
                get(p, place, logits, stage, i, k, xs)
                if not indices:
                    target_tile(y, place, k, ys)
                for j in range(width):
                    mass = mass_of(ys[j], cw, k + j, row) if inside(place, i, k) else real(0)
                    if signed:
                        marks += real(1) if mass != real(0) else real(0)
                    is_top = xs[j] == top
                    if is_top:
                        own = mass if alone else own
                    xs[j] = real(0) if is_top or mass == real(0) else mass * (top - xs[j])
                    ys[j] = real(0) if is_top and alone else mass
                sum_high, sum_low = added(sum_high, sum_low, xs)
                share_high, share_low = added(share_high, share_low, ys)
                i += 1
                k += stride
        sum_high, sum_low = total_of(room, 5, sum_high, sum_low)
        share_high, share_low = total_of(room, 7, share_high, share_low)
        own, _ = total_of(room, 9, own, real(0))
        shares = joined(share_high, share_low)  # without that of a class whose p may be near 1
        all_shares = shares + own
        if with_gradient:
            if signed:  # targets may add up to 0 and still count
                marks, _ = total_of(room, 11, marks, real(0))
            else:
                marks = all_shares
            slope = all_shares * inverse * row.factor
            pivot = most if alone else real(math.nan)
            # `pivot_gradient` and `pivot_hessian`, `gradient` and `hessian` of a loss with slopes of 1 and no bends
            g_pivot = (most * inverse * shares - q_most * own) * row.factor
            h_pivot = most * q_most * slope
            if not row.counts or marks == real(0):  # no class counts, whatever the logits
                constant(grad, place, held, stage, row.instead)
                if with_hessian:
                    constant(hess, place, bent, stage, row.instead)
            else:
                i, k = 0, begin(place)
                while more(place, i, k):
                    exps(p, place, held, stage, i, k, top, rare, a, b, d, xs)
                    if with_hessian:
                        for j in range(width):
                            ys[j] = h_pivot if xs[j] == pivot else xs[j] * slope * (real(1) - xs[j] * inverse)
                        put(hess, place, bent, stage, i, k, ys)
                    if not indices:
                        target_tile(y, place, k, ys)
                    for j in range(width):
                        mass = mass_of(ys[j], cw, k + j, row) if inside(place, i, k) else real(0)
                        xs[j] = g_pivot if xs[j] == pivot else fma(xs[j], slope, -(mass * row.factor))
                    put(grad, place, held, stage, i, k, xs)
                    i += 1
                    k += stride
            if with_hessian:
                finish(hess, place, bent, stage, np.int64(-1), real(0))
            finish(grad, place, held, stage, np.int64(-1), real(0))
        loss = joined(sum_high, sum_low)
        return loss if all_shares == real(0) else fma(all_shares, excess, loss)

    return function


def added_up(real: Any, size: int, exactly: bool) -> Any:
    """The function that adds a local array to a sum of two floats: as a tree, or each element exactly."""
    add = tree(size)

    @device
    def function(high, low, values):
        if exactly:
            for j in range(size):
                high, low = two_sum(high, low, values[j])
            return high, low
        return two_sum(high, low, add(values))

    return function


@scalar
def derivatives(p: Any, q: Any, is_pivot: Any, slopes: Any, slope_sum: Any, bends: Any, bend_sum: Any, slope: Any,
                bend: Any) -> Any:  # fmt: skip
    """Gradient and Hessian by the logit of a class; nothing may cancel where p is near 1."""
    if is_pivot:
        return pivot_gradient(p, q, slopes, slope), pivot_hessian(p, q, slope_sum, bends, bend)
    return gradient(p, slope_sum, slope), hessian(p, q, slope_sum, bend_sum, bend)


def every_class(focus: Any, tools: Tools, indices: bool, signed: bool) -> Any:
    """The loss where every class may have a share of the target."""
    real, io = tools.real, tools.io
    width, stride, begin, more, fetch, get = io.width, io.stride, io.begin, io.more, io.fetch, io.get
    target_tile, put, finish, (look, of), constant = io.target, io.put, io.finish, tools.survey(), fill(tools)
    mass_of = mass_function(real, indices, signed, tools.classed)
    total_of = tools.group.total
    with_gradient, with_hessian, (kept, kept_bends) = tools.order >= 1, tools.order >= 2, tools.kept

    @scalar
    def share(x, e, top, inverse, q_most, pivot, excess, mass, c):
        """Probability of a class, its complement, and its target mass times loss, slope and bend."""
        p = e * inverse
        q = q_most if e == pivot else real(1) - p
        loss, slope, bend = focus(p, q, (real(0) if x == top else top - x) + excess, c)
        if mass == real(0):
            return p, q, real(0), real(0), real(0)
        return p, q, mass * loss, mass * slope, mass * bend

    @device
    def function(y, p, cw, grad, hess, place, row, c, room, stage):
        held, bent = cuda.local.array(kept, real), cuda.local.array(kept_bends, real)
        fetch(p, place, held, stage, row.counts)
        top, rare, a, b, d, most, high, low = look(p, place, held, room, stage, row.counts)
        others = high + low
        total = others + most
        inverse, q_most = real(1) / total, others / total
        pivot = most if others < most else real(math.nan)  # else there is no p near 1
        excess = log1p(others / most, real(0))  # -log p of the most probable class
        loss_high, loss_low = real(0), real(0)
        slope_high, slope_low, bend_high, bend_low = real(0), real(0), real(0), real(0)
        own_slope, own_bend, marks = real(0), real(0), real(0)  # of the pivot; how many classes have a slope
        xs, ys, hs = cuda.local.array(width, real), cuda.local.array(width, real), cuda.local.array(width, real)
        if row.counts:
            i, k = 0, begin(place)
            while more(place, i, k):
                get(p, place, held, stage, i, k, xs)
                if not indices:
                    target_tile(y, place, k, ys)
                for j in range(width):
                    e = of(xs[j], top, rare, a, b, d)
                    mass = mass_of(ys[j], cw, k + j, row)
                    _, _, loss, slope, bend = share(xs[j], e, top, inverse, q_most, pivot, excess, mass, c)
                    loss_high, loss_low = two_sum(loss_high, loss_low, loss)
                    if signed:
                        marks += real(1) if slope != real(0) else real(0)
                    if e == pivot:
                        own_slope, own_bend = slope, bend
                        slope, bend = real(0), real(0)
                    slope_high, slope_low = two_sum(slope_high, slope_low, slope)
                    if with_hessian:
                        bend_high, bend_low = two_sum(bend_high, bend_low, bend)
                i += 1
                k += stride
        loss_high, loss_low = total_of(room, 5, loss_high, loss_low)
        if with_gradient:
            slope_high, slope_low = total_of(room, 7, slope_high, slope_low)
            own_slope, _ = total_of(room, 9, own_slope, real(0))
            slope_rest = joined(slope_high, slope_low)
            slope_sum = slope_rest + own_slope
            if signed:  # targets may add up to 0 and still count
                marks, _ = total_of(room, 11, marks, real(0))
            else:
                marks = slope_sum
            bend_rest, bend_sum = real(0), real(0)
            if with_hessian:
                bend_high, bend_low = total_of(room, 13, bend_high, bend_low)
                own_bend, _ = total_of(room, 15, own_bend, real(0))
                bend_rest = joined(bend_high, bend_low)
                bend_sum = bend_rest + own_bend
            if not row.counts or marks == real(0):  # no class counts, whatever the logits
                constant(grad, place, held, stage, row.instead)
                if with_hessian:
                    constant(hess, place, bent, stage, row.instead)
            else:
                i, k = 0, begin(place)
                while more(place, i, k):
                    get(p, place, held, stage, i, k, xs)
                    if not indices:
                        target_tile(y, place, k, ys)
                    for j in range(width):
                        e = of(xs[j], top, rare, a, b, d)
                        mass = mass_of(ys[j], cw, k + j, row)
                        pk, qk, _, slope, bend = share(xs[j], e, top, inverse, q_most, pivot, excess, mass, c)
                        g_k, h = derivatives(
                            pk, qk, e == pivot, slope_rest, slope_sum, bend_rest, bend_sum, slope, bend
                        )
                        hs[j], xs[j] = h * row.factor, g_k * row.factor
                    if with_hessian:
                        put(hess, place, bent, stage, i, k, hs)
                    put(grad, place, held, stage, i, k, xs)
                    i += 1
                    k += stride
            if with_hessian:
                finish(hess, place, bent, stage, np.int64(-1), real(0))
            finish(grad, place, held, stage, np.int64(-1), real(0))
        return joined(loss_high, loss_low)

    return function
