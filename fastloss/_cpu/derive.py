"""The last step of a block of rows: gradient and Hessian."""

from typing import Any

from .._compile.jit import helper
from .._compile.memory import borrow
from .._math.elementary import two_sum
from .._math.softmax import hessian
from .broadcast import EVEN_GRADIENT, HESSIAN, SCALE, SOFT_GRADIENT
from .targets import evenly, fill, smoothing_of


@helper
def sum_without(values: Any, at: int, step: int, classes: int, apart: int) -> Any:
    """The sum of a row without one class."""
    high = low = values.dtype.type(0)
    for k in range(classes):
        if k != apart:
            high, low = two_sum(high, low, values[at + k * step])
    return high + low


@helper
def mend_hessian(e: Any, h: Any, table: Any) -> None:
    """The Hessian by the logit of a class that is not the pivot and has p > 1/2, where 1 - p would cancel."""
    for r in range(table.rows):
        base, sum_, at = table.peak[r], table.rest[r] + table.own[r], r * table.row_step
        if table.distance[r] > 0 and base + base > sum_:
            for k in range(table.classes):
                if e[at + k * table.class_step] == base:
                    rest = sum_without(e, at, table.class_step, table.classes, k) + table.own[r]
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
    """Derivatives by the pivots' logits, and 0 for rows of weight 0; step: the distance of two classes."""
    row_step = table.row_step
    for r in range(table.rows):
        borrow(values, r * row_step + table.pivot[r] * step, 1)[0] = pivots[r]
    if unusual:
        for r in range(table.rows):
            if table.weight[r] == 0:
                for k in range(table.classes):
                    values[r * row_step + k * step] = 0


def deriver(real: Any, layout: Any, soft: bool, order: int) -> Any:
    """The function of this step."""
    put, place, with_gradient, with_hessian = layout.put, layout.place, order >= 1, order >= 2
    scale, soft_gradient, second_derivatives = map(layout.over_elements, (SCALE, SOFT_GRADIENT, HESSIAN))
    even_gradient = layout.over_elements(EVEN_GRADIENT)

    @helper
    def derive(call, table, e, t, v, row, hard, unusual, powers, direct):
        """Gradient and Hessian of a block; 0 for rows that do not count."""
        if with_hessian:
            if hard:
                fill(borrow(v, 0, table.lines * table.length), real(0))
            second_derivatives(table, e, e, e, e, v, table.inverse, table.slope, table.bend, table.scaled, 0)
            mend_hessian(e, v, table)
            complete(v, table.class_step, table.second, table, unusual)
            put(call, call.hessian, row, table.rows, v)
        if with_gradient:
            factor = table.factor
            if powers:
                table.logit_step = table.class_step  # what is written in place of logits is e itself
                scale(table, e, e, e, e, e, table.power, table.power, table.power, table.power, 0)
            g, step, there = place(call, table, row, e, direct)
            if soft and evenly(call):
                _, even = smoothing_of(call, real)
                even_gradient(table, g, e, e, e, e, factor, table.multiplier, factor, factor, even)
            elif soft and not hard:
                soft_gradient(table, g, e, t, e, e, factor, table.multiplier, factor, factor, 0)
            else:
                scale(table, g, e, e, e, e, factor, factor, factor, factor, 0)
            complete(g, step, table.value, table, unusual)
            if not there:
                put(call, call.gradient, row, table.rows, e)

    return derive
