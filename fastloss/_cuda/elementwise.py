"""The loop over elements: one pass that reads y_true, y_pred and weights and writes what is asked for."""

from typing import Any

import numpy as np
from numba import cuda

from .._compile.cuda import device
from .._compile.cuda_memory import VECTORS, load, store
from .._compile.jit import scalar
from .._math.constants import named
from .._math.primitives import fma
from .access import quotient, writer
from .formats import Format, packer
from .half_maths import shortened
from .sums import THREADS, TILE, block_sum


def element_function(maths: Any, real: Any, read_y: Any, read_p: Any) -> Any:
    """The function of one element as it lies in memory: loss, first and second derivative.

    Outside the domain all are NaN, as for a prediction that is NaN.
    """
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
        pi = real(np.nan) if outside(yi, pi, c) else pi
        li, gi, hi = point(yi, pi, c)
        if in_parts and shared(yi, c):
            l_rest, g_rest, h_rest = rest(yi, pi, c)
            li, gi, hi = li + l_rest, gi + g_rest, hi + h_rest
        return li, gi, hi

    return evaluate


def hard_function(maths: Any, real: Any, read_p: Any) -> Any:
    """The same of an element whose label is 0 or 1, where `simple` is true of the constants."""
    hard, outside, by_label, p_bits = maths.sides.hard, maths.sides.hard_outside, maths.by_label, read_p is not None

    @scalar
    def evaluate(y, p, c, factors, at, labels):
        if by_label is not None:
            c = by_label(c, load(factors, at % labels, real))
        pi = real(read_p(p)) if p_bits else real(p)
        return hard(y, real(np.nan) if outside(y, pi, c) else pi, c)

    return evaluate


def all_hard(maths: Any, real: Any, label: Format, vector: int) -> Any:
    """The function that says whether `hard_function` does for all labels of a vector, and makes them numbers."""
    simple, read, y_bits = maths.sides.simple, label.read, label.read is not None

    @device
    def function(bits, ys, c):
        off = real(0) if simple(c) else real(1)
        for j in range(vector):
            ys[j] = real(read(bits[j])) if y_bits else real(bits[j])
            off += abs(fma(ys[j], ys[j], -ys[j]))  # 0 for 0 and 1 alone: fewer instructions than maths.sides.soft
        return off == real(0)

    return function


def target_left_out(real: Any, read_y: Any, label: bool, missing: bool) -> Any:
    """Whether a target does not count, as it lies in memory: it is the label that is ignored, or NaN."""
    y_bits = read_y is not None

    @scalar
    def left_out(y, ignored):
        yi = real(read_y(y)) if y_bits else real(y)
        return (label and yi == ignored) or (missing and yi != yi)

    return left_out


def in_turn(count: int, step: Any) -> Any:
    """The function that calls step(..., k) for each k below count, without a loop.

    A loop with much maths would not be unrolled, and arrays that are indexed by it would not stay in registers.
    """
    if count == 1:

        @device
        def only(ys, ps, gs, hs, total, c, factors, at, labels, scale):
            return step(ys, ps, gs, hs, total, c, factors, at, labels, scale, 0)

        return only
    before, last = in_turn(count - 1, step), count - 1

    @device
    def all_of(ys, ps, gs, hs, total, c, factors, at, labels, scale):
        total = before(ys, ps, gs, hs, total, c, factors, at, labels, scale)
        return step(ys, ps, gs, hs, total, c, factors, at, labels, scale, last)

    return all_of


def vector_function(maths: Any, evaluate: Any, real: Any, label: Format, pred: Format, grad_format: Format,
                    order: int) -> Any:  # fmt: skip
    """The function that computes all elements of 16 bytes of y_pred, without weights, and adds their losses."""
    vector = 16 // np.dtype(pred.storage).itemsize
    y_type, p_type, g_type = label.storage, pred.storage, grad_format.storage
    load_vector, store_vector = VECTORS[vector]
    pack, with_gradient, with_hessian = packer(grad_format, vector), order >= 1, order >= 2
    has_hard = maths.sides is not None
    are_hard: Any = all_hard(maths, real, label, vector) if has_hard else None

    def element_of(function: Any) -> Any:
        @device
        def element(ys, ps, gs, hs, total, c, factors, at, labels, scale, k):
            li, gi, hi = function(ys[k], ps[k], c, factors, at + k, labels)
            if with_gradient:
                gs[k] = gi * scale
            if with_hessian:
                hs[k] = hi * scale
            return total + li

        return element

    elements = in_turn(vector, element_of(evaluate))
    hard_elements = in_turn(vector, element_of(hard_function(maths, real, pred.read))) if has_hard else elements

    @device
    def compute(y, p, grad, hess, total, c, factors, i, labels, scale):
        ys, ps = cuda.local.array(vector, y_type), cuda.local.array(vector, p_type)
        gs, hs, bits = cuda.local.array(vector, real), cuda.local.array(vector, real), cuda.local.array(vector, g_type)
        load_vector(y, i, ys)
        load_vector(p, i, ps)
        if has_hard:
            hard_labels = cuda.local.array(vector, real)
            if are_hard(ys, hard_labels, c):
                total = hard_elements(hard_labels, ps, gs, hs, total, c, factors, i, labels, scale)
            else:
                total = elements(ys, ps, gs, hs, total, c, factors, i, labels, scale)
        else:
            total = elements(ys, ps, gs, hs, total, c, factors, i, labels, scale)
        if with_gradient:
            pack(gs, bits)
            store_vector(grad, i, bits)
        if with_hessian:
            pack(hs, bits)
            store_vector(hess, i, bits)
        return total

    return compute


def elementwise(maths: Any, real: Any, label: Format, pred: Format, grad_format: Format, order: int,
                aligned: bool, ignores: bool = False, missing: bool = False) -> Any:  # fmt: skip
    """The kernel of one loss for arrays of these formats.

    maths is that of `_cpu.elementwise.block`. aligned: all arrays begin where vectors of 16 bytes of y_pred may.
    The sum of a block is divided by count: that of a call of one block is its loss.
    A weight belongs to `repeat` consecutive elements (0: no weights); wanted: that of `passes.Call`. Blocks with
    weights, losses to be written or the end of the arrays in them go element by element.
    Where y or p is outside the domain, all results are NaN: an exception would have to wait for the device.
    """
    maths = shortened(maths) if pred.is_half else maths
    constants, y_type, p_type = maths.constants, label.storage, pred.storage
    with_gradient, with_hessian, write = order >= 1, order >= 2, writer(grad_format)
    vector = 16 // np.dtype(p_type).itemsize
    plain = aligned and not ignores and not missing
    evaluate = element_function(maths, real, label.read, pred.read)
    compute = vector_function(maths, evaluate, real, label, pred, grad_format, order)
    leaves_out, left_out = ignores or missing, target_left_out(real, label.read, ignores, missing)

    def kernel(y, p, w, losses, grad, hess, partials, scales, factors, size, repeat, wanted, scaled, labels, ignored,
               count, scale, c0, c1, c2, c3, c4):  # fmt: skip
        lanes = cuda.shared.array(THREADS, real)
        t, c, total = cuda.threadIdx.x, named((c0, c1, c2, c3, c4), constants), real(0)
        nothing = False
        if scaled:  # by one over the sum of the weights, which the host does not know
            scale, nothing = load(scales, 0, real), load(scales, 1, real) == real(0)
        first = np.int64(cuda.blockIdx.x) * TILE
        if plain and repeat == 0 and not wanted & 1 and first + TILE <= size:
            begin, at = first + t * vector, 0
            while at < TILE:
                total = compute(y, p, grad, hess, total, c, factors, begin + at, labels, scale)
                at += THREADS * vector
        else:
            at, last = first + t, min(first + TILE, size)
            while at < last:
                y_bits = load(y, at, y_type)
                li, gi, hi = evaluate(y_bits, load(p, at, p_type), c, factors, at, labels)
                factor = scale
                if repeat != 0 or leaves_out:
                    wi = real(1)
                    if repeat != 0:
                        wi = load(w, at if repeat == 1 else quotient(at, repeat), real)
                    if leaves_out and left_out(y_bits, real(ignored)) and not wi < real(0):
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
                    write(grad, at, gi * factor)
                if with_hessian:
                    write(hess, at, hi * factor)
                at += THREADS
        if wanted & 2:
            total = block_sum(lanes, total, THREADS)
            if t == 0:
                store(partials, cuda.blockIdx.x, np.float64(total) / np.float64(count))

    return kernel
