"""The targets of a block of rows: what every class has of them, smoothing and class weights included."""

from typing import Any

from .._compile.jit import helper, independent
from .._compile.memory import array_base, borrow, elements
from .._math.primitives import pick


@independent
def _fill(t: Any, value: Any) -> None:
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
def spread_indices(call: Any, t: Any, table: Any, side_by_side: bool, keep: Any, even: Any) -> None:
    """Targets of class indices, of which smoothing gives every class a share."""
    pitch = table.pitch
    height = table.classes if side_by_side else table.rows
    _fill(borrow(t, 0, height * pitch), even)
    for r in range(table.rows):
        k = table.pivot[r]
        borrow(t, k * pitch + r if side_by_side else r * pitch + k, 1)[0] += keep
    _weigh(call, t, table, side_by_side)


@helper
def smooth_targets(
    call: Any, y: Any, y_pitch: int, t: Any, table: Any, side_by_side: bool, keep: Any, even: Any
) -> Any:
    """Targets of dense labels; row and class of the first of a row of some weight that is outside [0, 1], or -1."""
    pitch, outside = table.pitch, False
    for i in range(table.classes if side_by_side else table.rows):
        outside |= _smooth(borrow(y, i * y_pitch, pitch), borrow(t, i * pitch, pitch), keep, even)
    _weigh(call, t, table, side_by_side)
    if outside and call.signed_targets == 0:
        row_step, class_step = (1, y_pitch) if side_by_side else (y_pitch, 1)
        for r in range(table.rows):
            for k in range(table.classes):
                target = y[r * row_step + k * class_step]
                if table.weight[r] != 0 and (target < 0 or target > 1):
                    return r, k, target
    return -1, -1, pick(even, 0.0, 0.0)


@helper
def _weigh(call: Any, t: Any, table: Any, side_by_side: bool) -> None:
    """Targets times class weights."""
    if call.has_factors == 0:
        return
    classes, pitch = table.classes, table.pitch
    factors = elements(array_base(call.class_factors.array), classes, t.dtype)
    if side_by_side:
        for k in range(classes):
            _scale(borrow(t, k * pitch, pitch), factors[k])
        return
    for r in range(table.rows):
        _multiply(borrow(t, r * pitch, classes), factors)
