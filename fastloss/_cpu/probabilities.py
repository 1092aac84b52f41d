"""The loop over rows of probabilities: each class counts on its own."""

from typing import Any

import numpy as np

from .._compile.invoke import invoke, invoke_block
from .._compile.jit import helper
from .._compile.memory import base_of, borrow, elements, scratch, workspace
from .._compile.records import record_at
from .._compile.vectors import WIDTH
from .._request.messages import PREDICTION, TARGET
from . import along
from .block import arrange, begin, block_rows, end, note, put_losses, table_dtype, task_row, whole
from .broadcast import SCALE, along_rows
from .call import CALL, report_of
from .targets import fill, targets_reader
from .transfer import put_rows, rows_of

multiply = along_rows(SCALE)


@helper
def first_outside(p: Any, table: Any, over: Any) -> Any:
    """Whether not all of a block lie in [0, 1]; the first outside, of a row of some weight, or -1: NaN is not."""
    bad = False
    for i in range(table.rows * table.classes):
        bad |= not ((p[i] >= 0) & (p[i] <= 1))
    if bad:
        for r in range(table.rows):
            for k in range(table.classes):
                x = p[r * table.classes + k]
                if table.weight[r] != 0 and (x < -over or x > 1 + over):
                    return True, r * table.classes + k, x
    return bad, -1, p[0]


@helper
def keep_nan(p: Any, g: Any, table: Any) -> None:
    """NaN in, NaN out: also for a class that is no part of the target."""
    for r in range(table.rows):
        for k in range(table.classes):
            i = r * table.classes + k
            if table.weight[r] != 0 and p[i] != p[i]:
                table.loss[r] = p[i]
                if g.size > i:
                    g[i] = p[i]


@helper
def fill_derivative(values: Any, derivatives: Any, table: Any, soft: bool) -> None:
    """Derivatives by probabilities; 0 where a class has no target."""
    if soft:
        scaled = table.scaled
        multiply(table, values, values, values, values, values, scaled, scaled, scaled, scaled, 0)
    else:
        fill(borrow(values, 0, table.length), values.dtype.type(0))
        for r in range(table.rows):
            borrow(values, r * table.classes + table.pivot[r], 1)[0] = derivatives[r] * table.scaled[r]
    for r in range(table.rows):
        if table.weight[r] == 0:
            fill(borrow(values, r * table.classes, table.classes), values.dtype.type(0))


def maths_step(real: Any, soft: bool) -> Any:
    """The function of the losses of a block."""
    dtype = table_dtype(real)

    @helper
    def maths(call_at, table_at, p, t, u, v):
        """Losses of the rows, and in t and v, or in slope and bend, what their derivatives are made of."""
        call, table = record_at(call_at, CALL), record_at(table_at, dtype)
        scale = real(call.scale)
        if soft:
            invoke_block(call.weigh, call_at, table_at, base_of(p), base_of(p), base_of(t), base_of(u), base_of(v), 0)
            along.sums(u, table, table.loss)
        else:
            for r in range(table.rows):
                table.own[r] = borrow(p, r * table.classes + table.pivot[r], 1)[0]
            for r in range(table.rows, whole(table.rows)):
                table.own[r] = 0
            invoke(call.maths, call_at, table_at, whole(table.rows), 0, 0)
        for r in range(table.rows):
            w = table.weight[r]
            table.loss[r] *= w
            table.scaled[r] = w * scale

    return maths


def probabilities(real: Any, soft: bool, order: int) -> Any:
    """The kernel of probabilities of dtype real, with one target a row or many."""
    dtype, with_gradient, with_hessian = table_dtype(real), order >= 1, order >= 2
    table_bytes, matrices = dtype.itemsize, 5
    read_targets, maths = targets_reader(real, along, soft, False), maths_step(real, soft)

    def piece(call_at, first, last, reports, task):
        """Rows first..last of a call."""
        call, report, table_at = record_at(call_at, CALL), report_of(reports, task), scratch(table_bytes, np.uint8)
        table, classes = record_at(base_of(table_at), dtype), call.classes
        begin(table, report, classes)
        table.logit_step = 1
        most = block_rows(classes, matrices, False)
        matrix = whole(most * classes) + WIDTH
        space = workspace(matrices * matrix, real)
        p_space, y_space, t = borrow(space, 0, matrix), borrow(space, matrix, matrix), borrow(space, 2 * matrix, matrix)
        u, v = borrow(space, 3 * matrix, matrix), borrow(space, 4 * matrix, matrix)
        row, last = task_row(call, first), task_row(call, last)
        while row < last:
            many = min(most, last - row)
            arrange(table, many, False)
            _, _, where, kind, value = read_targets(call, table, t, row, y_space)
            p_at, count, _ = rows_of(call, call.y_pred, row, many, p_space)
            p = elements(p_at, count, real)
            bad, at, x = first_outside(p, table, real(call.slack))
            if at >= 0:
                place = where // classes if kind == TARGET else where
                if where < 0 or row + at // classes < place:
                    where, kind, value = row * classes + at, PREDICTION, np.float64(x)
            note(report, where, kind, value)
            maths(call_at, base_of(table_at), p, t, u, v)
            if with_hessian:
                fill_derivative(v, table.bend, table, soft)
                if bad:
                    keep_nan(p, v, table)
                put_rows(call, call.hessian, row, many, v)
            if with_gradient:
                fill_derivative(t, table.slope, table, soft)
            if bad:
                keep_nan(p, borrow(t, 0, matrix if with_gradient else 0), table)
            if with_gradient:
                put_rows(call, call.gradient, row, many, t)
            put_losses(call, table, row)
            row += many
        end(table, report)
        return np.int64(0 * space.size)  # the workspace lives until here: borrowed views are not counted

    return piece
