"""The loop over rows of few classes, many rows at a time, so that vectors are full however short a row is.

A tile is 256 consecutive rows; a segment is as many of them as fit the first-level cache. The exponentials of a segment
are taken as one flat run, unscaled where every logit is moderate; rows that are not are scaled by their maximum, and
only they. The exponential of the true class is set aside before a row is summed, so the sum of the others is never a
difference. What is left for each row is vector code across rows.

Where the classes are not on the last axis, a segment is a run of neighbouring columns, and all loops run along it.
"""

from typing import Any

import numpy as np

from .._jit import helper
from .._math import log1p, two_sum
from .._primitives import magnitude, pick
from .._softmax import moderate_exp, scaled_exp, scaling
from .blocks import fold, note
from .invoke import invoke
from .memory import base_at, base_of, beyond, borrow, copy, elements, float_at, int_at, scratch
from .rows import hessian_row
from .rowwise import (
    CLASS_WEIGHTS,
    CLASSED,
    CLASSES,
    COUNT,
    EACH,
    FUNCTION,
    GRAD,
    HAS_IGNORE,
    IGNORE,
    INNER,
    KIND,
    LABEL,
    LOSSES,
    MOVES,
    ORDER,
    REPEAT,
    SCALE,
    WEIGHT,
    P,
    W,
    Y,
    class_at,
    clear,
    put,
    take,
)
from .softmax import exponentials, largest
from .vectors import WIDTH, row_sums, scale_rows

TILE = 256
"""Rows whose losses are added together."""
SEGMENT = 3072
"""Elements that are exponentiated at once, if 16 rows have no more."""
FEW = 256
"""Up to how many classes rows are taken this way."""
MODERATE = 30.0
"""Logits up to this size need no scaling: exp(60) times any number of rows is far from overflow and underflow."""


@helper
def segment(classes: int) -> int:
    """How many rows make a segment."""
    rows = max(1, SEGMENT // classes)
    return min(TILE, rows)


@helper
def read_classes(labels: Any, first: int, kind: int, true: Any) -> None:
    """The class indices of the rows from first on."""
    if kind == 8:
        copy(elements(beyond(labels, first, 8), true.size, np.int64), true)
    elif kind == 4:
        source = elements(beyond(labels, first, 4), true.size, np.int32)
        for i in range(true.size):
            true[i] = source[i]
    else:
        for i in range(true.size):
            true[i] = class_at(labels, first + i, kind)


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
def moderate(z: Any, e: Any) -> bool:
    """Write the exponentials of moderate logits to e, unscaled; whether all were, else e means nothing."""
    limit = magnitude(pick(z[0], MODERATE, MODERATE))
    most = limit
    for i in range(z.size):
        e[i] = moderate_exp(z[i])
        size = magnitude(z[i])
        most = size if size > most else most
    return most == limit


@helper
def unscaled(z: Any, e: Any) -> None:
    """The same for logits of any size: right in all rows that `is_moderate`."""
    shift, magic, floor = scaling(pick(z[0], 0.0, 0.0))
    for i in range(z.size):
        e[i] = scaled_exp(z[i], shift, magic, floor)


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
            a, b, target = (
                borrow(lanes, 2 * k * many, many),
                borrow(lanes, (2 * k + 1) * many, many),
                borrow(lanes, k * many, many),
            )
            for r in range(many):
                target[r] = a[r] + b[r]
        if left % 2:
            copy(borrow(lanes, (left - 1) * many, many), borrow(lanes, left // 2 * many, many))
        left = (left + 1) // 2
    copy(borrow(lanes, 0, many), borrow(sums, 0, many))


@helper
def gather(values: Any, r: int, many: int, row: Any) -> None:
    """Column r of values, as a row."""
    for k in range(row.size):
        row[k] = values[k * many + r]


@helper
def scatter(row: Any, r: int, many: int, values: Any) -> None:
    """A row into column r of values."""
    for k in range(row.size):
        values[k * many + r] = row[k]


@helper
def is_moderate(z: Any, top: Any) -> bool:
    """Whether a row can do without scaling: no class that matters is lost."""
    size = pick(top, MODERATE, MODERATE)
    low = False
    for k in range(z.size):
        low |= not z[k] >= -size
    return top <= size and (top >= 0 or not low)


@helper
def tame(
    z: Any, e: Any, many: int, columns: bool, true: Any, bases: Any, distances: Any, z_row: Any, e_row: Any
) -> None:
    """Take again the exponentials of the rows that are not moderate, scaled by their maximum.

    Where the maximum is not of the true class: distances is how far it is above, bases its exponential, else 0.
    """
    classes = z_row.size
    for r in range(many):
        distances[r] = 0
        if columns:
            gather(z, r, many, z_row)
        else:
            copy(borrow(z, r * classes, classes), z_row)
        top = largest(z_row)
        if is_moderate(z_row, top):
            continue
        base = exponentials(z_row, top, e_row)
        if columns:
            scatter(e_row, r, many, e)
        else:
            copy(e_row, borrow(e, r * classes, classes))
        if z_row[true[r]] != top:
            distances[r], bases[r] = top - z_row[true[r]], base


OWN, REST, BASES, DISTANCES, WEIGHTS, LOSS, FACTORS, CORRECTIONS, SLOPES, BENDS = range(10)
"""The lines of the table between the loop and the maths of a loss: TILE numbers each, one for each row."""


def row_maths(focus: Any, real: Any, order: int) -> Any:
    """The function of one loss across rows: from the sums of their exponentials to losses and factors of gradients."""
    with_gradient, with_hessian = order >= 1, order >= 2

    def function(call, table, count, unused, none):
        scale = float_at(call, SCALE, real)
        a, b, d = float_at(call, SCALE + 2, real), float_at(call, SCALE + 3, real), float_at(call, SCALE + 4, real)
        c = (a, b, d, float_at(call, SCALE + 5, real))
        values = elements(table, 10 * TILE, real)
        own, rest = borrow(values, OWN * TILE, count), borrow(values, REST * TILE, count)
        bases, distances = borrow(values, BASES * TILE, count), borrow(values, DISTANCES * TILE, count)
        w, losses = borrow(values, WEIGHTS * TILE, count), borrow(values, LOSS * TILE, count)
        factors, corrections = borrow(values, FACTORS * TILE, count), borrow(values, CORRECTIONS * TILE, count)
        slopes, bends = borrow(values, SLOPES * TILE, count), borrow(values, BENDS * TILE, count)
        for r in range(count):
            total = rest[r] + own[r]
            near = distances[r] == real(0)
            nll = distances[r] + log1p(
                (rest[r] if near else total - bases[r]) / (own[r] if near else bases[r]), real(0)
            )
            q = rest[r] / total
            loss, slope, bend = focus(own[r] / total, q, nll, c)
            losses[r] = loss * w[r]
            if with_gradient:
                scaled = slope * (w[r] * scale)
                factors[r] = scaled / total
                corrections[r] = -scaled * q
            if with_hessian:
                slopes[r], bends[r] = slope, bend
        return 0

    return function


def tiles(real: Any) -> Any:
    """The kernel that takes the rows of every loss of logits of dtype real, few classes and one true class a row."""

    def piece(call, first, last, report, slot):
        """Tiles first..last of a call."""
        rows, classes, inner, kind = int_at(call, COUNT), int_at(call, CLASSES), int_at(call, INNER), int_at(call, KIND)
        each, has_ignore, ignore = int_at(call, EACH), int_at(call, HAS_IGNORE) != 0, int_at(call, IGNORE)
        scale, maths, order = float_at(call, SCALE, real), int_at(call, FUNCTION), int_at(call, ORDER)
        cw, by_class = elements(base_at(call, CLASS_WEIGHTS), classes, real), int_at(call, CLASSED) != 0
        z_moves, columns = int_at(call, MOVES + P) != 0, inner >= WIDTH
        most = segment(classes)
        room = most * classes + WIDTH
        space = np.empty(4 * room + 3 * classes + WIDTH * most, real)
        e, g = borrow(space, 0, room), borrow(space, room, room)
        h, z_space = borrow(space, 2 * room, room), borrow(space, 3 * room, room)
        z_row, e_row = borrow(space, 4 * room, classes), borrow(space, 4 * room + classes, classes)
        h_row = borrow(space, 4 * room + 2 * classes, classes)
        lanes = borrow(space, 4 * room + 3 * classes, WIDTH * most)
        true_tile, w_tile, losses_tile = scratch(256, np.int64), scratch(256, real), scratch(256, real)
        table = scratch(2560, real)
        for i in range(table.size):
            table[i] = 1  # the maths takes whole vectors, with rows that are not there
        own, rest = borrow(table, OWN * TILE, TILE), borrow(table, REST * TILE, TILE)
        bases, distances = borrow(table, BASES * TILE, TILE), borrow(table, DISTANCES * TILE, TILE)
        weights, loss = borrow(table, WEIGHTS * TILE, TILE), borrow(table, LOSS * TILE, TILE)
        factors, corrections = borrow(table, FACTORS * TILE, TILE), borrow(table, CORRECTIONS * TILE, TILE)
        slopes, bends = borrow(table, SLOPES * TILE, TILE), borrow(table, BENDS * TILE, TILE)
        high, low = 0.0, 0.0
        where, what, value = -1, 0.0, 0.0
        for tile in range(first, last):
            begin = tile * TILE
            count = min(TILE, rows - begin)
            true, w, losses = borrow(true_tile, 0, count), borrow(w_tile, 0, count), borrow(losses_tile, 0, count)
            read_classes(base_at(call, Y), begin, kind, true)
            read_weights(call, begin, w)
            odd = np.int64(0)
            for i in range(count):
                odd |= np.int64((true[i] < 0) | (true[i] >= classes) | (has_ignore & (true[i] == ignore)))
                odd |= np.int64(not w[i] > 0)
            if odd != 0:
                for i in range(count):
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
                for i in range(count):
                    w[i] *= cw[true[i]]
                    odd |= np.int64(w[i] == 0)
            i = 0
            while i < count:
                row, many = begin + i, min(most, count - i)
                if columns:
                    many = min(many, inner - row % inner)
                size = many * classes
                start = row // inner * classes * inner + row % inner
                z = borrow(z_space, 0, size)
                if columns:
                    for k in range(classes):
                        take(call, P, start + k * inner, 1, borrow(z, k * many, many))
                elif inner > 1:
                    for r in range(many):
                        begin_row = (row + r) // inner * classes * inner + (row + r) % inner
                        take(call, P, begin_row, inner, borrow(z, r * classes, classes))
                elif z_moves:
                    take(call, P, start, 1, z)
                else:
                    z = elements(beyond(base_at(call, P), start, z.itemsize), size, real)
                step, pace = (1, many) if columns else (classes, 1)
                if moderate(z, borrow(e, 0, size)):
                    for r in range(many):
                        distances[r] = 0
                else:
                    unscaled(z, borrow(e, 0, size))
                    tame(z, e, many, columns, borrow(true, i, many), bases, distances, z_row, e_row)
                here = borrow(true, i, many)
                for r in range(many):
                    place = borrow(e, r * step + here[r] * pace, 1)  # an index of 0 needs no check for being negative
                    own[r] = place[0]
                    place[0] = 0
                if columns:
                    add_columns(e, classes, many, lanes, rest)
                else:
                    row_sums(e, classes, many, rest)
                copy(borrow(w, i, many), borrow(weights, 0, many))
                whole = (many + WIDTH - 1) // WIDTH * WIDTH
                for r in range(many, whole):
                    rest[r] = 1  # was summed from what no row wrote
                invoke(maths, call, base_of(table), whole, 0, 0)
                copy(borrow(loss, 0, many), borrow(losses, i, many))
                if order >= 2:
                    for r in range(many):
                        if columns:
                            gather(e, r, many, e_row)
                        else:
                            copy(borrow(e, r * classes, classes), e_row)
                        hessian_row(e_row, true[i + r], own[r], rest[r], slopes[r], bends[r], w[i + r] * scale, h_row)
                        if w[i + r] == 0:
                            clear(h_row)
                        if columns:
                            scatter(h_row, r, many, h)
                        else:
                            copy(h_row, borrow(h, r * classes, classes))
                if order >= 1:
                    if columns:
                        for k in range(classes):
                            source, target = borrow(e, k * many, many), borrow(g, k * many, many)
                            for r in range(many):
                                target[r] = source[r] * factors[r]
                    else:
                        scale_rows(e, classes, many, factors, g)
                    for r in range(many):
                        borrow(g, r * step + here[r] * pace, 1)[0] = corrections[r]
                if odd != 0:
                    for r in range(many):
                        if w[i + r] == 0:
                            losses[i + r] = 0
                            if order >= 1:
                                for k in range(classes):
                                    g[r * step + k * pace] = 0
                for operand in range(GRAD, GRAD + order):
                    values = borrow(g if operand == GRAD else h, 0, size)
                    if columns:
                        for k in range(classes):
                            put(call, operand, start + k * inner, 1, borrow(values, k * many, many))
                    elif inner > 1:
                        for r in range(many):
                            begin_row = (row + r) // inner * classes * inner + (row + r) % inner
                            put(call, operand, begin_row, inner, borrow(values, r * classes, classes))
                    else:
                        put(call, operand, start, 1, values)
                i += many
            if each != 0:
                put(call, LOSSES, begin, 1, losses)
            high, low = two_sum(high, low, np.float64(fold(losses, count)))
        # The size keeps the workspace alive until here: borrowed views are not counted.
        note(report, slot, high, low, where, what, value, np.float64(space.size))
        return 0

    return piece
