"""The loop over rows of classes, on any axis, with a class index or a target for every class.

A block of rows goes through three steps. Survey: maxima, exponentials, and their sums without the pivot. Maths across
rows: losses and what derivatives are made of, in vectors of rows. Derive: gradient and Hessian. The first and the last
have two layouts, `along` and `lines`; the formulas are in `_math.softmax`.
"""

from typing import Any

import numpy as np

from .._compile.invoke import invoke
from .._compile.jit import helper
from .._compile.memory import array_base, base_of, beyond, borrow, elements, scratch, workspace
from .._compile.records import record_at
from .._compile.vectors import WIDTH
from . import along, lines
from .across import finish, finish_activation, no_other_targets, weigh_evenly_step, weigh_step
from .block import arrange, begin, block_rows, end, note, put_losses, reach_of, table_dtype, task_row, whole
from .call import CALL, report_of
from .derive import deriver, discard_empty
from .survey import surveyor
from .targets import evenly, targets_reader
from .transfer import usable


def exponentials_place(side_by_side: bool, order: int) -> Any:
    """The function that chooses where the exponentials of a block lie."""

    @helper
    def exponentials_of(call, operand, row, table, buffer):
        """Their address, how many, and whether they lie where the gradient will."""
        reach = reach_of(table.rows, call.classes)
        if order >= 1 and not side_by_side and usable(call, operand, row, reach):
            return beyond(array_base(operand.array), row * call.classes, operand.item_bytes), reach, True
        return base_of(buffer), buffer.size, False

    return exponentials_of


def losses_step(real: Any, layout: Any, soft: bool, order: int) -> Any:
    """The function of the maths across rows."""
    weigh, weigh_evenly = weigh_step(real, layout, order >= 2), weigh_evenly_step(real, layout)
    dtype = table_dtype(real)

    @helper
    def losses_of(call_at, table_at, z, e, t, u, v, row, hard):
        """Whether exponentials are multiplied by a power of two, whether rows do not count."""
        call, table = record_at(call_at, CALL), record_at(table_at, dtype)
        invoke(call.maths, call_at, table_at, whole(table.rows), 0, 0)
        if soft and evenly(call):
            weigh_evenly(call, z, u, table)
        elif soft and not hard:
            weigh(call_at, table_at, z, e, t, u, v)
        else:
            no_other_targets(table)
        powers, empty = finish(table, real(call.scale)), False
        put_losses(call, table, row)
        if soft and not hard:
            empty = discard_empty(t, table)
        return powers, empty

    return losses_of


def rows(real: Any, side_by_side: bool, targets: str, order: int) -> Any:
    """The kernel of logits of dtype real: rows side by side or along their classes, with "one" target a row or "many".

    With "none" softmax is written where a gradient would be.
    """
    soft, activation = targets == "many", targets == "none"
    layout: Any = lines if side_by_side else along
    bring, read_targets = layout.bring, targets_reader(real, layout, soft, True)
    survey, exponentials_of = surveyor(layout, soft, order >= 2), exponentials_place(side_by_side, order)
    losses_of, derive = losses_step(real, layout, soft, order), deriver(real, layout, soft, order)
    dtype = table_dtype(real)
    table_bytes, matrices = dtype.itemsize, 2 + 2 * soft + (order >= 2)

    def piece(call_at, first, last, reports, task):
        """Rows first..last of a call."""
        call, report, table_at = record_at(call_at, CALL), report_of(reports, task), scratch(table_bytes, np.uint8)
        table = record_at(base_of(table_at), dtype)
        begin(table, report, call.classes)
        most = block_rows(call.classes, matrices, side_by_side)
        matrix = whole(most * call.classes) + WIDTH
        space = workspace(matrices * matrix, real)
        z_space, e_space = borrow(space, 0, matrix), borrow(space, matrix, matrix)
        t, u = borrow(space, (2 * soft) * matrix, matrix), borrow(space, (3 * soft) * matrix, matrix)
        v = borrow(space, (matrices - 1) * matrix, matrix)
        unusual, hard, powers = False, True, False
        row, last = task_row(call, first), task_row(call, last)
        while row < last:
            many = min(most, last - row)
            if side_by_side:
                many = min(many, call.inner - row % call.inner)
            arrange(table, many, side_by_side)
            if activation:
                for r in range(many):
                    table.pivot[r] = 0
            else:
                hard, unusual, where, kind, value = read_targets(call, table, t, row, z_space)
                note(report, where, kind, value)
            z_at, count, table.logit_step = bring(call, call.y_pred, row, many, z_space)
            z = elements(z_at, count, real)
            e_at, count, direct = exponentials_of(call, call.gradient, row, table, e_space)
            e = elements(e_at, count, real)
            survey(z, e, table, hard)
            if activation:
                finish_activation(table)
            else:
                powers, empty = losses_of(call_at, base_of(table_at), z, e, t, u, v, row, hard)
                unusual |= empty
            derive(call, table, e, t, v, row, hard, unusual, powers, direct)
            row += many
        end(table, report)
        return np.int64(0 * space.size)  # the workspace lives until here: borrowed views are not counted

    return piece
