"""The loop over elements: one pass that reads y_true, y_pred and weights and writes what is asked for.

Two compiled functions work together. `block` holds the maths of one loss for up to 1024 contiguous elements of the
compute dtype, and nothing else; `elementwise`, compiled once for all losses, brings the blocks there and back,
weights them, adds the losses and remembers the first offence.
"""

from typing import Any

import numpy as np

from .._compile.invoke import invoke, invoke_block
from .._compile.jit import helper
from .._compile.memory import base_at, base_of, beyond, borrow, elements, float_at, int_at, scratch
from .._math.constants import named
from .._math.elementary import two_sum
from .blocks import BLOCK, fold, note

SLOTS = "OOOOOO" + "q" + "qqqqqq" + "qqqqqq" + "qqqq" + "dddddd"
"""y_true, y_pred, weights, losses, gradient, hessian; size; for each array the function that moves it (0: it is used
where it lies); and its itemsize; the block function, repeat (a weight belongs to so many consecutive elements; 0: no
weights), order, each; scale and five constants."""
Y, P, W, LOSSES, GRAD, HESS, SIZE, MOVES, ITEMSIZES = 0, 1, 2, 3, 4, 5, 6, 7, 13
FUNCTION, REPEAT, ORDER, EACH, SCALE = 19, 20, 21, 22, 23


def block(maths: Any, real: Any, order: int) -> Any:
    """The block function of one loss: writes losses and derivatives, returns the first element outside the domain.

    maths.point(y, p, c) gives loss, first and second derivative; outside(y, p, c) is true where y or p is not allowed.
    maths.sides, if any, has a shorter point for blocks of hard labels, and for those of soft ones a second loop.
    order is the highest derivative wanted.
    """
    point, outside, constants = maths.point, maths.outside, maths.constants
    with_sides = maths.sides is not None
    sides: Any = maths.sides or (None,) * 6
    simple, soft, hard, hard_outside, shared, rest = sides
    with_gradient, with_hessian = order >= 1, order >= 2
    flag = np.int32 if real is np.float32 else np.int64  # as wide as the values: no repacking in the vector loop

    def function(call, y_base, p_base, w_base, loss_base, grad_base, hess_base, count):
        y, p, loss = elements(y_base, count, real), elements(p_base, count, real), elements(loss_base, count, real)
        grad, hess = elements(grad_base, count, real), elements(hess_base, count, real)
        weighted = int_at(call, REPEAT) != 0
        scale = real(1) if weighted else float_at(call, SCALE, real)  # weights come after, with the scale
        a, b = float_at(call, SCALE + 1, real), float_at(call, SCALE + 2, real)
        d, e = float_at(call, SCALE + 3, real), float_at(call, SCALE + 4, real)
        c = named((a, b, d, e, float_at(call, SCALE + 5, real)), constants)
        bad, parts, mixed = flag(0), flag(0), flag(1)
        if with_sides and simple(c):
            mixed = flag(0)
            for i in range(y.size):
                mixed = flag(mixed | flag(soft(y[i])))
        if with_sides and mixed == 0:
            for i in range(p.size):
                li, gi, hi = hard(y[i], p[i], c)
                bad = flag(bad | flag(hard_outside(y[i], p[i], c)))
                loss[i] = li
                if with_gradient:
                    grad[i] = gi * scale
                if with_hessian:
                    hess[i] = hi * scale
        else:
            for i in range(p.size):
                li, gi, hi = point(y[i], p[i], c)
                bad = flag(bad | flag(outside(y[i], p[i], c)))
                if with_sides:
                    parts = flag(parts | flag(shared(y[i], c)))
                loss[i] = li
                if with_gradient:
                    grad[i] = gi * scale
                if with_hessian:
                    hess[i] = hi * scale
        if with_sides and parts != 0:
            for i in range(p.size):
                li, gi, hi = rest(y[i], p[i], c)
                loss[i] += li
                if with_gradient:
                    grad[i] += gi * scale
                if with_hessian:
                    hess[i] += hi * scale
        if bad != 0:
            w = elements(w_base, count, real)
            for i in range(p.size):
                if outside(y[i], p[i], c) and not (weighted and w[i] == real(0)):
                    return i
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


def elementwise(real: Any) -> Any:
    """The kernel that takes every loss's blocks of y_pred of dtype real through their function."""

    @helper
    def fetch(call, operand, start, count, buffer):
        """Where a block of an input can be read."""
        base = beyond(base_at(call, operand), start, int_at(call, ITEMSIZES + operand))
        move = int_at(call, MOVES + operand)
        if move == 0:
            return base
        invoke(move, base, 1, base_of(buffer), 1, count)
        return base_of(buffer)

    @helper
    def target(call, operand, start, wanted, buffer):
        """Where a block of an output can be written."""
        if wanted and int_at(call, MOVES + operand) == 0:
            return beyond(base_at(call, operand), start, int_at(call, ITEMSIZES + operand))
        return base_of(buffer)

    @helper
    def deliver(call, operand, start, count, buffer):
        """Bring a block of an output to its place."""
        move = int_at(call, MOVES + operand)
        if move != 0:
            base = beyond(base_at(call, operand), start, int_at(call, ITEMSIZES + operand))
            invoke(move, base_of(buffer), 1, base, 1, count)

    @helper
    def repeated(call, start, count, repeat, buffer):
        """Where the weights of a block can be read, each written as often as it is used."""
        move, itemsize = int_at(call, MOVES + W), int_at(call, ITEMSIZES + W)
        i = 0
        while i < count:
            k = (start + i) // repeat
            stop = min(count, (k + 1) * repeat - start)
            invoke(move, beyond(base_at(call, W), k, itemsize), 1, base_of(borrow(buffer, i, 1)), 1, 1)
            for j in range(i + 1, stop):
                buffer[j] = buffer[i]
            i = stop
        return base_of(buffer)

    def piece(call, first, last, report, row):
        """Blocks first..last of a call."""
        size, repeat, order, each = int_at(call, SIZE), int_at(call, REPEAT), int_at(call, ORDER), int_at(call, EACH)
        function, scale = int_at(call, FUNCTION), float_at(call, SCALE, real)
        y_block, p_block, w_block = scratch(1024, real), scratch(1024, real), scratch(1024, real)
        loss_block, grad_block, hess_block = scratch(1024, real), scratch(1024, real), scratch(1024, real)
        high, low = 0.0, 0.0
        where, y_bad, p_bad, w_bad = -1, 0.0, 0.0, 1.0
        for index in range(first, last):
            start = index * BLOCK
            count = min(BLOCK, size - start)
            y, p = fetch(call, Y, start, count, y_block), fetch(call, P, start, count, p_block)
            w = base_of(w_block)
            if repeat == 1:
                w = fetch(call, W, start, count, w_block)
            elif repeat != 0:
                w = repeated(call, start, count, repeat, w_block)
            loss = target(call, LOSSES, start, each != 0, loss_block)
            grad = target(call, GRAD, start, order >= 1, grad_block)
            hess = target(call, HESS, start, order >= 2, hess_block)
            found = invoke_block(function, call, y, p, w, loss, grad, hess, count)
            losses = elements(loss, count, real)
            if repeat != 0:
                weights = elements(w, count, real)
                negative = first_negative(weights)
                if negative >= 0 and (found < 0 or negative < found):
                    found = negative
                weigh(losses, weights, real(1))
                if order >= 1:
                    weigh(elements(grad, count, real), weights, scale)
                if order >= 2:
                    weigh(elements(hess, count, real), weights, scale)
            if found >= 0 and where < 0:
                where = start + found
                y_bad = np.float64(elements(y, count, real)[found])
                p_bad = np.float64(elements(p, count, real)[found])
                if repeat != 0:
                    w_bad = np.float64(elements(w, count, real)[found])
            # Only now: an output may lie where y_pred does.
            if each != 0:
                deliver(call, LOSSES, start, count, loss_block)
            if order >= 1:
                deliver(call, GRAD, start, count, grad_block)
            if order >= 2:
                deliver(call, HESS, start, count, hess_block)
            high, low = two_sum(high, low, np.float64(fold(losses, count)))
        note(report, row, high, low, where, y_bad, p_bad, w_bad)
        return 0

    return piece
