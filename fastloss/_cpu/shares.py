"""The loop over rows of logits where every class may have a share of the target, many rows at a time.

For labels that are soft or smoothed. Rows stand as columns, see `upright`. The maths is that of `rows`: the most
probable class is told apart where 1 - p would cancel. No row's result depends on another row.
"""

from typing import Any

import numpy as np

from .._compile.jit import helper
from .._compile.memory import base_at, borrow, elements, float_at, int_at, scratch
from .._math.constants import named
from .._math.elementary import two_sum
from .blocks import note
from .operands import (
    CLASS_WEIGHTS,
    CLASSES,
    EACH,
    GRAD,
    HESS,
    INNER,
    LOSSES,
    SCALE,
    SIGNED,
    TARGET,
    P,
    Y,
    examine,
    put,
    take,
)
from .upright import (
    BEND,
    BEND_REST,
    BEST,
    EXCESS,
    FACTOR,
    INVERSE,
    KINDS,
    LINE,
    LOSS,
    SLOPE,
    SLOPE_REST,
    SUMS,
    TOP,
    TOTALS,
    TRUE,
    WEIGHT,
    Q,
    add_up,
    lay,
    line,
    softmax,
    stand,
    whole,
)

SHORT = 64
"""Up to how many classes rows are taken this way; longer ones fill vectors by themselves."""


def shares(maths: Any, real: Any, indices: bool, classed: bool, order: int) -> Any:
    """The kernel of one categorical loss for logits of dtype real: see `rowwise`, whose kernels of spread labels it is.

    Labels are class numbers, of which smoothing gives every class a share, or a target for every class.
    """
    focus, constants = maths.focus, maths.constants
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
    def first_outside(y, weights, classes):
        """The row of some weight with a target below 0 or above 1, and its class; -1 where there is none."""
        many, bad = weights.size, False
        for k in range(classes):
            targets = borrow(y, k * LINE, many)
            for r in range(many):
                bad |= (targets[r] < 0) | (targets[r] > 1)
        if bad:
            for r in range(many):
                for k in range(classes):
                    target = y[k * LINE + r]
                    if weights[r] != 0 and (target < 0 or target > 1):
                        return r, k
        return -1, -1

    @helper
    def leave_out(y, weights, classes, even):
        """Rows without any target have no weight; signed ones may add up to 0 and still count."""
        for r in range(weights.size):
            count = even != real(0)
            for k in range(classes):
                count |= y[k * LINE + r] != real(0)
            weights[r] = weights[r] if count else real(0)

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
    def derive(e, s, h, table, k, signed):
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
            off = (fw[r] == real(0)) | ((a == real(0)) & (not signed))  # no class counts, whatever the logits
            if with_hessian:
                bend, complement = h[r], real(1) - p
                common = p * (complement * a + p * bends[r]) + (complement - p) * bend
                special = p * (q * a + p * bends_rest[r]) + q * q * bend
                h[r] = real(0) if off else (special if is_best else common) * fw[r]
            g = p * slopes_rest[r] - q * own if is_best else p * a - own
            e[r] = real(0) if off else g * fw[r]

    def piece(call, first, last, report, slot):
        """Rows first..last of a call."""
        classes, inner, each = int_at(call, CLASSES), int_at(call, INNER), int_at(call, EACH)
        factor, smooth = float_at(call, SCALE, np.float64), float_at(call, SCALE + 1, real)
        a, b, d = float_at(call, SCALE + 2, real), float_at(call, SCALE + 3, real), float_at(call, SCALE + 4, real)
        c = named((a, b, d, float_at(call, SCALE + 5, real)), constants)
        keep, even, signed = real(1) - smooth, smooth / real(classes), int_at(call, SIGNED) != 0
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
                if signed:
                    leave_out(y, weights, classes, even)
                else:
                    r, k = first_outside(y, weights, classes)
                    if r >= 0 and (where < 0 or (where == bad and row + r < bad)):
                        where, what, value = (row + r) * classes + k, TARGET, np.float64(y[k * LINE + r])
            softmax(z, table, classes, many, e)
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
                    derive(borrow(e, at, many), borrow(z, at, many), borrow(h, at, many), table, real(k),
                           signed)  # fmt: skip
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
