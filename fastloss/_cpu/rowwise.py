"""The loop over rows of classes, on any axis, with class indices or a target for every class."""

from typing import Any

import numpy as np

from .._compile.jit import helper
from .._compile.memory import base_at, beyond, borrow, elements, float_at, int_at, scratch
from .._math.constants import named
from .._math.elementary import two_sum
from .blocks import note
from .operands import (
    CLASS_WEIGHTS,
    CLASSED,
    CLASSES,
    EACH,
    GRAD,
    HAS_IGNORE,
    HESS,
    IGNORE,
    INNER,
    LABEL,
    LOSSES,
    MOVES,
    PROBABILITY,
    SCALE,
    SIGNED,
    TARGET,
    WEIGHT,
    P,
    Y,
    clear,
    outside_unit,
    put,
    take,
    weight_at,  # fmt: skip
)
from .rows import rows
from .softmax import exponentials, fold_row, largest


@helper
def improper(p: Any) -> Any:
    """Whether not all of a row of probabilities lie in [0, 1], and the first that is outside, or -1: NaN is neither."""
    bad = False
    for k in range(p.size):
        bad |= not ((p[k] >= 0) & (p[k] <= 1))
    return bad, outside_unit(p) if bad else -1


@helper
def carry(p: Any, loss: Any, e: Any, h: Any) -> Any:
    """NaN in, NaN out: also for a class that is no part of the target. Returns the loss."""
    for k in range(p.size):
        if p[k] != p[k]:
            loss = e[k] = p[k]
            if h.size > 0:
                h[k] = p[k]
    return loss


def rowwise(maths: Any, from_logits: bool, real: Any, indices: bool, spread: bool, classed: bool, order: int) -> Any:
    """The kernel of one categorical loss for y_pred of dtype real.

    indices: y_true holds class numbers. spread: more than one class may have a share of the target; then classed says
    whether there are class weights. order is the highest derivative wanted.
    """
    with_gradient, with_hessian = order >= 1, order >= 2
    lines = 0 if not spread else (3 if from_logits else 1)
    constants = maths.constants
    one_class, every_class, probabilities = rows(maths.focus, maths.derivative, real, indices, spread, classed, order)

    def piece(call, first, last, report, slot):
        """Rows first..last of a call."""
        classes, inner = int_at(call, CLASSES), int_at(call, INNER)
        each, has_ignore, ignore = int_at(call, EACH), int_at(call, HAS_IGNORE) != 0, int_at(call, IGNORE)
        signed = int_at(call, SIGNED) != 0
        factor, smooth = float_at(call, SCALE, np.float64), float_at(call, SCALE + 1, real)
        a, b, d = float_at(call, SCALE + 2, real), float_at(call, SCALE + 3, real), float_at(call, SCALE + 4, real)
        c = named((a, b, d, float_at(call, SCALE + 5, real)), constants)
        keep, even = real(1) - smooth, smooth / real(classes)
        z_moves, y_moves = int_at(call, MOVES + P) != 0, int_at(call, MOVES + Y) != 0
        e_moves, h_moves = int_at(call, MOVES + GRAD) != 0, int_at(call, MOVES + HESS) != 0
        cw, by_class = elements(base_at(call, CLASS_WEIGHTS), classes, real), int_at(call, CLASSED) != 0
        # Room for the rows that cannot be read or written where they lie, and to work in where every class counts.
        z_room, y_room, h_room = int(z_moves) * classes, int(y_moves) * classes, int(h_moves) * classes
        e_room = int(e_moves or not with_gradient) * classes
        space = np.empty(z_room + y_room + e_room + h_room + lines * classes, real)
        z_space, y_space = borrow(space, 0, z_room), borrow(space, z_room, y_room)
        e_space, h_space = borrow(space, z_room + y_room, e_room), borrow(space, z_room + y_room + e_room, h_room)
        used = space.size - lines * classes
        work = (
            borrow(space, used, classes if lines > 0 else 0),
            borrow(space, used + classes, classes if lines > 1 else 0),
            borrow(space, used + 2 * classes, classes if lines > 2 else 0),
        )
        one, index = scratch(1, real), scratch(1, np.int64)
        high, low = 0.0, 0.0
        where, what, value = -1, 0.0, 0.0
        for row in range(first, last):
            start = row // inner * classes * inner + row % inner
            weight = weight_at(call, row, one)
            if where < 0 and weight < real(0):
                where, what, value = row, WEIGHT, np.float64(weight)
            skip, true = weight == real(0), np.int64(0)
            if indices:
                take(call, Y, row, 1, index)
                true = index[0]
                skip = skip or (has_ignore and true == ignore)
                if not skip and (true < 0 or true >= classes):
                    skip = True
                    if where < 0:
                        where, what = row, LABEL
            w = np.float64(weight)
            if not spread and by_class and not skip:
                w *= np.float64(cw[true])
                skip = w == 0.0
            z, e, h, y = z_space, e_space, h_space, y_space
            if z_moves:
                take(call, P, start, inner, z)
            else:
                z = elements(beyond(base_at(call, P), start, z.itemsize), classes, real)
            if with_gradient and not e_moves:
                e = elements(beyond(base_at(call, GRAD), start, e.itemsize), classes, real)
            if with_hessian and not h_moves:
                h = elements(beyond(base_at(call, HESS), start, h.itemsize), classes, real)
            loss = real(0)
            if skip:
                clear(e)
                clear(h)
            else:
                if not indices:
                    if y_moves:
                        take(call, Y, start, inner, y)
                    else:
                        y = elements(beyond(base_at(call, Y), start, y.itemsize), classes, real)
                    if not signed:
                        wrong = outside_unit(y)
                        if where < 0 and wrong >= 0:
                            where, what, value = row * classes + wrong, TARGET, np.float64(y[wrong])
                if not from_logits:
                    bad, wrong = improper(z)
                    if where < 0 and wrong >= 0:
                        where, what, value = row * classes + wrong, PROBABILITY, np.float64(z[wrong])
                    loss = probabilities(z, y, true, cw, keep, even, e, h, work, factor, w, c)
                    if bad:
                        loss = carry(z, loss, e, h)
                elif spread:
                    loss = every_class(z, y, true, cw, keep, even, e, h, work, factor, w, c)
                else:
                    loss = one_class(z, true, e, h, factor, w, c)
            # Only now: an output may lie where y_pred does.
            if with_gradient and e_moves:
                put(call, GRAD, start, inner, e)
            if with_hessian and h_moves:
                put(call, HESS, start, inner, h)
            if each != 0:
                one[0] = loss
                put(call, LOSSES, row, 1, one)
            high, low = two_sum(high, low, np.float64(loss))
        # The size keeps the workspace alive until here: borrowed views are not counted.
        note(report, slot, high, low, where, what, value, np.float64(space.size))
        return 0

    return piece


def softmaxes(real: Any) -> Any:
    """The kernel that writes the softmax of every row to the slot of the gradient."""

    def piece(call, first, last, report, slot):
        classes, inner = int_at(call, CLASSES), int_at(call, INNER)
        space = np.empty(2 * classes, real)
        z, e = borrow(space, 0, classes), borrow(space, classes, classes)
        for row in range(first, last):
            start = row // inner * classes * inner + row % inner
            take(call, P, start, inner, z)
            exponentials(z, largest(z), e)
            inverse = real(1.0 / fold_row(e))
            for k in range(classes):
                z[k] = e[k] * inverse
            put(call, GRAD, start, inner, z)
        note(report, slot, 0.0, 0.0, -1, 0.0, 0.0, np.float64(space.size))
        return 0

    return piece
