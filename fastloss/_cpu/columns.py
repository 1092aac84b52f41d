"""The loop over rows of few classes where the classes are not on the last axis: neighbouring rows are columns.

The twin of `tiles`. The logits of a span of neighbouring columns are exponentiated from where they lie; the columns are
then finished a tile at a time, all loops running along them. Sums are grouped as in tiles: results have the same bits.
"""

from typing import Any

import numpy as np

from .._compile.jit import helper
from .._compile.memory import base_at, beyond, borrow, copy, elements, float_at, int_at, prefetch, scratch
from .._compile.vectors import WIDTH, lanes_at, plus, put_lanes
from .._math.elementary import two_sum
from .across import compute, lines
from .blocks import fold, note
from .operands import (
    CLASSED,
    CLASSES,
    COUNT,
    EACH,
    GRAD,
    HESS,
    INNER,
    LOSSES,
    MOVES,
    ORDER,
    SCALE,
    P,
    Y,
    clear,
    examine,
    put,
    take,
)
from .rows import hessian_row
from .segments import TILE, moderate, tame, unscaled

SPAN = 1024
"""Columns of a span: a page of each class, which is how far memory is fetched ahead."""
STEP, LINE = 256, 16
"""Columns that are exponentiated at once, and elements of a cache line (or half of one)."""
SPAN_ELEMENTS = 65536
"""Elements of a span of more than a tile: what stays in the second-level cache."""


@helper
def span_of(classes: int) -> int:
    """How many neighbouring columns are exponentiated at once."""
    return max(TILE, min(SPAN, SPAN_ELEMENTS // classes))


@helper
def exponentiate(z: Any, start: int, ahead: int, e: Any) -> bool:
    """moderate(z from start on, e), a step at a time, while the memory from ahead on is fetched.

    The classes of a span lie a plane apart: the processor's own prefetching starts anew in each.
    """
    fine = True
    for c in range(0, e.size, STEP):
        many = min(STEP, e.size - c)
        for i in range(0, many, LINE):
            prefetch(z, ahead + c + i)
        fine &= moderate(borrow(z, start + c, many), borrow(e, c, many))
    return fine


@helper
def first_part(e: Any, true: Any, k: Any, lane: Any, own: Any) -> None:
    """Begin the sums of the other classes with class k, and set the exponentials of the true class aside."""
    nothing = k - k
    for r in range(e.size):
        value, before, mine = e[r], own[r], true[r] == k  # read first: a choice of reads would be a branch
        lane[r] = nothing if mine else value
        own[r] = value if mine else before


@helper
def next_part(e: Any, true: Any, k: Any, lane: Any, own: Any) -> None:
    """The same for a lane that has begun."""
    nothing = k - k
    for r in range(e.size):
        value, before, mine = e[r], own[r], true[r] == k
        lane[r] += nothing if mine else value
        own[r] = value if mine else before


@helper
def add(lanes: Any, k: int, other: int, many: int) -> None:
    """Add one line of lanes to another: in vectors, since nothing tells the compiler that the lines are two."""
    for i in range(0, many, WIDTH):
        put_lanes(lanes, k * TILE + i, plus(lanes_at(lanes, k * TILE + i), lanes_at(lanes, other * TILE + i)))


@helper
def sum_others(e: Any, classes: int, stride: int, true: Any, own: Any, rest: Any) -> None:
    """The exponential of the true class of each column, and the sum of the others in the order of `row_sums`."""
    lanes = scratch(4096, e.dtype)  # WIDTH lines of TILE columns
    many, used = true.size, min(classes, WIDTH)
    for k in range(used):
        first_part(borrow(e, k * stride, many), true, e.dtype.type(k), borrow(lanes, k * TILE, many), own)
    for k in range(WIDTH, classes):
        lane = borrow(lanes, k % WIDTH * TILE, many)
        next_part(borrow(e, k * stride, many), true, e.dtype.type(k), lane, own)
    step = 1
    while step < used:
        for k in range(0, used - step, 2 * step):
            add(lanes, k, k + step, many)
        step *= 2
    copy(borrow(lanes, 0, many), rest)


@helper
def derive(e: Any, powers: Any, factors: Any, corrections: Any, true: Any, k: Any, g: Any) -> None:
    """The gradient by the logits of class k."""
    for r in range(e.size):
        value, correction = e[r] * powers[r] * factors[r], corrections[r]
        g[r] = correction if true[r] == k else value


@helper
def gather(values: Any, stride: int, row: Any) -> None:
    """The first column of values, as a row."""
    for k in range(row.size):
        row[k] = values[k * stride]


@helper
def scatter(row: Any, stride: int, values: Any) -> None:
    """A row into the first column of values."""
    for k in range(row.size):
        values[k * stride] = row[k]


def columns(real: Any) -> Any:
    """The kernel that takes the columns of every loss of logits of dtype real, few classes and one true class each."""

    def piece(call, first, last, report, slot):
        """Tiles first..last of a call."""
        rows, classes, inner = int_at(call, COUNT), int_at(call, CLASSES), int_at(call, INNER)
        order, each, scale = int_at(call, ORDER), int_at(call, EACH), float_at(call, SCALE, real)
        z_moves, direct = int_at(call, MOVES + P) != 0, int_at(call, MOVES + GRAD) == 0
        most = span_of(classes)
        room, h_room, z_room = most * classes, int(order >= 2) * TILE * classes, int(z_moves) * most * classes
        space = np.empty(room + h_room + z_room + 2 * classes, real)
        e_space, h, z_space = borrow(space, 0, room), borrow(space, room, h_room), borrow(space, room + h_room, z_room)
        used = room + h_room + z_room
        row_a, row_b = borrow(space, used, classes), borrow(space, used + classes, classes)
        true_tile, w_tile, losses_tile = scratch(256, np.int64), scratch(256, real), scratch(256, real)
        table, numbers, spare = scratch(2816, real), scratch(256, real), scratch(256, real)
        own, rest, bases, distances, factors, corrections, slopes, bends, powers = lines(table)
        high, low = 0.0, 0.0
        where, what, value, odd = -1, 0.0, 0.0, False
        row, stop = first * TILE, min(rows, last * TILE)
        while row < stop:
            span = min(most, stop - row, inner - row % inner)
            start = row // inner * classes * inner + row % inner
            z_all, stride = z_space, span
            if z_moves:
                for k in range(classes):
                    take(call, P, start + k * inner, 1, borrow(z_all, k * span, span))
            else:
                stride = inner
                z_all = elements(beyond(base_at(call, P), start, space.itemsize), (classes - 1) * inner + span, real)
            tamed = False
            for k in range(classes):
                ahead = (k + 2) * stride if k + 2 < classes else (k + 2 - classes) * stride + span
                tamed |= not exponentiate(z_all, k * stride, ahead, borrow(e_space, k * span, span))
            if tamed:
                for k in range(classes):
                    unscaled(borrow(z_all, k * stride, span), borrow(e_space, k * span, span))
            done = 0
            while done < span:
                begin = (row + done) // TILE * TILE
                i, count = row + done - begin, min(TILE, rows - begin)
                true, w, losses = borrow(true_tile, 0, count), borrow(w_tile, 0, count), borrow(losses_tile, 0, count)
                if i == 0:
                    take(call, Y, begin, 1, true)
                    odd, bad, about, found = examine(call, begin, true, w, int_at(call, CLASSED) != 0)
                    if where < 0 and bad >= 0:
                        where, what, value = bad, about, found
                many = min(span - done, count - i)
                here, number = borrow(true, i, many), borrow(numbers, 0, many)
                z = borrow(z_all, done, (classes - 1) * stride + many)
                e = borrow(e_space, done, (classes - 1) * span + many)
                for r in range(many):
                    number[r] = here[r]  # as wide as the values: no repacking in the vector loops
                    distances[r] = 0
                if tamed:
                    for r in range(many):
                        gather(borrow(z, r, z.size - r), stride, row_a)
                        if tame(row_a, row_b, r, here[r], bases, distances):
                            scatter(row_b, span, borrow(e, r, e.size - r))
                sum_others(e, classes, span, number, borrow(own, 0, many), borrow(rest, 0, many))
                compute(call, table, borrow(w, i, many), borrow(losses, i, many))
                if odd:
                    for r in range(many):
                        if w[i + r] == 0:
                            losses[i + r] = factors[r] = corrections[r] = 0
                            for k in range(classes):
                                e[k * span + r] = 0
                if order >= 2:
                    for r in range(many):
                        gather(borrow(e, r, e.size - r), span, row_a)
                        row_a[here[r]] = 0
                        hessian_row(row_a, here[r], own[r], rest[r], slopes[r], bends[r], w[i + r] * scale, row_b)
                        if w[i + r] == 0:
                            clear(row_b)
                        scatter(row_b, many, borrow(h, r, h.size - r))
                if order >= 1:
                    x, f, c = borrow(powers, 0, many), borrow(factors, 0, many), borrow(corrections, 0, many)
                    g, pace = spare, 0
                    if direct:
                        pace = inner
                        g = elements(beyond(base_at(call, GRAD), start + done, e.itemsize), z_all.size, real)
                    for k in range(classes):
                        row_g = borrow(g, k * pace, many)
                        derive(borrow(e, k * span, many), x, f, c, number, real(k), row_g)
                        if not direct:
                            put(call, GRAD, start + done + k * inner, 1, row_g)
                if order >= 2:
                    for k in range(classes):
                        put(call, HESS, start + done + k * inner, 1, borrow(h, k * many, many))
                if i + many == count:
                    if each != 0:
                        put(call, LOSSES, begin, 1, losses)
                    high, low = two_sum(high, low, np.float64(fold(losses, count)))
                done += many
            row += span
        # The size keeps the workspace alive until here: borrowed views are not counted.
        note(report, slot, high, low, where, what, value, np.float64(space.size))
        return 0

    return piece
