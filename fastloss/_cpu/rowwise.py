"""The loop over rows of classes, on any axis, with class indices or a target for every class."""

from typing import Any

import numpy as np

from .._jit import helper
from .._math import two_sum
from .blocks import note
from .invoke import invoke
from .memory import base_at, base_of, beyond, borrow, copy, elements, float_at, int_at, scratch
from .rows import rows
from .softmax import exponentials, fold_row, largest

SLOTS = "OOOOOOO" + "q" + "qqqqqq" + "qqqqqq" + "qqqqqqqqqq" + "dddddd"
"""y_true, y_pred, weights, losses, gradient, hessian, class weights; rows; for each of the first six arrays the
function that moves it (0: it is used where it lies); and its itemsize; classes, inner, index kind, repeat, each, has
ignore_index, ignore_index, has class weights, function and order (of a kernel of tiles); scale, smoothing and four
hyperparameters.
Element k of row (a, b) lies at (a * classes + k) * inner + b. A weight belongs to `repeat` consecutive rows (0: no
weights). The index kind is the size of a class index, negative if unsigned (0: dense targets)."""
Y, P, W, LOSSES, GRAD, HESS, CLASS_WEIGHTS, COUNT, MOVES, ITEMSIZES = 0, 1, 2, 3, 4, 5, 6, 7, 8, 14
CLASSES, INNER, KIND, REPEAT, EACH, HAS_IGNORE, IGNORE, CLASSED, FUNCTION, ORDER, SCALE = (
    20,
    21,
    22,
    23,
    24,
    25,
    26,
    27,
    28,
    29,
    30,
)

LABEL, PROBABILITY, WEIGHT = 0.0, 1.0, 2.0
"""What an offence is about."""


@helper
def class_at(labels: Any, row: int, kind: int) -> Any:
    """The class index of a row."""
    if kind == 8:
        return np.int64(elements(beyond(labels, row, 8), 1, np.int64)[0])
    if kind == 4:
        return np.int64(elements(beyond(labels, row, 4), 1, np.int32)[0])
    if kind == 2:
        return np.int64(elements(beyond(labels, row, 2), 1, np.int16)[0])
    if kind == 1:
        return np.int64(elements(beyond(labels, row, 1), 1, np.int8)[0])
    if kind == -4:
        return np.int64(elements(beyond(labels, row, 4), 1, np.uint32)[0])
    if kind == -2:
        return np.int64(elements(beyond(labels, row, 2), 1, np.uint16)[0])
    if kind == -1:
        return np.int64(elements(beyond(labels, row, 1), 1, np.uint8)[0])
    large = elements(beyond(labels, row, 8), 1, np.uint64)[0]
    return np.int64(-(2**63)) if large > np.uint64(2**63 - 1) else np.int64(large)  # no class, nor ignored


@helper
def take(call: Any, operand: int, start: int, inner: int, row: Any) -> None:
    """Read a row of classes from where it begins."""
    base, move = beyond(base_at(call, operand), start, int_at(call, ITEMSIZES + operand)), int_at(call, MOVES + operand)
    if move == 0:
        copy(elements(base, row.size, row.dtype), row)
    else:
        invoke(move, base, inner, base_of(row), 1, row.size)


@helper
def put(call: Any, operand: int, start: int, inner: int, row: Any) -> None:
    """Write a row of classes to where it begins."""
    base, move = beyond(base_at(call, operand), start, int_at(call, ITEMSIZES + operand)), int_at(call, MOVES + operand)
    if move == 0:
        copy(row, elements(base, row.size, row.dtype))
    else:
        invoke(move, base_of(row), 1, base, inner, row.size)


@helper
def weight_at(call: Any, row: int, one: Any) -> Any:
    """The weight of a row, by way of an array of one element."""
    repeat = int_at(call, REPEAT)
    if repeat == 0:
        one[0] = 1
    elif int_at(call, MOVES + W) == 0:
        one[0] = elements(beyond(base_at(call, W), row // repeat, one.itemsize), 1, one.dtype)[0]
    else:
        take(call, W, row // repeat, 1, one)
    return one[0]


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


def rowwise(focus: Any, derivative: Any, from_logits: bool, real: Any, indices: bool, spread: bool, classed: bool,
            order: int) -> Any:  # fmt: skip
    """The kernel of one categorical loss for y_pred of dtype real.

    indices: y_true holds class numbers. spread: more than one class may have a share of the target; then classed says
    whether there are class weights. order is the highest derivative wanted.
    """
    with_gradient, with_hessian = order >= 1, order >= 2
    one_class, every_class, probabilities = rows(focus, derivative, real, indices, spread, classed, order)

    def piece(call, first, last, report, slot):
        """Rows first..last of a call."""
        classes, inner, kind = int_at(call, CLASSES), int_at(call, INNER), int_at(call, KIND)
        each, has_ignore, ignore = int_at(call, EACH), int_at(call, HAS_IGNORE) != 0, int_at(call, IGNORE)
        factor, smooth = float_at(call, SCALE, np.float64), float_at(call, SCALE + 1, real)
        a, b, d = float_at(call, SCALE + 2, real), float_at(call, SCALE + 3, real), float_at(call, SCALE + 4, real)
        c = (a, b, d, float_at(call, SCALE + 5, real))
        keep, even = real(1) - smooth, smooth / real(classes)
        z_moves, y_moves = int_at(call, MOVES + P) != 0, int_at(call, MOVES + Y) != 0
        e_moves, h_moves = int_at(call, MOVES + GRAD) != 0, int_at(call, MOVES + HESS) != 0
        cw, by_class = elements(base_at(call, CLASS_WEIGHTS), classes, real), int_at(call, CLASSED) != 0
        space = np.empty(7 * classes, real)  # rows that cannot be read or written where they lie
        z_space, y_space = borrow(space, 0, classes), borrow(space, classes, classes)
        e_space, h_space = borrow(space, 2 * classes, classes), borrow(space, 3 * classes, classes)
        work = (
            borrow(space, 4 * classes, classes),
            borrow(space, 5 * classes, classes),
            borrow(space, 6 * classes, classes),
        )
        one = scratch(1, real)
        high, low = 0.0, 0.0
        where, what, value = -1, 0.0, 0.0
        for row in range(first, last):
            start = row // inner * classes * inner + row % inner
            weight = weight_at(call, row, one)
            if where < 0 and weight < real(0):
                where, what, value = row, WEIGHT, np.float64(weight)
            skip, true = weight == real(0), np.int64(0)
            if indices:
                true = class_at(base_at(call, Y), row, kind)
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
                if not from_logits:
                    wrong = improper(z)
                    if where < 0 and wrong >= 0:
                        where, what, value = row * classes + wrong, PROBABILITY, np.float64(z[wrong])
                    loss = probabilities(z, y, true, cw, keep, even, e, h, work, factor, w, c)
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
