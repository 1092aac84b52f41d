"""The targets of a block of rows: what every class has of them, smoothing and class weights included."""

from typing import Any

import numpy as np

from .._compile.jit import helper, independent
from .._compile.memory import array_base, borrow, elements, prefetch
from .._math.primitives import pick
from .._request.messages import TARGET
from .block import examine, weigh_by_class
from .broadcast import PART
from .call import read


@independent
def fill(t: Any, value: Any) -> None:
    """t[:] = value."""
    for i in range(t.size):
        t[i] = value


@independent
def _smooth(y: Any, t: Any, keep: Any, even: Any) -> bool:
    """Smoothed targets; whether one of those that are read lies outside [0, 1]."""
    outside = False
    for i in range(t.size):
        outside |= (y[i] < 0) | (y[i] > 1)
        t[i] = y[i] * keep + even
    return outside


@independent
def _scale(t: Any, factor: Any) -> None:
    for i in range(t.size):
        t[i] *= factor


@independent
def _multiply(t: Any, factors: Any) -> None:
    for i in range(t.size):
        t[i] *= factors[i]


@helper
def _weigh(call: Any, t: Any, table: Any) -> None:
    """Targets times class weights."""
    if call.has_factors == 0:
        return
    factors = elements(array_base(call.class_factors.array), table.classes, t.dtype)
    if table.row_step == 1:
        for k in range(table.classes):
            _scale(borrow(t, k * table.class_step, table.length), factors[k])
    else:
        for r in range(table.rows):
            _multiply(borrow(t, r * table.row_step, table.classes), factors)


@helper
def evenly(call: Any) -> bool:
    """Whether smoothing gives all classes but the label one target, and the loss needs no matrix of targets.

    The loss is then a difference; up to this smoothing it is at least half of -log p of the label.
    """
    return (call.indices != 0) & (call.weigh == 0) & (call.has_factors == 0) & (0 < call.label_smoothing <= 0.5)


@helper
def smoothing_of(call: Any, T: Any) -> Any:
    """What smoothing leaves of a target, and what it gives to every class."""
    return T(1.0 - call.label_smoothing), T(call.label_smoothing) / T(call.classes)


@helper
def _spread_indices(t: Any, table: Any, keep: Any, even: Any) -> None:
    """Targets of class indices, of which smoothing gives every class a share."""
    fill(borrow(t, 0, table.lines * table.length), even)
    for r in range(table.rows):
        borrow(t, r * table.row_step + table.pivot[r] * table.class_step, 1)[0] += keep


@helper
def _smooth_dense(y: Any, y_step: int, t: Any, table: Any, keep: Any, even: Any) -> bool:
    """Targets of dense labels; whether one of those that are read lies outside [0, 1]."""
    outside = False
    for k in range(table.lines):
        for start in range(0, table.length, PART):
            count, at = min(PART, table.length - start), k * y_step + start
            prefetch(y, at + table.length, at + table.length + count)
            outside |= _smooth(borrow(y, at, count), borrow(t, k * table.length + start, count), keep, even)
    return outside


@helper
def _first_outside(y: Any, y_step: int, table: Any) -> Any:
    """Row, class and value of the first target of a row of some weight that is outside [0, 1], or -1."""
    for r in range(table.rows):
        for k in range(table.classes):
            target = y[r * table.row_step + k * y_step]
            if table.weight[r] != 0 and (target < 0 or target > 1):
                return r, k, target
    return -1, -1, pick(y[0], 0.0, 0.0)


def targets_reader(real: Any, layout: Any, soft: bool, pivots_suffice: bool) -> Any:
    """The function that reads and checks weights and targets of a block, with a target for every class if soft.

    pivots_suffice: targets are not spread where each row of the block has one, which is 1.
    """
    bring, find_one_hot = layout.bring, layout.find_one_hot

    @helper
    def read_targets(call, table, t, first, space):
        """Whether pivots are known and no matrix of targets is needed; whether a row has weight 0; the first invalid
        element or -1, what it is, its value."""
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
        if evenly(call):
            return True, unusual, invalid, kind, value
        keep, even = smoothing_of(call, real)
        if call.indices != 0:
            _spread_indices(t, table, keep, even)
        else:
            y_at, count, y_step = bring(call, call.y_true, first, table.rows, space)
            y = elements(y_at, count, real)
            if (
                pivots_suffice
                and call.label_smoothing == 0
                and find_one_hot(y, y_step, table) == table.rows
                and call.has_factors == 0
            ):
                return True, unusual, invalid, kind, value
            if _smooth_dense(y, y_step, t, table, keep, even) and call.signed_targets == 0:
                r, k, target = _first_outside(y, y_step, table)
                if r >= 0 and (invalid < 0 or first + r < invalid):
                    invalid, kind, value = (first + r) * call.classes + k, TARGET, np.float64(target)
        if pivots_suffice and (call.indices != 0 or call.label_smoothing > 0):
            for r in range(table.rows):
                pivot[r], table.alone[r] = -1, 0
        _weigh(call, t, table)
        return False, unusual, invalid, kind, value

    return read_targets
