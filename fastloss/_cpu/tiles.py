"""The loop over rows of few classes, many rows at a time, so that vectors are full however short a row is.

A tile is 256 consecutive rows; a segment is as many of them as fit the first-level cache. The exponentials of a segment
are taken as one flat run, unscaled where every logit is moderate; rows that are not are scaled by their maximum, and
only they. The exponential of the true class is set aside before a row is summed, so the sum of the others is never a
difference. What is left for each row is vector code across rows.
"""

from typing import Any

import numpy as np

from .._compile.invoke import invoke
from .._compile.memory import base_at, base_of, beyond, borrow, elements, float_at, int_at, scratch
from .._compile.vectors import WIDTH, row_sums, scale_rows
from .._math.elementary import two_sum
from .across import compute, lines
from .blocks import fold, note
from .onehot import soft_rows
from .operands import (
    CLASSED,
    CLASSES,
    COUNT,
    EACH,
    FIND,
    GRAD,
    INDICES,
    INNER,
    LOSSES,
    MOVES,
    ORDER,
    SCALE,
    TARGET,
    P,
    Y,
    clear,
    examine,
    put,
    take,  # fmt: skip
)
from .rows import hessian_row
from .segments import TILE, moderate, segment, tame, unscaled

FEW = 256
"""Up to how many classes rows are taken this way."""


def tiles(real: Any) -> Any:
    """The kernel that takes the rows of every loss of logits of dtype real, few classes and one true class a row."""

    def piece(call, first, last, report, slot):
        """Tiles first..last of a call."""
        rows, classes, inner = int_at(call, COUNT), int_at(call, CLASSES), int_at(call, INNER)
        order, each, scale = int_at(call, ORDER), int_at(call, EACH), float_at(call, SCALE, real)
        z_moves = int_at(call, MOVES + P) != 0
        most = segment(classes)
        room = most * classes + WIDTH
        indices = int_at(call, INDICES) != 0
        space = np.empty(4 * room, real)
        e, g = borrow(space, 0, room), borrow(space, room, room)
        h, z_space = borrow(space, 2 * room, room), borrow(space, 3 * room, room)
        true_tile, w_tile, losses_tile = scratch(256, np.int64), scratch(256, real), scratch(256, real)
        soft_tile, table = scratch(256, np.int64), scratch(2816, real)
        own, rest, bases, distances, factors, corrections, slopes, bends, powers = lines(table)
        high, low = 0.0, 0.0
        where, what, value = -1, 0.0, 0.0
        for tile in range(first, last):
            begin = tile * TILE
            count = min(TILE, rows - begin)
            true, w, losses = borrow(true_tile, 0, count), borrow(w_tile, 0, count), borrow(losses_tile, 0, count)
            soft, many_soft = borrow(soft_tile, 0, count), 0
            if indices:
                take(call, Y, begin, 1, true)
            else:
                many_soft = invoke(int_at(call, FIND), call, begin, count, base_of(true), base_of(soft))
            odd, bad, about, found = examine(call, begin, true, w, int_at(call, CLASSED) != 0)
            if many_soft > 0:
                # First: where an output lies where y_pred does, what is read of these rows afterwards does not count.
                soft_high, soft_low, at, k, soft_about, soft_found = soft_rows(call, begin, soft, report, slot)
                high, low = two_sum(high, low + soft_low, soft_high)
                if at >= 0 and soft_about == TARGET and (bad < 0 or at < bad):
                    bad, about, found = at * classes + k, soft_about, soft_found
                odd = True
                for i in range(count):
                    w[i] = 0 if soft[i] != 0 else w[i]
            if where < 0 and bad >= 0:
                where, what, value = bad, about, found
            for i in range(0, 0 if many_soft == count else count, most):
                many = min(most, count - i)
                row, size = begin + i, many * classes
                start = row // inner * classes * inner + row % inner
                z = borrow(z_space, 0, size)
                if inner > 1:
                    for r in range(many):
                        begin_row = (row + r) // inner * classes * inner + (row + r) % inner
                        take(call, P, begin_row, inner, borrow(z, r * classes, classes))
                elif z_moves:
                    take(call, P, start, 1, z)
                else:
                    z = elements(beyond(base_at(call, P), start, z.itemsize), size, real)
                here = borrow(true, i, many)
                if moderate(z, borrow(e, 0, size)):
                    for r in range(many):
                        distances[r] = 0
                else:
                    unscaled(z, borrow(e, 0, size))
                    for r in range(many):
                        z_row, e_row = borrow(z, r * classes, classes), borrow(e, r * classes, classes)
                        tame(z_row, e_row, r, here[r], bases, distances)
                for r in range(many):
                    place = borrow(e, r * classes + here[r], 1)  # an index of 0 needs no check for being negative
                    own[r] = place[0]
                    place[0] = 0
                row_sums(e, classes, many, rest)
                compute(call, table, borrow(w, i, many), borrow(losses, i, many))
                if order >= 1:
                    scale_rows(e, classes, many, powers, factors, g)
                    for r in range(many):
                        borrow(g, r * classes + here[r], 1)[0] = corrections[r]
                if order >= 2:
                    for r in range(many):
                        e_row, h_row = borrow(e, r * classes, classes), borrow(h, r * classes, classes)
                        hessian_row(e_row, here[r], own[r], rest[r], slopes[r], bends[r], w[i + r] * scale, h_row)
                if odd:
                    for r in range(many):
                        if w[i + r] == 0:
                            losses[i + r] = 0
                            if order >= 1:
                                clear(borrow(g, r * classes, classes))
                            if order >= 2:
                                clear(borrow(h, r * classes, classes))
                for operand in range(GRAD, GRAD + order):
                    values = borrow(g if operand == GRAD else h, 0, size)
                    if inner > 1 or many_soft > 0:
                        for r in range(many):
                            begin_row = (row + r) // inner * classes * inner + (row + r) % inner
                            if many_soft == 0 or soft[i + r] == 0:
                                put(call, operand, begin_row, inner, borrow(values, r * classes, classes))
                    else:
                        put(call, operand, start, 1, values)
            if many_soft == count:
                continue
            if each != 0:
                if many_soft > 0:
                    for i in range(count):
                        if soft[i] == 0:
                            put(call, LOSSES, begin + i, 1, borrow(losses, i, 1))
                else:
                    put(call, LOSSES, begin, 1, losses)
            high, low = two_sum(high, low, np.float64(fold(losses, count)))
        # The size keeps the workspace alive until here: borrowed views are not counted.
        note(report, slot, high, low, where, what, value, np.float64(space.size))
        return 0

    return piece
