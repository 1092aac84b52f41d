"""The loop over rows of classes, on any axis, with class indices or a target for every class."""

from typing import Any

import numpy as np

from .._jit import helper
from .blocks import note, two_sum
from .memory import array_at, borrow, copy, float_at, int_at
from .rows import rows
from .softmax import exponentials, fold_row, largest

SLOTS = "OOOOOOO" + "qqqqqqqq" + "dddddd"
"""y_true, y_pred, weights, losses, gradient, hessian, class weights; rows, classes, inner, repeat, in_place, each,
has ignore_index, ignore_index; scale, smoothing and four hyperparameters. Element k of row (a, b) lies at
(a * classes + k) * inner + b; a weight belongs to `repeat` consecutive rows."""

LABEL, PROBABILITY, WEIGHT = 0.0, 1.0, 2.0
"""What an offence is about."""


@helper
def take(source: Any, start: int, stride: int, target: Any) -> None:
    """target[:] = source[start::stride]."""
    for k in range(target.size):
        target[k] = source[start + k * stride]


@helper
def put(source: Any, target: Any, start: int, stride: int) -> None:
    """target[start::stride] = source."""
    for k in range(source.size):
        target[start + k * stride] = source[k]


@helper
def clear(row: Any) -> None:
    """row[:] = 0."""
    for k in range(row.size):
        row[k] = 0


@helper
def improper(p: Any) -> int:
    """The first of a row of probabilities that lies outside [0, 1], or -1."""
    bad = False
    for k in range(p.size):
        bad |= (p[k] < 0) | (p[k] > 1)
    if bad:
        for k in range(p.size):
            if p[k] < 0 or p[k] > 1:
                return k
    return -1


def rowwise(focus: Any, derivative: Any, from_logits: bool, real: Any, label: Any, indices: bool, spread: bool,
            weighted: bool, classed: bool, order: int) -> Any:  # fmt: skip
    """The kernel of one categorical loss for y_pred of dtype real and y_true of dtype label.

    indices: y_true holds class numbers. spread: more than one class may have a share of the target. classed: there are
    class weights. order is the highest derivative wanted.
    """
    with_gradient, with_hessian = order >= 1, order >= 2
    one_class, every_class, probabilities = rows(focus, derivative, real, indices, spread, classed, order)

    def piece(call, first, last, report, slot):
        """Rows first..last of a call."""
        count, classes, inner, repeat = int_at(call, 7), int_at(call, 8), int_at(call, 9), int_at(call, 10)
        in_place, each = int_at(call, 11) != 0, int_at(call, 12) != 0
        has_ignore, ignore = int_at(call, 13) != 0, int_at(call, 14)
        size = count * classes
        factor, smooth = float_at(call, 15, np.float64), float_at(call, 16, real)
        a, b, d = float_at(call, 17, real), float_at(call, 18, real), float_at(call, 19, real)
        c = (a, b, d, float_at(call, 20, real))
        keep, even = real(1) - smooth, smooth / real(classes)
        direct = inner == 1 and not in_place
        space = np.empty(6 * classes, real)  # rows that cannot be read or written where they lie
        z_space, e_space = borrow(space, 0, classes), borrow(space, classes, classes)
        h_space = borrow(space, 2 * classes, classes)
        work = (
            borrow(space, 3 * classes, classes),
            borrow(space, 4 * classes, classes),
            borrow(space, 5 * classes, classes),
        )
        y_owner = np.empty(classes if inner > 1 and not indices else 1, label)
        logits = array_at(call, 1, size, real)
        cw = array_at(call, 6, classes, real) if classed else z_space
        high, low = 0.0, 0.0
        where, kind, value = -1, 0.0, 0.0
        for row in range(first, last):
            start = row // inner * classes * inner + row % inner
            weight = real(1)
            if weighted:
                weight = array_at(call, 2, count, real)[row // repeat]
                if where < 0 and weight < real(0):
                    where, kind, value = row, WEIGHT, np.float64(weight)
            skip, true = weight == real(0), 0
            if indices:
                true = int(array_at(call, 0, count, label)[row])
                skip = skip or (has_ignore and true == ignore)
                if not skip and (true < 0 or true >= classes):
                    skip = True
                    if where < 0:
                        where, kind, value = row, LABEL, np.float64(true)
            z, e, h = z_space, e_space, h_space
            if inner == 1:
                z = borrow(logits, start, classes)
            else:
                take(logits, start, inner, z)
            if with_gradient and direct:
                e = borrow(array_at(call, 4, size, real), start, classes)
            if with_hessian and direct:
                h = borrow(array_at(call, 5, size, real), start, classes)
            loss = real(0)
            if skip:
                clear(e)
                clear(h)
            else:
                y = borrow(y_owner, 0, y_owner.size)
                if not indices:
                    if inner == 1:
                        y = borrow(array_at(call, 0, size, label), start, classes)
                    else:
                        take(array_at(call, 0, size, label), start, inner, y)
                w = np.float64(weight)
                if not from_logits:
                    wrong = improper(z)
                    if where < 0 and wrong >= 0:
                        where, kind, value = row * classes + wrong, PROBABILITY, np.float64(z[wrong])
                    loss = probabilities(z, y, true, cw, keep, even, e, h, work, factor, w, c)
                elif spread:
                    loss = every_class(z, y, true, cw, keep, even, e, h, work, factor, w, c)
                else:
                    if classed:
                        w *= np.float64(cw[true])
                    loss = one_class(z, true, e, h, factor, w, c)
            if with_gradient and not direct:
                put(e, array_at(call, 4, size, real), start, inner)
            if with_hessian and not direct:
                put(h, array_at(call, 5, size, real), start, inner)
            if each:
                array_at(call, 3, count, real)[row] = loss
            high, low = two_sum(high, low, np.float64(loss))
        # The size keeps the workspaces alive until here: borrowed views are not counted.
        note(report, slot, high, low, where, kind, value, np.float64(space.size + y_owner.size))
        return 0

    return piece


def softmaxes(real: Any) -> Any:
    """The kernel that writes the softmax of every row to the slot of the gradient."""

    def piece(call, first, last, report, slot):
        count, classes, inner = int_at(call, 7), int_at(call, 8), int_at(call, 9)
        logits, out = array_at(call, 1, count * classes, real), array_at(call, 4, count * classes, real)
        space = np.empty(2 * classes, real)
        z, e = borrow(space, 0, classes), borrow(space, classes, classes)
        for row in range(first, last):
            start = row // inner * classes * inner + row % inner
            take(logits, start, inner, z)
            exponentials(z, largest(z), e)
            inverse = real(1.0 / fold_row(e))
            for k in range(classes):
                z[k] = e[k] * inverse
            if inner == 1:
                copy(z, borrow(out, start, classes))
            else:
                put(z, out, start, inner)
        note(report, slot, 0.0, 0.0, -1, 0.0, 0.0, np.float64(space.size))
        return 0

    return piece
