"""The loop over rows of classes, on any axis, with a class index or a target for every class.

A block of rows goes through three steps. Survey: maxima, exponentials, and their sums without the pivot. Maths across
rows: losses and what derivatives are made of, in vectors of rows. Derive: gradient and Hessian. The first and the last
have two layouts, `along` and `lines`; the formulas are in `_math.softmax`.
"""

import math
from typing import Any

import numpy as np

from .._compile.invoke import invoke, invoke_block
from .._compile.jit import helper
from .._compile.memory import array_base, base_of, beyond, borrow, elements, scratch
from .._compile.records import record_at
from .._compile.vectors import WIDTH
from .._math.elementary import two_sum
from .._math.primitives import split
from .._math.softmax import hessian, pivot_gradient, pivot_hessian, scaled_exp, scaling
from .._request.messages import TARGET
from . import along, lines
from .along import LONG, exponentiate_unscaled
from .block import add_losses, block_rows, examine, reach_of, table_dtype, total, weigh_by_class, whole
from .call import CALL, read, report_of, write
from .targets import smooth_targets, spread_indices
from .transfer import lines_of, put_lines, put_rows, row_start, rows_of


@helper
def scale_exponentials(table: Any) -> None:
    """How the exponentials of each row are scaled, see `_math.softmax`."""
    for r in range(whole(table.rows)):
        top = table.top[r]
        shift, magic, floor = scaling(top)
        table.shift[r], table.magic[r], table.floor[r] = shift, magic, floor
        table.peak[r] = scaled_exp(top, shift, magic, floor)
    for r in range(table.rows):
        if abs(table.top[r]) == math.inf:
            table.peak[r] = 1


@helper
def set_pivots_apart(z: Any, e: Any, table: Any, row_z: int, class_z: int, row_e: int, class_e: int) -> None:
    """Take the exponentials of the pivots out of their rows, so that no sum contains them."""
    for r in range(table.rows):
        k, top = table.pivot[r], table.top[r]
        x, place = borrow(z, r * row_z + k * class_z, 1)[0], borrow(e, r * row_e + k * class_e, 1)
        table.distance[r] = 0 if x == top else top - x
        table.own[r] = place[0]
        place[0] = 0


@helper
def finish_hard(table: Any, scale: Any) -> None:
    """Losses and factors of the derivatives where only the pivot has a target."""
    for r in range(whole(table.rows)):
        T, w, rest, own = type(scale), table.weight[r], table.rest[r], table.own[r]
        sum_ = rest + own
        p, q, slope, bend, scaled = own / sum_, rest / sum_, table.slope[r], table.bend[r], w * scale
        # A small slope over a large total would be subnormal: a power of two of the total goes its own way.
        power = split(sum_)[2] if abs(slope * scaled) < T(1) else T(1)
        table.loss[r] *= w
        table.scaled[r], table.power[r], table.factor[r] = scaled, power, slope * scaled / (sum_ * power)
        table.value[r] = pivot_gradient(p, q, T(0), slope) * scaled
        table.second[r] = pivot_hessian(p, q, slope, T(0), bend) * scaled


@helper
def finish_activation(table: Any) -> None:
    """The factors of softmax itself."""
    for r in range(whole(table.rows)):
        sum_ = table.rest[r] + table.own[r]
        T = type(sum_)
        table.power[r], table.factor[r], table.value[r] = T(1), T(1) / sum_, table.own[r] / sum_


@helper
def finish_soft(table: Any, scale: Any) -> None:
    """The same where every class has a target: with the same bits where only the pivot has one."""
    for r in range(whole(table.rows)):
        T, w, rest, own, mass = type(scale), table.weight[r], table.rest[r], table.own[r], table.mass[r]
        sum_ = rest + own
        p, q, none, scaled = own / sum_, rest / sum_, mass == T(0), w * scale
        loss = T(0) if none else mass * table.loss[r]
        slope, bend = T(0) if none else mass * table.slope[r], T(0) if none else mass * table.bend[r]
        slopes, bends = table.slopes[r], table.bends[r]
        slope_sum, bend_sum = slopes + slope, bends + bend
        power = split(sum_)[2] if abs(slope_sum * scaled) < T(1) else T(1)
        table.loss[r] = (table.losses[r] + loss) * w
        table.slope[r], table.bend[r], table.scaled[r] = slope_sum, bend_sum, scaled
        table.power[r], table.factor[r] = power, slope_sum * scaled / (sum_ * power)
        table.value[r] = pivot_gradient(p, q, slopes, slope) * scaled
        table.second[r] = pivot_hessian(p, q, slope_sum, bends, bend) * scaled


@helper
def other_exponentials(e: Any, at: int, step: int, classes: int, apart: int) -> Any:
    """The sum of a row without one class."""
    high = low = e.dtype.type(0)
    for k in range(classes):
        if k != apart:
            high, low = two_sum(high, low, e[at + k * step])
    return high + low


@helper
def mend_hessian(e: Any, h: Any, table: Any, row_e: int, class_e: int, row_h: int, class_h: int) -> None:
    """The Hessian by the logit of a class that is not the pivot and has p > 1/2, where 1 - p would cancel."""
    for r in range(table.rows):
        base, sum_ = table.peak[r], table.rest[r] + table.own[r]
        if table.distance[r] > 0 and base + base > sum_:
            for k in range(table.classes):
                if e[r * row_e + k * class_e] == base:
                    rest = other_exponentials(e, r * row_e, class_e, table.classes, k) + table.own[r]
                    p, q = base / sum_, rest / sum_
                    second = hessian(p, q, table.slope[r], table.bend[r], base - base)
                    h[r * row_h + k * class_h] = second * table.scaled[r]


@helper
def is_empty(slopes: Any, table: Any, r: int, row_step: int, class_step: int) -> bool:
    """Whether no class of a row counts; signed targets may add up to 0 and count."""
    if table.slope[r] != 0 or table.mass[r] != 0:
        return False
    found = False
    for k in range(table.classes):
        found |= slopes[r * row_step + k * class_step] != 0
    return not found


def rows(real: Any, side_by_side: bool, targets: str, order: int) -> Any:
    """The kernel of logits of dtype real: rows side by side or along their classes, with "one" target a row or "many".

    With "none" softmax is written where a gradient would be.
    """
    soft, activation = targets == "many", targets == "none"
    layout: Any = lines if side_by_side else along
    maxima, exponentials, find_largest, sums = layout.maxima, layout.exponentials, layout.find_largest, layout.sums
    find_one_hot = layout.find_one_hot
    derive_hard, derive_soft, derive_hessian, clear, weigh_nll = (
        layout.derive_hard,
        layout.derive_soft,
        layout.derive_hessian,
        layout.clear,
        layout.weigh_nll,
    )
    dtype, with_gradient, with_hessian = table_dtype(real), order >= 1, order >= 2
    table_bytes = dtype.itemsize
    matrices = (5 if soft else 3) + (2 if with_hessian else 0)

    @helper
    def bring(call, operand, first, many, flat, values):
        """A block of an array with classes, and how far its rows or lines lie apart."""
        if side_by_side:
            return lines_of(call, operand, first, many, flat, values)
        return rows_of(call, operand, first, many, reach_of(many, call.classes), values), call.classes

    @helper
    def put(call, operand, first, many, flat, values):
        if side_by_side:
            put_lines(call, operand, first, many, flat, values)
        else:
            put_rows(call, operand, first, many, values)

    @helper
    def survey(z, e, table, hard):
        """Exponentials, and their sums without the pivots; hard: the pivots are known."""
        size = table.rows * table.classes
        if (
            hard
            and not side_by_side
            and not with_hessian
            and exponentiate_unscaled(borrow(z, 0, size), borrow(e, 0, size))
        ):
            table.pitch = table.classes
            for r in range(table.rows):
                k = r * table.classes + table.pivot[r]
                table.own[r], e[k] = e[k], 0
                table.distance[r] = 0
        else:
            maxima(z, table)
            scale_exponentials(table)
            exponentials(z, e, table)
            if not hard:
                find_largest(z, table)
            if side_by_side:
                set_pivots_apart(z, e, table, 1, table.logit_pitch, 1, table.pitch)
            else:
                set_pivots_apart(z, e, table, table.logit_pitch, 1, table.pitch, 1)
        sums(e, table, table.rest)

    @helper
    def weigh(call_at, table_at, z, e, t, u, v, scale):
        """Losses and factors where every class has a target; t becomes slopes, v bends."""
        call, table = record_at(call_at, CALL), record_at(table_at, dtype)
        row_step, class_step = (1, table.pitch) if side_by_side else (table.pitch, 1)
        for r in range(table.rows):
            place = borrow(t, r * row_step + table.pivot[r] * class_step, 1)
            table.mass[r] = place[0]
            place[0] = 0
        if call.weigh == 0:  # the loss is -log p
            weigh_nll(z, t, u, table)
            for r in range(table.rows):
                slope = table.slopes[r]
                table.losses[r] += real(0) if slope == real(0) else slope * table.nll[r]
        else:
            invoke_block(call.weigh, call_at, table_at, base_of(z), base_of(e), base_of(t), base_of(u), base_of(v), 0)
            sums(u, table, table.losses)
            sums(t, table, table.slopes)
        if with_hessian:
            if call.weigh == 0:
                for r in range(table.rows * table.pitch if not side_by_side else table.classes * table.pitch):
                    v[r] = 0
            sums(v, table, table.bends)
        finish_soft(table, scale)

    @helper
    def clear_rows(values, table, pitch):
        """0 for rows of weight 0."""
        for r in range(table.rows):
            if table.weight[r] == 0:
                clear(values, table, r, pitch)

    @helper
    def destination(call, operand, row, table, buffer):
        """Where derivatives are written, how far rows or lines lie apart there, and whether it is the array itself."""
        classes, inner = call.classes, call.inner
        pitch = table.pitch if side_by_side else classes
        base = beyond(array_base(operand.array), row_start(call, row), operand.item_bytes)
        if operand.convert == 0 and not side_by_side and inner == 1 and classes > LONG:
            return elements(base, table.rows * classes, real), pitch, True
        if operand.convert == 0 and side_by_side and inner > 1 and table.rows == pitch:
            return elements(base, (classes - 1) * inner + pitch, real), inner, True
        return buffer, pitch, False

    @helper
    def derive(call, table, e, t, v, row, unusual, hard, flat, buffer):
        """Gradient and Hessian of a block; 0 for rows that do not count."""
        row_step, class_step = (1, table.pitch) if side_by_side else (table.pitch, 1)
        if not hard:
            for r in range(table.rows):
                if is_empty(t, table, r, row_step, class_step):
                    table.weight[r], unusual = 0, True
        if with_hessian:
            h, h_pitch, direct = destination(call, call.hessian, row, table, v)
            if soft and hard:
                for i in range(v.size):
                    v[i] = 0
            derive_hessian(e, v if soft else t, h, table, h_pitch)
            mend_hessian(e, h, table, row_step, class_step, 1 if side_by_side else h_pitch,
                         h_pitch if side_by_side else 1)  # fmt: skip
            if unusual:
                clear_rows(h, table, h_pitch)
            if not direct:
                put(call, call.hessian, row, table.rows, flat, h)
        if with_gradient:
            g, g_pitch, direct = destination(call, call.gradient, row, table, buffer)
            if soft and not hard:
                derive_soft(e, t, g, table, g_pitch)
            else:
                derive_hard(e, g, table, g_pitch)
            if unusual:
                clear_rows(g, table, g_pitch)
            if not direct:
                put(call, call.gradient, row, table.rows, flat, g)

    @helper
    def read_targets(call, table, t, first, flat, space):
        """Weights and targets of a block: whether only pivots have a target; whether a row has weight 0; the first
        invalid element or -1, what it is, its value."""
        pivot, w = borrow(table.pivot, 0, table.rows), borrow(table.weight, 0, table.rows)
        for r in range(table.rows):
            pivot[r] = 0
        if call.indices != 0:
            read(call.y_true, first, 1, pivot)
        unusual, invalid, kind, value = examine(call, first, pivot, w)
        if not soft:
            if call.has_factors != 0:
                unusual |= weigh_by_class(call, pivot, w)
            return True, unusual, invalid, kind, value
        keep, even = real(1.0 - call.label_smoothing), real(call.label_smoothing) / real(call.classes)
        if call.indices != 0:
            spread_indices(call, t, table, side_by_side, keep, even)
            for r in range(table.rows):
                pivot[r], table.alone[r] = -1, 0
            return False, unusual, invalid, kind, value
        y, y_pitch = bring(call, call.y_true, first, table.rows, flat, space)
        if call.label_smoothing > 0:
            for r in range(table.rows):
                pivot[r], table.alone[r] = -1, 0
        elif find_one_hot(y, y_pitch, table) == table.rows and call.has_factors == 0:
            return True, unusual, invalid, kind, value
        r, k, target = smooth_targets(call, y, y_pitch, t, table, side_by_side, keep, even)
        if r >= 0 and (invalid < 0 or first + r < invalid):
            return False, unusual, (first + r) * call.classes + k, TARGET, np.float64(target)
        return False, unusual, invalid, kind, value

    def piece(call_at, first, last, reports, task):
        """Rows first..last of a call."""
        call, report = record_at(call_at, CALL), report_of(reports, task)
        classes, inner, scale = call.classes, call.inner, real(call.scale)
        most = block_rows(classes if side_by_side else whole(classes), matrices)
        matrix = (most + 1) * whole(classes) + WIDTH
        space = np.empty(matrices * matrix, real)
        z_space, e, flat = borrow(space, 0, matrix), borrow(space, matrix, matrix), borrow(space, 2 * matrix, matrix)
        t = borrow(space, (3 if soft else matrices - 2) * matrix, matrix)
        u, v = borrow(space, (4 if soft else 0) * matrix, matrix), borrow(space, (matrices - 1) * matrix, matrix)
        if with_hessian and not soft:
            for i in range(matrix):
                t[i] = 0
        table_at, high, low = scratch(table_bytes, np.uint8), scratch(16, np.float64), scratch(16, np.float64)
        table = record_at(base_of(table_at), dtype)
        table.classes = classes
        for j in range(16):
            high[j] = low[j] = 0
        invalid, kind, value, unusual, hard = -1, 0.0, 0.0, False, True
        row = first
        while row < last:
            many = min(most, last - row)
            if side_by_side and inner > 1:
                many = min(many, inner - row % inner)
            table.rows, table.pitch = many, whole(many) if side_by_side else whole(classes)
            losses = borrow(table.loss, 0, table.loss.size)
            if activation:
                for r in range(many):
                    table.pivot[r] = 0
            else:
                hard, unusual, where, what, found = read_targets(call, table, t, row, flat, z_space)
                if invalid < 0 and where >= 0:
                    invalid, kind, value = where, what, found
            z, z_pitch = bring(call, call.y_pred, row, many, flat, z_space)
            table.logit_pitch = z_pitch
            survey(z, e, table, hard)
            if activation:
                finish_activation(table)
            else:
                invoke(call.maths, call_at, base_of(table_at), whole(many), 0, 0)
                if soft and not hard:
                    weigh(call_at, base_of(table_at), z, e, t, u, v, scale)
                else:
                    finish_hard(table, scale)
            if not activation:
                for r in range(many):
                    losses[r] = losses[r] if table.weight[r] != 0 else 0
                if call.losses.item_bytes != 0:
                    write(call.losses, row, 1, borrow(losses, 0, many))
                add_losses(losses, many, high, low)
            derive(call, table, e, t, v, row, unusual, hard, flat, z_space)
            row += many
        report.high, report.low = total(high, low)
        report.invalid, report.kind, report.y_true = invalid, kind, value
        return np.int64(0 * space.size)  # the workspace lives until here: borrowed views are not counted

    return piece
