"""The loop over rows of logits where every class may have a share of the target, many rows at a time.

For labels that are soft or smoothed. Rows are turned into columns, so that every loop runs along many of them however
few classes there are; what belongs to a row, as its maximum and its sums, is a line of a table. The maths is that of
`rows`: the most probable class is told apart where 1 - p would cancel. No row's result depends on another row.
"""

import math
from typing import Any

import numpy as np

from .._jit import helper
from .._math import log1p, two_sum
from .._primitives import pick
from .._softmax import scaled_exp, scaling
from .blocks import note
from .memory import base_at, beyond, borrow, elements, float_at, int_at, scratch
from .operands import (
    CLASS_WEIGHTS,
    CLASSES,
    COUNT,
    EACH,
    GRAD,
    HESS,
    INNER,
    LOSSES,
    MOVES,
    SCALE,
    P,
    Y,
    examine,
    put,
    take,
)
from .vectors import WIDTH, lanes_at, plus, put_lanes, spread, turn

LINE = 128
"""Rows that are taken at once, at most."""
SHORT = 64
"""Up to how many classes rows are taken this way; longer ones fill vectors by themselves."""
RUN, LEVELS = 4, 3
"""Sums are made of sums of 4, and those of 4 of these: no chain of roundings is long."""
TOP, SHIFT, MAGIC, FLOOR, FIRST, TIES, BEST, EXCESS, INVERSE, Q, TRUE, WEIGHT, FACTOR, SUMS = range(14)
"""The lines of the table: what there is of each row. SUMS is the first of LEVELS times those below."""
REST, LOSS, SLOPE, SLOPE_REST, BEND, BEND_REST, KINDS = range(7)
TOTALS = SUMS + (LEVELS - 1) * KINDS
"""The first line of the sums over all classes."""


@helper
def line(table: Any, number: int, many: int) -> Any:
    """A line of the table."""
    return borrow(table, number * LINE, many)


@helper
def whole(classes: int) -> int:
    """The number of classes, rounded up to full vectors."""
    return (classes + WIDTH - 1) // WIDTH * WIDTH


@helper
def add_up(table: Any, first: int, last: int, done: int, all_done: bool, many: int) -> None:
    """After some classes: move sums of the kinds first..last that are complete to the level above."""
    level, step, nothing = 0, RUN, spread(pick(table[0], 0.0, 0.0))
    while level < LEVELS - 1 and (all_done or done % step == 0):
        for kind in range(first, last):
            source = (SUMS + level * KINDS + kind) * LINE
            for i in range(source, source + many, WIDTH):  # in vectors, as nothing says that these are two lines
                above = i + KINDS * LINE
                put_lanes(table, above, plus(lanes_at(table, above), lanes_at(table, i)))
                put_lanes(table, i, nothing)
        level, step = level + 1, step * RUN


@helper
def raise_tops(z: Any, table: Any) -> None:
    """Let the maximum of each row know of one class more; NaNs are passed over (they surface in the sum)."""
    top = line(table, TOP, z.size)
    for r in range(z.size):
        value, before = z[r], top[r]
        top[r] = before if before >= value else value


@helper
def prepare(table: Any, many: int) -> None:
    """The scale of each row's exponentials, see `_softmax.scaling`; where the maximum is infinite the others are 0."""
    top, shift, magic, floor = (
        line(table, TOP, many),
        line(table, SHIFT, many),
        line(table, MAGIC, many),
        line(table, FLOOR, many),
    )
    first, ties, best = line(table, FIRST, many), line(table, TIES, many), line(table, BEST, many)
    for r in range(many):
        value = top[r]
        nothing = pick(value, 0.0, 0.0)
        endless = value == pick(value, math.inf, math.inf)
        shift[r], magic[r], floor[r] = scaling(nothing if endless else value)
        shift[r] = value if endless else shift[r]
        first[r] = nothing if endless else value - shift[r]
        ties[r] = best[r] = nothing


@helper
def exponentiate(z: Any, table: Any, k: Any, e: Any) -> None:
    """The scaled exponentials of class k, and the sum of those that are not the largest of their row."""
    many = z.size
    top, shift, magic, floor = (
        line(table, TOP, many),
        line(table, SHIFT, many),
        line(table, MAGIC, many),
        line(table, FLOOR, many),
    )
    first, ties, best = line(table, FIRST, many), line(table, TIES, many), line(table, BEST, many)
    rest = line(table, SUMS + REST, many)
    for r in range(many):
        nothing, mine = k - k, z[r] == top[r]
        x = first[r] if mine else z[r] - shift[r]
        value = scaled_exp(x, nothing, magic[r], floor[r])
        e[r] = value
        rest[r] += nothing if mine else value
        ties[r] += nothing + 1 if mine else nothing
        best[r] = k if mine else best[r]


@helper
def normalise(table: Any, many: int) -> None:
    """From the sums of the exponentials to what -log p, p and 1 - p of each class are made of."""
    top, magic, floor, first = (
        line(table, TOP, many),
        line(table, MAGIC, many),
        line(table, FLOOR, many),
        line(table, FIRST, many),
    )
    ties, best, rest = line(table, TIES, many), line(table, BEST, many), line(table, TOTALS + REST, many)
    excess, inverse, q = line(table, EXCESS, many), line(table, INVERSE, many), line(table, Q, many)
    for r in range(many):
        T = type(top[r])
        base = scaled_exp(first[r], T(0), magic[r], floor[r])
        again = ties[r] - T(1)
        others = rest[r] + again * base if again > T(0) else rest[r]
        endless = top[r] == pick(top[r], math.inf, math.inf)
        others = top[r] - top[r] if endless and again > T(0) else others  # NaN
        total = others + base
        excess[r] = log1p(others / base, T(0))
        inverse[r] = T(1) / total
        q[r] = others / total
        best[r] = best[r] if base > others else T(-1)  # where p > 1/2


def shares(focus: Any, real: Any, indices: bool, classed: bool, order: int) -> Any:
    """The kernel of one categorical loss for logits of dtype real: see `rowwise`, whose kernels of spread labels it is.

    Labels are class numbers, of which smoothing gives every class a share, or a target for every class.
    """
    with_gradient, with_hessian = order >= 1, order >= 2

    @helper
    def weigh(z, y, e, h, table, k, keep, even, cw, c):
        """Losses and slopes of class k. z becomes the slopes, e the probabilities, h the bends."""
        many = z.size
        top, best, excess = line(table, TOP, many), line(table, BEST, many), line(table, EXCESS, many)
        inverse, q_best, true = line(table, INVERSE, many), line(table, Q, many), line(table, TRUE, many)
        losses, slopes, slopes_rest, bends, bends_rest = (
            line(table, SUMS + LOSS, many),
            line(table, SUMS + SLOPE, many),
            line(table, SUMS + SLOPE_REST, many),
            line(table, SUMS + BEND, many),
            line(table, SUMS + BEND_REST, many),
        )
        for r in range(many):
            T, x, is_best = real, z[r], best[r] == k
            nll = (T(0) if x == top[r] else top[r] - x) + excess[r]
            p = e[r] * inverse[r]
            loss, slope, bend = focus(p, q_best[r] if is_best else T(1) - p, nll, c)
            t = even + (keep if true[r] == k else T(0)) if indices else y[r] * keep + even
            t = t * cw if classed else t
            none = t == T(0)
            losses[r] += T(0) if none else t * loss
            if with_gradient:
                slope = T(0) if none else t * slope
                e[r], z[r] = p, slope
                slopes[r] += slope
                slopes_rest[r] += T(0) if is_best else slope
            if with_hessian:
                bend = T(0) if none else t * bend
                h[r] = bend
                bends[r] += bend
                bends_rest[r] += T(0) if is_best else bend

    @helper
    def finish(table, many, factor, losses):
        """Each row's loss, and the factor of its derivatives; rows of no weight and rows without target get zeros."""
        w, fw = line(table, WEIGHT, many), line(table, FACTOR, many)
        loss, slopes = line(table, TOTALS + LOSS, many), line(table, TOTALS + SLOPE, many)
        for r in range(many):
            nothing = w[r] == real(0)
            losses[r] = real(0) if nothing else loss[r] * w[r]
            if with_gradient:
                slopes[r] = real(0) if nothing else slopes[r]
                fw[r] = real(factor * np.float64(w[r]))

    @helper
    def derive(e, s, h, table, k):
        """The derivatives by the logits of class k. e, its probabilities, becomes the gradient, h the Hessian."""
        many = e.size
        best, q_best, fw = line(table, BEST, many), line(table, Q, many), line(table, FACTOR, many)
        slopes, slopes_rest, bends, bends_rest = (
            line(table, TOTALS + SLOPE, many),
            line(table, TOTALS + SLOPE_REST, many),
            line(table, TOTALS + BEND, many),
            line(table, TOTALS + BEND_REST, many),
        )
        for r in range(many):
            p, own, a, is_best, q = e[r], s[r], slopes[r], best[r] == k, q_best[r]
            off = a == real(0)  # no class counts, whatever the logits
            if with_hessian:
                bend, complement = h[r], real(1) - p
                common = p * (complement * a + p * bends[r]) + (complement - p) * bend
                special = p * (q * a + p * bends_rest[r]) + q * q * bend
                h[r] = real(0) if off else (special if is_best else common) * fw[r]
            g = p * slopes_rest[r] - q * own if is_best else p * a - own
            e[r] = real(0) if off else g * fw[r]

    @helper
    def stand(call, operand, start, many, flat, lines):
        """Read rows of classes from start on as lines of classes."""
        classes, inner = int_at(call, CLASSES), int_at(call, INNER)
        if inner > 1:
            for k in range(classes):
                take(call, operand, start + k * inner, 1, borrow(lines, k * LINE, many))
            return
        size = many * classes
        source, within = borrow(flat, 0, size), flat.size
        if int_at(call, MOVES + operand) == 0:
            source = elements(beyond(base_at(call, operand), start, flat.itemsize), size, real)
            within = int_at(call, COUNT) * classes - start
        else:
            take(call, operand, start, 1, source)
        done = 0
        while done + WIDTH <= many and (done + WIDTH - 1) * classes + whole(classes) <= within:  # no read goes beyond
            for k in range(0, classes, WIDTH):
                turn(source, done * classes + k, classes, lines, k * LINE + done, LINE)
            done += WIDTH
        for r in range(done, many):
            for k in range(classes):
                lines[k * LINE + r] = source[r * classes + k]

    @helper
    def lay(call, operand, start, many, flat, lines):
        """Write lines of classes as rows."""
        classes, inner = int_at(call, CLASSES), int_at(call, INNER)
        if inner > 1:
            for k in range(classes):
                put(call, operand, start + k * inner, 1, borrow(lines, k * LINE, many))
            return
        vectors = classes if classes < WIDTH else classes // WIDTH * WIDTH
        for r in range(0, many, WIDTH):
            for k in range(0, vectors, WIDTH):  # what goes beyond a row is overwritten by the next one
                turn(lines, k * LINE + r, LINE, flat, r * classes + k, classes)
        for r in range(many):
            for k in range(vectors, classes):
                flat[r * classes + k] = lines[k * LINE + r]
        put(call, operand, start, 1, borrow(flat, 0, many * classes))

    def piece(call, first, last, report, slot):
        """Rows first..last of a call."""
        classes, inner, each = int_at(call, CLASSES), int_at(call, INNER), int_at(call, EACH)
        factor, smooth = float_at(call, SCALE, np.float64), float_at(call, SCALE + 1, real)
        a, b, d = float_at(call, SCALE + 2, real), float_at(call, SCALE + 3, real), float_at(call, SCALE + 4, real)
        c = (a, b, d, float_at(call, SCALE + 5, real))
        keep, even = real(1) - smooth, smooth / real(classes)
        kinds = KINDS if with_hessian else BEND if with_gradient else SLOPE
        class_weights = elements(base_at(call, CLASS_WEIGHTS), classes if classed else 0, real)
        room = LINE * whole(classes)
        space = np.empty((3 + int(not indices) + int(with_hessian)) * room, real)
        z, e, flat = borrow(space, 0, room), borrow(space, room, room), borrow(space, 2 * room, room)
        y, h = z, z
        if not indices:
            y = borrow(space, 3 * room, room)
        if with_hessian:
            h = borrow(space, space.size - room, room)
        table, true, losses = scratch(4352, real), scratch(128, np.int64), scratch(128, real)
        for i in range(table.size):
            table[i] = 0
        high, low = 0.0, 0.0
        where, what, value = -1, 0.0, 0.0
        row = first
        while row < last:
            many = min(LINE, last - row)
            if inner > 1:
                many = min(many, inner - row % inner)
            start = row // inner * classes * inner + row % inner
            here, weights = borrow(true, 0, many), line(table, WEIGHT, many)
            for r in range(many):
                here[r] = 0
            if indices:
                take(call, Y, row, 1, here)
            _, bad, about, found = examine(call, row, here, weights, False)
            if where < 0 and bad >= 0:
                where, what, value = bad, about, found
            number = line(table, TRUE, many)
            for r in range(many):
                number[r] = here[r]
            stand(call, P, start, many, flat, z)
            if not indices:
                stand(call, Y, start, many, flat, y)
            top = line(table, TOP, many)
            for r in range(many):
                top[r] = z[r]
            for k in range(1, classes):
                raise_tops(borrow(z, k * LINE, many), table)
            prepare(table, many)
            for i in range(TOTALS * LINE, table.size):
                table[i] = 0
            for k in range(classes):
                exponentiate(borrow(z, k * LINE, many), table, real(k), borrow(e, k * LINE, many))
                add_up(table, REST, LOSS, k + 1, k == classes - 1, many)
            normalise(table, many)
            for k in range(classes):
                at = k * LINE
                cw = class_weights[k] if classed else real(1)
                weigh(borrow(z, at, many), borrow(y, at, many), borrow(e, at, many), borrow(h, at, many), table,
                      real(k), keep, even, cw, c)  # fmt: skip
                add_up(table, LOSS, kinds, k + 1, k == classes - 1, many)
            mine = borrow(losses, 0, many)
            finish(table, many, factor, mine)
            if with_gradient:
                for k in range(classes):
                    at = k * LINE
                    derive(borrow(e, at, many), borrow(z, at, many), borrow(h, at, many), table, real(k))
                lay(call, GRAD, start, many, flat, e)
            if with_hessian:
                lay(call, HESS, start, many, flat, h)
            if each != 0:
                put(call, LOSSES, row, 1, mine)
            for r in range(many):
                high, low = two_sum(high, low, np.float64(mine[r]))
            row += many
        # The size keeps the workspace alive until here: borrowed views are not counted.
        note(report, slot, high, low, where, what, value, np.float64(space.size))
        return 0

    return piece
