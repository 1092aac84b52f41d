"""A block of rows of classes: how many rows it has, what is known of each of them, and how their losses are added.

The logits, exponentials and targets of a block are matrices: each row along its classes (`along`), or each class a
line in which rows lie side by side (`lines`).
"""

from functools import cache
from typing import Any

import numpy as np

from .._compile.jit import helper, independent
from .._compile.memory import array_base, borrow, elements
from .._compile.vectors import WIDTH
from .._math.elementary import two_sum
from .._request.messages import LABEL, WEIGHT
from .call import read_weights, write

ROWS = 256
"""Rows of a block, at most."""
SIDE_BY_SIDE = 128
"""Rows of a block that lie side by side, at least: shorter pieces of a line took twice as long at 60 classes."""
SHORT = 512
"""Up to how many classes a task has whole vectors of rows."""
NEAR, NEAR_LINES, FAR = 3072, 4096, 65536
"""Elements of the matrices of a block: rows along their classes fit the first-level cache with the next block; long
rows, and lines of many classes, the second. As measured."""
_ROW_FIELDS = ("top", "shift", "magic", "floor", "peak", "own", "rest", "distance", "weight", "mass", "loss", "slope",
               "bend", "nll", "losses", "slopes", "bends", "alone", "scaled", "inverse", "factor", "power",
               "multiplier", "value", "second")  # fmt: skip


@cache
def table_dtype(real: Any) -> Any:
    """What is known of each row of a block.

    top, shift, magic, floor: the maximum (at the end, of smoothed indices, the pivot's logit), and how its exponentials
    are scaled; peak: that of the maximum. pivot: the class that is kept apart so that nothing cancels (the one with the
    target, or the most probable one); own, rest: its exponential, and the sum of all others; distance: its logit below
    the maximum; mass: its target. loss, slope, bend, nll: of the pivot, see `_math.softmax`; losses, slopes, bends:
    sums over all other classes; alone: 1 where only the pivot has a target, else 0. scaled: weight times scale of the
    derivatives. inverse, factor, power: what exponentials are multiplied by; multiplier: what the difference to the
    targets is. value, second: the derivatives by the pivot's logit.

    Row r, class k of a matrix lies at r * row_step + k * class_step, of logits at r * row_step + k * logit_step; a
    matrix has so many lines, each of one length. high, low: WIDTH sums of the losses of all blocks, in two parts.
    """
    fields: list[Any] = [(name, real, (ROWS,)) for name in _ROW_FIELDS]
    numbers = ("rows", "classes", "lines", "length", "row_step", "class_step", "logit_step")
    sums: list[Any] = [(name, np.float64, (WIDTH,)) for name in ("high", "low")]
    return np.dtype([*fields, ("pivot", np.int64, (ROWS,)), *((name, np.int64) for name in numbers), *sums])


@helper
def whole(count: int) -> int:
    """A count, rounded up to full vectors."""
    return (count + WIDTH - 1) // WIDTH * WIDTH


@helper
def block_rows(classes: int, matrices: int, side_by_side: bool) -> int:
    """How many rows of so many classes make a block of matrices: whole vectors of rows, unless rows are long."""
    elements = classes * matrices
    near = (NEAR_LINES if side_by_side else NEAR) // elements // WIDTH * WIDTH
    far = SIDE_BY_SIDE if side_by_side else min(WIDTH, FAR // elements + (elements > FAR))
    return min(ROWS, near if near > far else far)


@helper
def task_row(call: Any, row: int) -> int:
    """Where a task begins or ends: vectors of rows stay together, unless rows are long."""
    return row if row == call.size or call.classes > SHORT else row // WIDTH * WIDTH


@helper
def reach_of(rows: int, classes: int) -> int:
    """How many elements are read of so many rows, one behind the other: full vectors, and short rows 16 at a time."""
    return (whole(rows) if classes <= WIDTH else rows) * classes + WIDTH


@independent
def _accumulate(losses: Any, high: Any, low: Any) -> None:
    for j in range(losses.size):
        high[j], low[j] = two_sum(high[j], low[j], np.float64(losses[j]))


@helper
def begin(table: Any, report: Any, classes: int) -> None:
    """Nothing is added yet, and nothing invalid is found."""
    table.classes, report.invalid = classes, -1
    for j in range(WIDTH):
        table.high[j] = table.low[j] = 0


@helper
def arrange(table: Any, rows: int, side_by_side: bool) -> None:
    """Where the rows of a block lie in its matrices."""
    classes = table.classes
    table.rows = rows
    if side_by_side:
        table.lines, table.length, table.row_step, table.class_step = classes, whole(rows), 1, whole(rows)
    else:
        table.lines, table.length, table.row_step, table.class_step = 1, rows * classes, classes, 1


@helper
def note(report: Any, invalid: int, kind: Any, value: Any) -> None:
    """Report an invalid element, if there is one and it is the first."""
    if report.invalid < 0 and invalid >= 0:
        report.invalid, report.kind, report.y_true = invalid, kind, value


@helper
def put_losses(call: Any, table: Any, first: int) -> None:
    """Write the losses of a block, 0 for rows of weight 0, and add them.

    They are added to WIDTH sums of two parts: the result does not depend on how rows are grouped.
    """
    rows = table.rows
    losses = borrow(table.loss, 0, table.loss.size)
    for r in range(rows):
        losses[r] = losses[r] if table.weight[r] != 0 else 0
    if call.losses.item_bytes != 0:
        write(call.losses, first, 1, borrow(losses, 0, rows))
    for r in range(rows, whole(rows)):
        losses[r] = 0
    for r in range(0, rows, WIDTH):
        _accumulate(borrow(losses, r, WIDTH), table.high, table.low)


@helper
def end(table: Any, report: Any) -> None:
    """Report the sum of all losses."""
    high, low = table.high[0], table.low[0]
    for j in range(1, WIDTH):
        high, low = two_sum(high, low + table.low[j], table.high[j])
    report.high, report.low = high, low


@helper
def examine(call: Any, first: int, pivot: Any, w: Any) -> Any:
    """Read the weights of rows from first on and check them and the class indices: weight 0 for what does not count.

    Returns whether a row has weight 0, and the first invalid row or -1, what it is, its value.
    """
    invalid, kind, value = -1, 0.0, 0.0
    read_weights(call, first, w)
    unusual = np.int64(0)
    for r in range(w.size):
        label = pivot[r]
        unusual |= np.int64(
            (label < 0) | (label >= call.classes) | ((call.has_ignore != 0) & (label == call.ignore_index))
        )
        unusual |= np.int64(not w[r] > 0)
    if unusual != 0:
        for r in range(w.size):
            if invalid < 0 and w[r] < 0:
                invalid, kind, value = first + r, WEIGHT, np.float64(w[r])
            if call.has_ignore != 0 and pivot[r] == call.ignore_index:
                w[r] = 0
            elif pivot[r] < 0 or pivot[r] >= call.classes:
                if invalid < 0 and w[r] != 0:
                    invalid, kind = first + r, LABEL
                w[r] = 0
            if w[r] == 0:
                pivot[r] = 0
    return unusual != 0, invalid, kind, value


@helper
def weigh_by_class(call: Any, pivot: Any, w: Any) -> bool:
    """Multiply the weights of rows by those of their classes; whether one is 0."""
    factors = elements(array_base(call.class_factors.array), call.classes, w.dtype)
    none = np.int64(0)
    for r in range(w.size):
        w[r] *= factors[pivot[r]]
        none |= np.int64(w[r] == 0)
    return none != 0
