"""The loop over rows of classes, on any axis, with a class index or a target for every class.

A block of rows goes through three steps. Survey: maxima, exponentials, and their sums without the pivot. Maths across
rows: losses and what derivatives are made of, in vectors of rows. Derive: gradient and Hessian. The first and the last
have two layouts, `along` and `lines`; the formulas are in `_math.softmax`.
"""

import math
from typing import Any

import numpy as np

from .._compile.invoke import invoke, invoke_block
from .._compile.jit import helper, independent
from .._compile.memory import array_base, base_of, beyond, borrow, elements, prefetch, scratch
from .._compile.records import record_at
from .._compile.vectors import WIDTH
from .._math.elementary import two_sum
from .._math.primitives import magnitude, pick, split
from .._math.softmax import (
    UNSCALED,
    hessian,
    pivot_gradient,
    pivot_hessian,
    scaled_exp,
    scaling,
    unscaled_exp,
)
from . import along, lines
from .block import add_losses, block_rows, exponentials_at_infinity, reach_of, table_dtype, total, whole
from .broadcast import EXPONENTIALS, GRADIENT, HESSIAN, PART, POWERS, SOFT_GRADIENT
from .call import CALL, report_of, write
from .targets import fill, targets_reader

# --- survey --------------------------------------------------------------------------------------------------------


@independent
def _exponentiate_unscaled(z: Any, e: Any, most: Any) -> Any:
    for i in range(e.size):
        e[i] = unscaled_exp(z[i])
        size = magnitude(z[i])
        most = size if size > most else most
    return most


@helper
def exponentiate_unscaled(z: Any, e: Any, table: Any) -> bool:
    """The exponentials of a block, unscaled; whether all logits allow it, else they mean nothing."""
    limit = magnitude(pick(z[0], UNSCALED, UNSCALED))
    most, length = limit, table.length
    for k in range(table.lines):
        for start in range(0, length, PART):
            at, count = k * table.logit_step + start, min(PART, length - start)
            prefetch(z, at + length, at + length + count)
            most = _exponentiate_unscaled(borrow(z, at, count), borrow(e, k * table.class_step + start, count), most)
    return most == limit


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
def mend_infinite_rows(z: Any, e: Any, table: Any) -> None:
    """The exponentials of rows whose maximum is infinite."""
    for r in range(table.rows):
        if abs(table.top[r]) == math.inf:
            at = r * table.row_step
            exponentials_at_infinity(borrow(z, at, z.size - at), borrow(e, at, e.size - at), table.logit_step,
                                     table.class_step, table.classes, table.top[r])  # fmt: skip


@helper
def set_pivots_apart(e: Any, table: Any) -> None:
    """Take the exponentials of the pivots out of their rows, so that no sum contains them."""
    row_step, class_step, rows, pivots, own = table.row_step, table.class_step, table.rows, table.pivot, table.own
    for r in range(rows):
        place = borrow(e, r * row_step + pivots[r] * class_step, 1)
        own[r], place[0] = place[0], 0
    for r in range(table.rows):
        table.distance[r] = 0


@helper
def measure_pivots(z: Any, table: Any) -> None:
    """How far the logits of the pivots lie below the maxima."""
    row_step, class_step = table.row_step, table.logit_step
    for r in range(table.rows):
        x, top = borrow(z, r * row_step + table.pivot[r] * class_step, 1)[0], table.top[r]
        table.distance[r] = 0 if x == top else top - x


# --- maths across rows ---------------------------------------------------------------------------------------------


@helper
def no_other_targets(table: Any) -> None:
    """What the pivots have, and the sums over the other classes, where only pivots have a target."""
    for r in range(whole(table.rows)):
        table.mass[r] = table.alone[r] = 1
        table.losses[r] = table.slopes[r] = table.bends[r] = 0


@helper
def finish(table: Any, scale: Any) -> bool:
    """Losses and factors of the derivatives; whether exponentials are multiplied by a power of two before."""
    T, least, powers = type(scale), pick(scale, 2.0**-120, 2.0**-1000), False
    for r in range(whole(table.rows)):
        w, rest, own, mass = table.weight[r], table.rest[r], table.own[r], table.mass[r]
        sum_ = rest + own
        p, q, none, scaled = own / sum_, rest / sum_, mass == T(0), w * scale
        loss = T(0) if none else mass * table.loss[r]
        slope, bend = T(0) if none else mass * table.slope[r], T(0) if none else mass * table.bend[r]
        slopes, bends = table.slopes[r], table.bends[r]
        slope_sum, bend_sum = slopes + slope, bends + bend
        alone = table.alone[r] != T(0)  # then there is nothing to subtract before the scale
        factor = slope_sum * (scaled if alone else T(1))
        table.multiplier[r] = T(1) if alone else scaled
        # A small factor over a large sum would be subnormal: a power of two of the sum goes its own way.
        small = (abs(factor) < least * sum_) & (factor != T(0))
        power = split(sum_)[2] if small else T(1)
        table.loss[r] = (table.losses[r] + loss) * w
        table.slope[r], table.bend[r], table.scaled[r] = slope_sum, bend_sum, scaled
        table.power[r], table.factor[r] = power, factor / (sum_ * power)
        table.value[r] = pivot_gradient(p, q, slopes, slope) * scaled
        table.second[r] = pivot_hessian(p, q, slope_sum, bends, bend) * scaled
    for r in range(table.rows):
        powers |= table.power[r] != T(1)
    return powers


@helper
def finish_activation(table: Any) -> None:
    """The factors of softmax itself."""
    for r in range(whole(table.rows)):
        sum_ = table.rest[r] + table.own[r]
        table.factor[r], table.value[r] = type(sum_)(1) / sum_, table.own[r] / sum_


# --- derive --------------------------------------------------------------------------------------------------------


@helper
def other_exponentials(e: Any, at: int, step: int, classes: int, apart: int) -> Any:
    """The sum of a row without one class."""
    high = low = e.dtype.type(0)
    for k in range(classes):
        if k != apart:
            high, low = two_sum(high, low, e[at + k * step])
    return high + low


@helper
def mend_hessian(e: Any, h: Any, table: Any) -> None:
    """The Hessian by the logit of a class that is not the pivot and has p > 1/2, where 1 - p would cancel."""
    for r in range(table.rows):
        base, sum_, at = table.peak[r], table.rest[r] + table.own[r], r * table.row_step
        if table.distance[r] > 0 and base + base > sum_:
            for k in range(table.classes):
                if e[at + k * table.class_step] == base:
                    rest = other_exponentials(e, at, table.class_step, table.classes, k) + table.own[r]
                    p, q = base / sum_, rest / sum_
                    second = hessian(p, q, table.slope[r], table.bend[r], base - base)
                    h[at + k * table.class_step] = second * table.scaled[r]


@helper
def discard_empty(slopes: Any, table: Any) -> bool:
    """Weight 0 for rows of which no class counts, and whether there are any; signed targets may add up to 0."""
    any_ = False
    for r in range(table.rows):
        if table.slope[r] == 0 and table.mass[r] == 0:
            found = False
            for k in range(table.classes):
                found |= slopes[r * table.row_step + k * table.class_step] != 0
            if not found:
                table.weight[r], any_ = 0, True
    return any_


@helper
def complete(values: Any, step: int, pivots: Any, table: Any, unusual: bool) -> None:
    """Derivatives by the pivots' logits, and 0 for rows of weight 0."""
    row_step = table.row_step
    for r in range(table.rows):
        borrow(values, r * row_step + table.pivot[r] * step, 1)[0] = pivots[r]
    if unusual:
        for r in range(table.rows):
            if table.weight[r] == 0:
                for k in range(table.classes):
                    values[r * row_step + k * step] = 0


def rows(real: Any, side_by_side: bool, targets: str, order: int) -> Any:
    """The kernel of logits of dtype real: rows side by side or along their classes, with "one" target a row or "many".

    With "none" softmax is written where a gradient would be.
    """
    soft, activation = targets == "many", targets == "none"
    layout: Any = lines if side_by_side else along
    bring, put, maxima, find_largest = layout.bring, layout.put, layout.maxima, layout.find_largest
    sums, weigh_nll = layout.sums, layout.weigh_nll
    loops = [layout.over_elements(loop) for loop in (EXPONENTIALS, POWERS, GRADIENT, SOFT_GRADIENT, HESSIAN)]
    exponentials, raise_to_powers, hard_gradient, soft_gradient, second_derivatives = loops
    read_targets = targets_reader(real, layout, soft, True)
    dtype, with_gradient, with_hessian = table_dtype(real), order >= 1, order >= 2
    table_bytes, matrices = dtype.itemsize, 2 + 2 * soft + with_hessian

    @helper
    def survey(z, e, table, hard):
        """Exponentials, and their sums without the pivots; hard: the pivots are known."""
        unscaled = exponentiate_unscaled(z, e, table)
        measured = with_hessian or not hard or not unscaled
        if measured:
            maxima(z, table)
        if not unscaled:
            scale_exponentials(table)
            exponentials(table, z, e, e, e, e, 0)
            mend_infinite_rows(z, e, table)
        elif measured:
            for r in range(table.rows):
                table.peak[r] = unscaled_exp(table.top[r])
        if not hard:
            find_largest(z, table)
        set_pivots_apart(e, table)
        if measured:
            measure_pivots(z, table)
        sums(e, table, table.rest)

    @helper
    def weigh(call_at, table_at, z, e, t, u, v):
        """Sums over all classes with a target; t becomes slopes, v bends."""
        call, table = record_at(call_at, CALL), record_at(table_at, dtype)
        step, size = table.class_step, table.lines * table.length
        for r in range(table.rows):
            place = borrow(t, r * table.row_step + table.pivot[r] * step, 1)
            table.mass[r], place[0] = place[0], 0
        if call.weigh == 0:  # the loss is -log p
            weigh_nll(z, t, u, table)
            for r in range(table.rows):
                slope = table.slopes[r]
                table.losses[r] += real(0) if slope == real(0) else slope * table.nll[r]
            if with_hessian:
                fill(borrow(v, 0, size), real(0))
        else:
            invoke_block(call.weigh, call_at, table_at, base_of(z), base_of(e), base_of(t), base_of(u), base_of(v), 0)
            sums(u, table, table.losses)
            sums(t, table, table.slopes)
        if with_hessian:
            sums(v, table, table.bends)
        else:
            for r in range(whole(table.rows)):
                table.bends[r] = 0

    @helper
    def exponentials_of(call, operand, row, table, buffer):
        """The address of the exponentials, which become the gradient, how many, and whether it lies there."""
        classes, many = call.classes, table.rows
        start, reach = row * classes, reach_of(many, classes)
        fits = call.inner == 1 and start + reach <= call.size * classes
        if with_gradient and operand.convert == 0 and not side_by_side and fits:
            return beyond(array_base(operand.array), start, operand.item_bytes), reach, True
        return base_of(buffer), buffer.size, False

    @helper
    def derive(call, table, e, t, u, v, row, hard, unusual, powers, direct):
        """Gradient and Hessian of a block; 0 for rows that do not count."""
        if with_hessian:
            if hard:
                fill(borrow(v, 0, table.lines * table.length), real(0))
            second_derivatives(table, e, e, e, e, v, 0)
            mend_hessian(e, v, table)
            complete(v, table.class_step, table.second, table, unusual)
            put(call, call.hessian, row, table.rows, v)
        if with_gradient:
            if powers:
                raise_to_powers(table, e, e, e, e, e, 0)
            if soft and not hard:
                soft_gradient(table, e, e, t, e, e, 0)
            else:
                hard_gradient(table, e, e, e, e, e, 0)
            complete(e, table.class_step, table.value, table, unusual)
            if not direct:
                put(call, call.gradient, row, table.rows, e)

    def piece(call_at, first, last, reports, task):
        """Rows first..last of a call."""
        call, report = record_at(call_at, CALL), report_of(reports, task)
        classes, inner, scale = call.classes, call.inner, real(call.scale)
        most = block_rows(classes, matrices)
        matrix = whole(most * classes) + WIDTH
        space = np.empty(matrices * matrix, real)
        z_space, e_space = borrow(space, 0, matrix), borrow(space, matrix, matrix)
        t, u = (
            borrow(space, min(2, matrices - 1) * matrix, matrix),
            borrow(space, min(3, matrices - 1) * matrix, matrix),
        )
        v = borrow(space, (matrices - 1) * matrix, matrix)
        table_at, high, low = scratch(table_bytes, np.uint8), scratch(16, np.float64), scratch(16, np.float64)
        table = record_at(base_of(table_at), dtype)
        table.classes = classes
        for j in range(16):
            high[j] = low[j] = 0
        invalid, kind, value, unusual, hard, powers = -1, 0.0, 0.0, False, True, False
        row = first
        while row < last:
            many = min(most, last - row)
            if side_by_side:
                many = min(many, inner - row % inner)
            table.rows = many
            if side_by_side:
                table.lines, table.length, table.row_step, table.class_step = classes, whole(many), 1, whole(many)
            else:
                table.lines, table.length, table.row_step, table.class_step = 1, many * classes, classes, 1
            if activation:
                for r in range(many):
                    table.pivot[r] = 0
            else:
                hard, unusual, where, what, found = read_targets(call, table, t, row, z_space)
                if invalid < 0 and where >= 0:
                    invalid, kind, value = where, what, found
            z_at, count, table.logit_step = bring(call, call.y_pred, row, many, z_space)
            z = elements(z_at, count, real)
            e_at, count, direct = exponentials_of(call, call.gradient, row, table, e_space)
            e = elements(e_at, count, real)
            survey(z, e, table, hard)
            if activation:
                finish_activation(table)
            else:
                invoke(call.maths, call_at, base_of(table_at), whole(many), 0, 0)
                if soft and not hard:
                    weigh(call_at, base_of(table_at), z, e, t, u, v)
                else:
                    no_other_targets(table)
                powers = finish(table, scale)
                losses = borrow(table.loss, 0, table.loss.size)
                for r in range(many):
                    losses[r] = losses[r] if table.weight[r] != 0 else 0
                if call.losses.item_bytes != 0:
                    write(call.losses, row, 1, borrow(losses, 0, many))
                add_losses(losses, many, high, low)
                if not hard:
                    unusual |= discard_empty(t, table)
            derive(call, table, e, t, u, v, row, hard, unusual, powers, direct)
            row += many
        report.high, report.low = total(high, low)
        report.invalid, report.kind, report.y_true = invalid, kind, value
        return np.int64(0 * space.size)  # the workspace lives until here: borrowed views are not counted

    return piece
