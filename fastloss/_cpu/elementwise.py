"""The loop over elements: one pass that reads y_true, y_pred and weights and writes what is asked for."""

from typing import Any

import numpy as np

from .._jit import helper
from .blocks import BLOCK, fold, note, two_sum
from .memory import array_at, borrow, copy, float_at, int_at, scratch

SLOTS = "OOOOOO" + "qqqq" + "dddddd"
"""y_true, y_pred, weights, losses, gradient, hessian; size, repeat, in_place, each; scale and five hyperparameters."""


def elementwise(maths: Any, real: Any, label: Any, weighted: bool, order: int) -> Any:
    """The kernel of one loss for y_pred of dtype real and y_true of dtype label.

    maths.point(y, p, c) gives loss, first and second derivative; outside(y, p, c) is true where y or p is not allowed.
    Where shared(y, c) is true of any label of a block, rest(y, p, c) is added in a second loop over the block.
    order is the highest derivative wanted. A weight belongs to `repeat` consecutive elements.
    """
    point, outside, rest, shared = maths.point, maths.outside, maths.rest, maths.shared
    in_parts = rest is not None
    with_gradient, with_hessian = order >= 1, order >= 2
    long = label is np.int64 or label is np.uint64
    flag = np.int32 if real is np.float32 else np.int64  # as wide as the values: no repacking in the vector loop

    @helper
    def values(y, p, w, c, scale, loss, grad, hess):
        """One block: losses and derivatives, and whether any element lies outside the domain."""
        bad, parts = flag(0), flag(0)
        for i in range(p.size):
            yi = real(y[i])
            li, gi, hi = point(yi, p[i], c)
            if in_parts:
                parts = flag(parts | flag(shared(yi, c)))
            if weighted:
                wi = w[i]
                none = wi == real(0)
                bad = flag(bad | flag((outside(yi, p[i], c) & (not none)) | (wi < real(0))))
                wi_scaled = wi * scale
                li = real(0) if none else li * wi
                gi = real(0) if none else gi * wi_scaled
                hi = real(0) if none else hi * wi_scaled
            else:
                bad = flag(bad | flag(outside(yi, p[i], c)))
                gi *= scale
                hi *= scale
            loss[i] = li
            if with_gradient:
                grad[i] = gi
            if with_hessian:
                hess[i] = hi
        if in_parts and parts != 0:
            for i in range(p.size):
                li, gi, hi = rest(real(y[i]), p[i], c)
                wi = w[i] if weighted else real(1)
                none = wi == real(0)
                loss[i] += real(0) if none else li * wi
                if with_gradient:
                    grad[i] += real(0) if none else gi * (wi * scale)
                if with_hessian:
                    hess[i] += real(0) if none else hi * (wi * scale)
        return bad != 0

    @helper
    def narrow(source, target):
        """64-bit labels as floats: by way of 32 bits, for which there are vector instructions, where all fit."""
        wide = np.int64(0)
        for i in range(source.size):
            small = np.int32(source[i])
            target[i] = real(small)
            wide |= np.int64(source[i]) ^ np.int64(small)
        if wide != 0:
            for i in range(source.size):
                target[i] = real(source[i])

    @helper
    def offence(y, p, w, c):
        """The index of the first element of a block that lies outside the domain."""
        for i in range(p.size):
            wi = w[i] if weighted else real(1)
            if wi < real(0) or (wi != real(0) and outside(real(y[i]), p[i], c)):
                return i
        return 0

    def piece(call, first, last, report, row):
        """Blocks first..last of a call."""
        size, repeat = int_at(call, 6), int_at(call, 7)
        in_place, each = int_at(call, 8) != 0, int_at(call, 9) != 0
        y, p = array_at(call, 0, size, label), array_at(call, 1, size, real)
        scale = float_at(call, 10, real)
        a, b, d = float_at(call, 11, real), float_at(call, 12, real), float_at(call, 13, real)
        c = (a, b, d, float_at(call, 14, real), float_at(call, 15, real))
        loss_block, weight_block = scratch(1024, real), scratch(1024, real)
        grad_block, hess_block, label_block = scratch(1024, real), scratch(1024, real), scratch(1024, real)
        high, low = 0.0, 0.0
        where, y_bad, p_bad, w_bad = -1, 0.0, 0.0, 1.0
        for block in range(first, last):
            start = block * BLOCK
            count = min(BLOCK, size - start)
            yb, pb = borrow(y, start, count), borrow(p, start, count)
            lb, wb = borrow(loss_block, 0, count), borrow(weight_block, 0, count)
            gb, hb = borrow(grad_block, 0, count), borrow(hess_block, 0, count)
            if each and not in_place:
                lb = borrow(array_at(call, 3, size, real), start, count)
            if with_gradient and not in_place:
                gb = borrow(array_at(call, 4, size, real), start, count)
            if with_hessian and not in_place:
                hb = borrow(array_at(call, 5, size, real), start, count)
            if weighted:
                if repeat == 1:
                    wb = borrow(array_at(call, 2, size, real), start, count)
                else:
                    w = array_at(call, 2, size, real)
                    for i in range(count):
                        wb[i] = w[(start + i) // repeat]
            yv = yb
            if long:
                yv = borrow(label_block, 0, count)
                narrow(yb, yv)
            if values(yv, pb, wb, c, scale, lb, gb, hb) and where < 0:
                i = offence(yb, pb, wb, c)
                where, y_bad, p_bad = start + i, np.float64(yb[i]), np.float64(pb[i])
                if weighted:
                    w_bad = np.float64(wb[i])
            if in_place:  # y_pred was needed until here
                if each:
                    copy(lb, borrow(array_at(call, 3, size, real), start, count))
                if with_gradient:
                    copy(gb, borrow(array_at(call, 4, size, real), start, count))
                if with_hessian:
                    copy(hb, borrow(array_at(call, 5, size, real), start, count))
            high, low = two_sum(high, low, np.float64(fold(lb, count)))
        note(report, row, high, low, where, y_bad, p_bad, w_bad)
        return 0

    return piece
