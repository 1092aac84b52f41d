"""The loop over elements: one pass that reads y_true, y_pred and weights and writes what is asked for."""

from typing import Any

import numpy as np
from numba import cuda

from .._compile.cuda_memory import PARTS, VECTORS, load, store
from .._compile.jit import scalar
from .._math.constants import named
from .formats import Format
from .sums import EACH, THREADS, TILE, block_sum


def writer(vector: int, aligned: bool) -> Any:
    """The function that writes a vector of results, or what of it lies inside the array."""
    store_vector = VECTORS[vector][1]

    @scalar
    def put(base, i, size, values):
        if aligned and i + vector <= size:
            store_vector(base, i, values)
        else:
            for j in range(vector):
                if i + j < size:
                    store(base, i + j, values[j])

    return put


def element_function(maths: Any, real: Any, read_y: Any, read_p: Any) -> Any:
    """The function of one element as it lies in memory: loss, first and second derivative, NaN outside the domain."""
    point, outside = maths.point, maths.outside
    sides: Any = maths.sides or (None,) * 6
    *_, shared, rest = sides
    in_parts, by_label = rest is not None, maths.by_label
    y_bits, p_bits = read_y is not None, read_p is not None

    @scalar
    def evaluate(y, p, c, factors, at, labels):
        if by_label is not None:
            c = by_label(c, load(factors, at % labels, real))
        yi = real(read_y(y)) if y_bits else real(y)
        pi = real(read_p(p)) if p_bits else real(p)
        li, gi, hi = point(yi, pi, c)
        if in_parts and shared(yi, c):
            l_rest, g_rest, h_rest = rest(yi, pi, c)
            li, gi, hi = li + l_rest, gi + g_rest, hi + h_rest
        if outside(yi, pi, c):
            li, gi, hi = real(np.nan), real(np.nan), real(np.nan)
        return li, gi, hi

    return evaluate


def target_left_out(real: Any, read_y: Any, label: bool, missing: bool) -> Any:
    """Whether a target does not count, as it lies in memory: it is the label that is ignored, or NaN."""
    y_bits = read_y is not None

    @scalar
    def left_out(y, ignored):
        yi = real(read_y(y)) if y_bits else real(y)
        return (label and yi == ignored) or (missing and yi != yi)

    return left_out


def elementwise(maths: Any, real: Any, label: Format, pred: Format, grad_format: Format, order: int,
                aligned: bool, ignores: bool = False, missing: bool = False) -> Any:  # fmt: skip
    """The kernel of one loss for arrays of these formats.

    maths is that of `_cpu.elementwise.block`. aligned: all arrays begin where vectors of 16 bytes of y_pred may.
    A weight belongs to `repeat` consecutive elements (0: no weights); wanted: that of `passes.Call`.
    Where y or p is outside the domain, all results are NaN: an exception would have to wait for the device.
    """
    constants, write_g = maths.constants, grad_format.write
    with_gradient, with_hessian, g_bits = order >= 1, order >= 2, write_g is not None
    y_type, p_type, g_type = label.storage, pred.storage, grad_format.storage
    vector = 16 // np.dtype(p_type).itemsize
    # Maths that is long is unrolled less: what does not fit the registers would go through local memory. A vector is
    # then computed in parts.
    few = (2 if real is np.float32 else 1) if with_hessian else 4
    group = min(vector, few if maths.long else 8)
    parts, rounds = vector // group, EACH // vector
    load_vector, put = VECTORS[vector][0], writer(vector, aligned)
    evaluate = element_function(maths, real, label.read, pred.read)
    leaves_out, left_out = ignores or missing, target_left_out(real, label.read, ignores, missing)
    take, keep = PARTS[vector, group]

    def kernel(y, p, w, losses, grad, hess, partials, scales, factors, size, repeat, wanted, scaled, labels, ignored,
               scale, c0, c1, c2, c3, c4):  # fmt: skip
        lanes = cuda.shared.array(THREADS, real)
        ys, ps = cuda.local.array(vector, y_type), cuda.local.array(vector, p_type)
        gs, hs = cuda.local.array(vector, g_type), cuda.local.array(vector, g_type)
        y_part, p_part = cuda.local.array(group, y_type), cuda.local.array(group, p_type)
        g_part, h_part = cuda.local.array(group, g_type), cuda.local.array(group, g_type)
        t, c, total = cuda.threadIdx.x, named((c0, c1, c2, c3, c4), constants), real(0)
        nothing = False
        if scaled:  # by one over the sum of the weights, which the host does not know
            scale, nothing = load(scales, 0, real), load(scales, 1, real) == real(0)
        for step in range(rounds):
            i = np.int64(cuda.blockIdx.x) * TILE + (step * THREADS + t) * vector
            whole = i + vector <= size
            if aligned and whole:
                load_vector(y, i, ys)
                load_vector(p, i, ps)
            else:
                for j in range(vector):
                    if i + j < size:
                        ys[j] = load(y, i + j, y_type)
                        ps[j] = load(p, i + j, p_type)
            for part in range(parts):
                take(ys, part, y_part)
                take(ps, part, p_part)
                for k in range(group):
                    at = i + part * group + k
                    if at < size:
                        li, gi, hi = evaluate(y_part[k], p_part[k], c, factors, at, labels)
                        factor = scale
                        if repeat != 0 or leaves_out:
                            wi = load(w, at // repeat, real) if repeat != 0 else real(1)
                            if leaves_out and left_out(y_part[k], real(ignored)) and not wi < real(0):
                                wi = real(0)
                            if wi == real(0) or (nothing and wi > real(0)):
                                li, gi, hi = real(0), real(0), real(0)
                            elif wi < real(0):
                                li, gi, hi = real(np.nan), real(np.nan), real(np.nan)
                            li, factor = li * wi, scale * wi
                        total += li
                        if wanted & 1:
                            store(losses, at, li)
                        if with_gradient:
                            g_part[k] = write_g(gi * factor) if g_bits else g_type(gi * factor)
                        if with_hessian:
                            h_part[k] = write_g(hi * factor) if g_bits else g_type(hi * factor)
                if with_gradient:
                    keep(g_part, part, gs)
                if with_hessian:
                    keep(h_part, part, hs)
            if with_gradient:
                put(grad, i, size, gs)
            if with_hessian:
                put(hess, i, size, hs)
        if wanted & 2:
            total = block_sum(lanes, total, THREADS)
            if t == 0:
                store(partials, cuda.blockIdx.x, np.float64(total))

    return kernel
