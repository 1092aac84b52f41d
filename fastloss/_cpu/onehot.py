"""Dense targets as classes: rows that are one-hot are found many at a time, for the loops that want one class a row."""

from typing import Any

import numpy as np

from .._compile.invoke import invoke
from .._compile.jit import helper
from .._compile.memory import base_at, beyond, borrow, copy, elements, int_at, scratch
from .._compile.vectors import WIDTH, row_sums
from .._math.elementary import two_sum
from .blocks import FIELDS
from .operands import CLASSES, INNER, MOVES, SOFT_ROWS, TARGET, Y, take
from .segments import segment

HARD, SOFT = 4096.0, 1048576.0
"""What a 1 adds to the code of its row, beside its class (less than 256), and what any other number but 0 does."""


@helper
def numbered(classes: int, names: Any) -> None:
    """The code of a 1 at each place of a segment of rows."""
    for k in range(classes):
        names[k] = HARD + k
    done = classes
    while done < names.size:
        many = min(done, names.size - done)
        copy(borrow(names, 0, many), borrow(names, done, many))
        done += many


@helper
def encode(y: Any, names: Any, codes: Any) -> None:
    """The code of every target."""
    T = y.dtype.type
    for i in range(y.size):
        value, name = y[i], names[i]  # read first: a choice of reads would be a branch
        other = T(0) if value == T(0) else T(SOFT)
        codes[i] = name if value == T(1) else other


def find_classes(real: Any) -> Any:
    """The function that finds the classes of rows of targets in a call on y_pred of dtype real."""

    def function(call, begin, count, true_base, soft_base):
        """Write the class of each row from begin on and 0 to soft; 0 and 1 where it is not one-hot. Counts those."""
        true, soft, sums = (
            elements(true_base, count, np.int64),
            elements(soft_base, count, np.int64),
            scratch(256, real),
        )
        classes, inner = int_at(call, CLASSES), int_at(call, INNER)
        y_moves, most, many_soft = int_at(call, MOVES + Y) != 0, segment(classes), 0
        room = most * classes + WIDTH
        space = np.empty(3 * room, real)
        names, codes, y_space = borrow(space, 0, room), borrow(space, room, room), borrow(space, 2 * room, room)
        numbered(classes, names)
        for i in range(0, count, most):
            many = min(most, count - i)
            row, size = begin + i, many * classes
            start = row // inner * classes * inner + row % inner
            y = borrow(y_space, 0, size)
            if inner > 1:
                for r in range(many):
                    first = (row + r) // inner * classes * inner + (row + r) % inner
                    take(call, Y, first, inner, borrow(y, r * classes, classes))
            elif y_moves:
                take(call, Y, start, 1, y)
            else:
                y = elements(beyond(base_at(call, Y), start, space.itemsize), size, real)
            encode(y, names, codes)
            row_sums(codes, classes, many, sums)
            for r in range(many):
                hard = HARD <= sums[r] < 2 * HARD
                true[i + r] = np.int64(sums[r] - HARD) if hard else 0
                soft[i + r] = 0 if hard else 1
                many_soft += soft[i + r]
        return many_soft + 0 * space.size  # the size keeps the workspace alive until here

    return function


@helper
def soft_rows(call: Any, begin: int, soft: Any, report: Any, slot: int) -> Any:
    """Compute the rows that are not one-hot, row by row; the sum of their losses, in two parts, and the first offence.

    The offence is the row or -1, its place in the row, what it is about and its value.
    """
    line = borrow(elements(base_at(report, 0), (slot + 1) * FIELDS, np.float64), slot * FIELDS, FIELDS)
    high, low, i = 0.0, 0.0, 0
    row, k = np.int64(-1), np.int64(0)
    what, value = 0.0, 0.0
    classes = int_at(call, CLASSES)
    while i < soft.size:
        stop = i
        while stop < soft.size and soft[stop] != 0:
            stop += 1
        if stop > i:
            invoke(int_at(call, SOFT_ROWS), call, begin + i, begin + stop, report, slot)
            high, low = two_sum(high, low + line[1], line[0])
            if row < 0 and line[2] >= 0:
                where, what, value = np.int64(line[2]), line[3], line[4]
                row = where
                if what == TARGET:
                    row, k = where // classes, where % classes
        i = stop + 1
    return high, low, row, k, what, value
