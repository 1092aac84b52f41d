"""The loop over elements: one pass that reads y_true, y_pred and weights and writes what is asked for.

Two compiled functions work together. `block` holds the maths of one loss for up to 1024 contiguous elements of the
compute dtype, and nothing else; `elementwise`, compiled once for all losses, brings the blocks there and back,
weights them, adds the losses and notes the first invalid element.
"""

from typing import Any

import numpy as np

from .._compile.invoke import invoke_elements
from .._compile.jit import helper
from .._compile.memory import array_base, base_of, beyond, borrow, elements, scratch
from .._compile.records import record_at
from .._math.constants import named
from .._math.elementary import two_sum
from .._math.forms import nothing_outside
from .call import CALL, constants_of, read, read_weights, report_of, write
from .sums import BLOCK, fold


def block(maths: Any, real: Any, order: int) -> Any:
    """The block function of one loss, up to a derivative of this order; returns the first element outside the domain.

    maths.point(y, p, c) gives loss, first and second derivative; outside(y, p, c) is true where y or p is not allowed.
    maths.sides, if any, has a shorter point for blocks of hard labels, and for those of soft ones a second loop.
    """
    point, outside, constants, with_sides = maths.point, maths.outside, maths.constants, maths.sides is not None
    sides: Any = maths.sides or (None,) * 6
    simple, soft, hard, hard_outside, shared, rest = sides
    with_gradient, with_hessian, apart, with_rest = order >= 1, order >= 2, maths.apart, rest is not None
    may_be_outside = outside is not nothing_outside
    by_label, width = maths.by_label, np.dtype(real).itemsize
    flag = np.int32 if real is np.float32 else np.int64  # as wide as the values: no repacking in the vector loop

    @helper
    def shared_constants(c, factors, i):
        return c

    @helper
    def own_constants(c, factors, i):
        return by_label(c, factors[i])

    at = shared_constants if by_label is None else own_constants

    @helper
    def place_of_factors(call, start, anywhere):
        """Where the factors of a block's elements begin: the array has a block more than there are labels."""
        if by_label is None:
            return anywhere
        return beyond(array_base(call.class_factors.array), (call.first + start) % call.labels, width)

    @helper
    def first_outside(y, p, w, weighted, c):
        for i in range(p.size):
            if outside(y[i], p[i], c) and not (weighted and w[i] == real(0)):
                return i
        return -1

    def function(call_at, start, y_base, p_base, w_base, loss_base, grad_base, hess_base, count):
        call = record_at(call_at, CALL)
        y, p, loss = elements(y_base, count, real), elements(p_base, count, real), elements(loss_base, count, real)
        grad, hess = elements(grad_base, count, real), elements(hess_base, count, real)
        weighted = call.repeat != 0
        scale = real(1) if weighted else real(call.scale)  # weights come after, with the scale
        c = named(constants_of(call, real), constants)
        factors = elements(place_of_factors(call, start, y_base), count, real)
        bad, parts, mixed = flag(0), flag(0), flag(1)
        if with_sides and simple(c):
            mixed = flag(0)
            for i in range(y.size):
                mixed = flag(mixed | flag(soft(y[i])))
        if with_sides and mixed == 0:
            for i in range(p.size):
                li, gi, hi = hard(y[i], p[i], at(c, factors, i))
                bad = flag(bad | flag(hard_outside(y[i], p[i], c)))
                loss[i] = li
                if with_gradient:
                    grad[i] = gi * scale
                if with_hessian:
                    hess[i] = hi * scale
        else:
            for i in range(p.size):
                li, gi, hi = point(y[i], p[i], at(c, factors, i))
                bad = flag(bad | flag(outside(y[i], p[i], c)))
                if with_rest:
                    parts = flag(parts | flag(shared(y[i], at(c, factors, i))))
                loss[i] = li
                if with_gradient and not apart:
                    grad[i] = gi * scale
                if with_hessian and not apart:
                    hess[i] = hi * scale
        if with_gradient and apart:
            for i in range(p.size):
                li, gi, hi = point(y[i], p[i], at(c, factors, i))
                grad[i] = gi * scale
                if with_hessian:
                    hess[i] = hi * scale
        if with_rest and parts != 0:
            for i in range(p.size):
                li, gi, hi = rest(y[i], p[i], at(c, factors, i))
                loss[i] += li
                if with_gradient:
                    grad[i] += gi * scale
                if with_hessian:
                    hess[i] += hi * scale
        if may_be_outside and bad != 0:
            return first_outside(y, p, elements(w_base, count, real), weighted, c)
        return -1

    return function


@helper
def weigh(values: Any, w: Any, scale: Any) -> None:
    """values *= w * scale, where a weight of 0 gives 0 whatever the value."""
    for i in range(values.size):
        values[i] = 0 if w[i] == 0 else values[i] * (w[i] * scale)


@helper
def first_negative(w: Any) -> int:
    """The index of the first negative weight, or -1."""
    bad = np.int32(0)
    for i in range(w.size):
        bad = np.int32(bad | np.int32(w[i] < 0))
    if bad != 0:
        for i in range(w.size):
            if w[i] < 0:
                return i
    return -1


@helper
def leave_out(call: Any, y: Any, w: Any) -> None:
    """Give targets that do not count a weight of 0; a negative one stays, to be refused."""
    if call.has_ignore != 0:
        ignored = y.dtype.type(call.ignore_index)
        for i in range(y.size):
            w[i] = 0 if (y[i] == ignored) & (not w[i] < 0) else w[i]
    if call.has_missing != 0:
        for i in range(y.size):
            w[i] = 0 if (y[i] != y[i]) & (not w[i] < 0) else w[i]


@helper
def fetch(operand: Any, start: int, buffer: Any) -> Any:
    """Where a block of an input can be read."""
    if operand.convert == 0:
        return beyond(array_base(operand.array), start, operand.item_bytes)
    read(operand, start, 1, buffer)
    return base_of(buffer)


@helper
def destination(operand: Any, start: int, buffer: Any) -> Any:
    """Where a block of an output can be written."""
    if operand.item_bytes != 0 and operand.convert == 0:
        return beyond(array_base(operand.array), start, operand.item_bytes)
    return base_of(buffer)


def elementwise(real: Any) -> Any:
    """The kernel that takes every loss's blocks of y_pred of dtype real through their function."""

    def piece(call_at, first, last, reports, task):
        """Blocks first..last of a call."""
        call, report = record_at(call_at, CALL), report_of(reports, task)
        y_block, p_block, w_block = scratch(1024, real), scratch(1024, real), scratch(1024, real)
        loss_block, grad_block, hess_block = scratch(1024, real), scratch(1024, real), scratch(1024, real)
        high, low, scale = 0.0, 0.0, real(call.scale)
        with_gradient, with_hessian = call.gradient.item_bytes != 0, call.hessian.item_bytes != 0
        invalid, y_there, p_there, w_there = -1, 0.0, 0.0, 1.0
        leaves_out = (call.has_ignore != 0) | (call.has_missing != 0)
        for index in range(first, last):
            start = index * BLOCK
            count = min(BLOCK, call.size - start)
            y = fetch(call.y_true, start, borrow(y_block, 0, count))
            p = fetch(call.y_pred, start, borrow(p_block, 0, count))
            w, w_own = base_of(w_block), borrow(w_block, 0, count)
            if leaves_out:
                read_weights(call, start, w_own)
                leave_out(call, elements(y, count, real), w_own)
            elif call.repeat == 1:
                w = fetch(call.weight, start, w_own)
            elif call.repeat != 0:
                read_weights(call, start, w_own)
            loss = destination(call.losses, start, loss_block)
            grad = destination(call.gradient, start, grad_block)
            hess = destination(call.hessian, start, hess_block)
            found = invoke_elements(call.maths, call_at, start, y, p, w, loss, grad, hess, count)
            losses = elements(loss, count, real)
            if call.repeat != 0:
                weights = elements(w, count, real)
                negative = first_negative(weights)
                if negative >= 0 and (found < 0 or negative < found):
                    found = negative
                weigh(losses, weights, real(1))
                if with_gradient:
                    weigh(elements(grad, count, real), weights, scale)
                if with_hessian:
                    weigh(elements(hess, count, real), weights, scale)
            if found >= 0 and invalid < 0:
                invalid = start + found
                y_there, p_there = (
                    np.float64(elements(y, count, real)[found]),
                    np.float64(elements(p, count, real)[found]),
                )
                if call.repeat != 0:
                    w_there = np.float64(elements(w, count, real)[found])
            # Only now: an output may lie where y_pred does.
            if call.losses.item_bytes != 0 and call.losses.convert != 0:
                write(call.losses, start, 1, borrow(loss_block, 0, count))
            if with_gradient and call.gradient.convert != 0:
                write(call.gradient, start, 1, borrow(grad_block, 0, count))
            if with_hessian and call.hessian.convert != 0:
                write(call.hessian, start, 1, borrow(hess_block, 0, count))
            high, low = two_sum(high, low, np.float64(fold(losses, count)))
        report.high, report.low, report.invalid = high, low, invalid
        report.y_true, report.y_pred, report.weight = y_there, p_there, w_there
        return 0

    return piece
