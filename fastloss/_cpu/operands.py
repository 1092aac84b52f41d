"""What a call on rows of classes holds, and how its arrays are read and written row by row."""

from typing import Any

import numpy as np

from .._compile.invoke import invoke
from .._compile.jit import helper
from .._compile.memory import base_at, base_of, beyond, borrow, copy, elements, int_at

SLOTS = "OOOOOOO" + "q" + "qqqqqq" + "qqqqqq" + "qqqqqqqqqqqqq" + "dddddd"
"""y_true, y_pred, weights, losses, gradient, hessian, class weights; rows; for each of the first six arrays the
function that moves it (0: it is used where it lies); and its itemsize; classes, inner, indices, repeat, each, has
ignore_index, ignore_index, has class weights, whether dense targets may lie outside [0, 1]; of a kernel of tiles the
function across rows, that which finds one-hot rows, the kernel of the others, and the order; scale, smoothing and four
constants.
Element k of row (a, b) lies at (a * classes + k) * inner + b. A weight belongs to `repeat` consecutive rows (0: no
weights). Indices: y_true holds class indices, which are read as int64 (0: dense targets)."""
Y, P, W, LOSSES, GRAD, HESS, CLASS_WEIGHTS, COUNT, MOVES, ITEMSIZES = 0, 1, 2, 3, 4, 5, 6, 7, 8, 14
CLASSES, INNER, INDICES, REPEAT, EACH, HAS_IGNORE, IGNORE, CLASSED, SIGNED, FUNCTION, FIND, SOFT_ROWS, ORDER, SCALE = (
    range(20, 34)
)

LABEL, PROBABILITY, WEIGHT, TARGET = 0.0, 1.0, 2.0, 3.0
"""What an offence is about."""
IN_ROWS = (PROBABILITY, TARGET)
"""Offences whose place is an element; that of the others is a row."""


@helper
def outside_unit(values: Any) -> int:
    """The index of the first value below 0 or above 1, or -1; NaN is neither."""
    bad = False
    for k in range(values.size):
        bad |= (values[k] < 0) | (values[k] > 1)
    if bad:
        for k in range(values.size):
            if values[k] < 0 or values[k] > 1:
                return k
    return -1


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
def read_weights(call: Any, first: int, w: Any) -> None:
    """The weights of the rows from first on."""
    repeat = int_at(call, REPEAT)
    if repeat == 0:
        for i in range(w.size):
            w[i] = 1
    elif repeat == 1:
        take(call, W, first, 1, w)
    else:
        i = 0
        while i < w.size:
            k = (first + i) // repeat
            take(call, W, k, 1, borrow(w, i, 1))
            for j in range(i + 1, min(w.size, (k + 1) * repeat - first)):
                w[j] = w[i]
            i = min(w.size, (k + 1) * repeat - first)


@helper
def examine(call: Any, begin: int, true: Any, w: Any, by_class: bool) -> Any:
    """Look at the classes and read the weights of rows from begin on; what does not count gets weight 0, and class 0.

    by_class: the weight of a row is times that of its class.

    Returns whether there is such a row, and the first offence: its row or -1, what it is about, its value.
    """
    classes, has_ignore, ignore = int_at(call, CLASSES), int_at(call, HAS_IGNORE) != 0, int_at(call, IGNORE)
    read_weights(call, begin, w)
    where, what, value = -1, 0.0, 0.0
    odd = np.int64(0)
    for i in range(true.size):
        odd |= np.int64((true[i] < 0) | (true[i] >= classes) | (has_ignore & (true[i] == ignore)))
        odd |= np.int64(not w[i] > 0)
    if odd != 0:
        for i in range(true.size):
            if where < 0 and w[i] < 0:
                where, what, value = begin + i, WEIGHT, np.float64(w[i])
            if has_ignore and true[i] == ignore:
                w[i] = 0
            elif true[i] < 0 or true[i] >= classes:
                if where < 0 and w[i] != 0:
                    where, what = begin + i, LABEL
                w[i] = 0
            if w[i] == 0:
                true[i] = 0
    if by_class:
        cw = elements(base_at(call, CLASS_WEIGHTS), classes, w.dtype)
        for i in range(true.size):
            w[i] *= cw[true[i]]
            odd |= np.int64(w[i] == 0)
    return odd != 0, where, what, value
