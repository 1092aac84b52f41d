"""The loop over rows of few classes where the classes are not on the last axis: neighbouring rows are columns.

The twin of `tiles`: a run of neighbouring columns is computed at once, all loops run along it, and the logits are read
where they lie. Sums are grouped as in tiles, so results have the same bits.
"""

from typing import Any

import numpy as np

from .._jit import helper
from .._math import two_sum
from .across import BASES, BENDS, CORRECTIONS, DISTANCES, FACTORS, OWN, REST, SLOPES, compute, line
from .blocks import fold, note
from .memory import base_at, beyond, borrow, copy, elements, float_at, int_at, scratch
from .operands import CLASSES, COUNT, EACH, GRAD, HESS, INNER, LOSSES, MOVES, ORDER, SCALE, P, examine, put, take
from .rows import hessian_row
from .segments import TILE, moderate, tame, unscaled
from .vectors import WIDTH

RUN = 16384
"""Elements of a run of more than 64 columns."""


@helper
def run_length(classes: int) -> int:
    """How many neighbouring columns are taken at once: exponentials stay near, and memory is read in long runs."""
    return min(TILE, max(64, RUN // classes))


@helper
def add_columns(e: Any, classes: int, many: int, lanes: Any, sums: Any) -> None:
    """The sums of the columns of e, in the order of `vectors.row_sums`."""
    for k in range(classes):
        source, target = borrow(e, k * many, many), borrow(lanes, k % WIDTH * many, many)
        if k < WIDTH:
            copy(source, target)
        else:
            for r in range(many):
                target[r] += source[r]
    left = min(classes, WIDTH)
    while left > 1:
        for k in range(left // 2):
            a, b = borrow(lanes, 2 * k * many, many), borrow(lanes, (2 * k + 1) * many, many)
            target = borrow(lanes, k * many, many)
            for r in range(many):
                target[r] = a[r] + b[r]
        if left % 2:
            copy(borrow(lanes, (left - 1) * many, many), borrow(lanes, left // 2 * many, many))
        left = (left + 1) // 2
    copy(borrow(lanes, 0, many), borrow(sums, 0, many))


@helper
def gather(values: Any, r: int, stride: int, row: Any) -> None:
    """Column r of values, as a row."""
    for k in range(row.size):
        row[k] = values[k * stride + r]


@helper
def scatter(row: Any, r: int, many: int, values: Any) -> None:
    """A row into column r of values."""
    for k in range(row.size):
        values[k * many + r] = row[k]


def columns(real: Any) -> Any:
    """The kernel that takes the columns of every loss of logits of dtype real, few classes and one true class each."""

    def piece(call, first, last, report, slot):
        """Tiles first..last of a call."""
        rows, classes, inner = int_at(call, COUNT), int_at(call, CLASSES), int_at(call, INNER)
        order, each, scale = int_at(call, ORDER), int_at(call, EACH), float_at(call, SCALE, real)
        z_moves = int_at(call, MOVES + P) != 0
        most = run_length(classes)
        room, h_room, z_room = most * classes, int(order >= 2) * most * classes, int(z_moves) * most * classes
        space = np.empty(room + h_room + z_room + WIDTH * most + 2 * classes, real)
        e, h, z_space = borrow(space, 0, room), borrow(space, room, h_room), borrow(space, room + h_room, z_room)
        used = room + h_room + z_room
        lanes = borrow(space, used, WIDTH * most)
        used += WIDTH * most
        row_a, row_b = borrow(space, used, classes), borrow(space, used + classes, classes)
        true_tile, w_tile, losses_tile = scratch(256, np.int64), scratch(256, real), scratch(256, real)
        table = scratch(2560, real)
        for i in range(table.size):
            table[i] = 1
        own, rest, bases, distances = line(table, OWN), line(table, REST), line(table, BASES), line(table, DISTANCES)
        factors, corrections = line(table, FACTORS), line(table, CORRECTIONS)
        slopes, bends = line(table, SLOPES), line(table, BENDS)
        high, low = 0.0, 0.0
        where, what, value = -1, 0.0, 0.0
        for tile in range(first, last):
            begin = tile * TILE
            count = min(TILE, rows - begin)
            true, w, losses = borrow(true_tile, 0, count), borrow(w_tile, 0, count), borrow(losses_tile, 0, count)
            odd, bad, about, found = examine(call, begin, true, w)
            if where < 0 and bad >= 0:
                where, what, value = bad, about, found
            i = 0
            while i < count:
                row = begin + i
                many = min(most, count - i, inner - row % inner)
                start = row // inner * classes * inner + row % inner
                z, stride = z_space, many
                if z_moves:
                    for k in range(classes):
                        take(call, P, start + k * inner, 1, borrow(z, k * many, many))
                else:
                    stride = inner
                    z = elements(beyond(base_at(call, P), start, z.itemsize), (classes - 1) * inner + many, real)
                here, all_moderate = borrow(true, i, many), True
                for k in range(classes):
                    all_moderate &= moderate(borrow(z, k * stride, many), borrow(e, k * many, many))
                if all_moderate:
                    for r in range(many):
                        distances[r] = 0
                else:
                    for k in range(classes):
                        unscaled(borrow(z, k * stride, many), borrow(e, k * many, many))
                    for r in range(many):
                        gather(z, r, stride, row_a)
                        if tame(row_a, row_b, r, here[r], bases, distances):
                            scatter(row_b, r, many, e)
                for r in range(many):
                    place = borrow(e, here[r] * many + r, 1)  # an index of 0 needs no check for being negative
                    own[r] = place[0]
                    place[0] = 0
                add_columns(e, classes, many, lanes, rest)
                compute(call, table, borrow(w, i, many), borrow(losses, i, many))
                if order >= 2:
                    for r in range(many):
                        gather(e, r, many, row_a)
                        hessian_row(row_a, here[r], own[r], rest[r], slopes[r], bends[r], w[i + r] * scale, row_b)
                        scatter(row_b, r, many, h)
                if order >= 1:
                    for k in range(classes):
                        values = borrow(e, k * many, many)
                        for r in range(many):
                            values[r] *= factors[r]
                    for r in range(many):
                        borrow(e, here[r] * many + r, 1)[0] = corrections[r]
                if odd:
                    for r in range(many):
                        if w[i + r] == 0:
                            losses[i + r] = 0
                            for k in range(classes):
                                e[k * many + r] = 0
                                if order >= 2:
                                    h[k * many + r] = 0
                for k in range(classes):
                    if order >= 1:
                        put(call, GRAD, start + k * inner, 1, borrow(e, k * many, many))
                    if order >= 2:
                        put(call, HESS, start + k * inner, 1, borrow(h, k * many, many))
                i += many
            if each != 0:
                put(call, LOSSES, begin, 1, losses)
            high, low = two_sum(high, low, np.float64(fold(losses, count)))
        # The size keeps the workspace alive until here: borrowed views are not counted.
        note(report, slot, high, low, where, what, value, np.float64(space.size))
        return 0

    return piece
