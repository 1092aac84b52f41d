"""The first step of a block of rows: maxima, exponentials, and their sums without the pivots."""

import math
from typing import Any

from .._compile.jit import helper, independent
from .._compile.memory import borrow, prefetch
from .._math.primitives import magnitude, pick
from .._math.softmax import UNSCALED, scaled_exp, scaling, unscaled_exp
from .block import whole
from .broadcast import EXPONENTIALS, PART


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
    """The exponentials of rows whose maximum is infinite: the limit, or NaN where there is none."""
    for r in range(table.rows):
        top, start = table.top[r], r * table.row_step
        if abs(top) == math.inf:
            peaks = 0
            for k in range(table.classes):
                peaks += z[start + k * table.logit_step] == top
            for k in range(table.classes):
                x = z[start + k * table.logit_step]
                limit = 1 if x == top else (0 if x < top else math.nan)
                e[start + k * table.class_step] = limit if top > 0 and peaks == 1 else math.nan


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
        x = borrow(z, r * row_step + table.pivot[r] * class_step, 1)[0]
        table.distance[r] = table.top[r] - x  # NaN for two infinite ones: neither far nor above 0


def surveyor(layout: Any, soft: bool, with_hessian: bool) -> Any:
    """The function of this step."""
    maxima, find_largest, sums = layout.maxima, layout.find_largest, layout.sums
    exponentials = layout.over_elements(EXPONENTIALS)

    @helper
    def survey(z, e, table, hard):
        """Exponentials, and their sums without the pivots; hard: the pivots are known."""
        unscaled = exponentiate_unscaled(z, e, table)
        measured = with_hessian or not hard or not unscaled
        if measured:
            maxima(z, table)
        if not unscaled:
            scale_exponentials(table)
            exponentials(table, z, e, e, e, e, table.shift, table.magic, table.floor, table.floor, 0)
            mend_infinite_rows(z, e, table)
        elif measured:
            for r in range(table.rows):
                table.peak[r] = unscaled_exp(table.top[r])
        if soft and not hard:
            find_largest(z, table)
        set_pivots_apart(e, table)
        if measured:
            measure_pivots(z, table)
        sums(e, table, table.rest)

    return survey
