"""The steps of a block of rows that lie side by side: row r, class k of a matrix lies at k * pitch + r.

For few classes, of which rows would not fill vectors, and for classes that are not on the last axis.
"""

import math
from typing import Any

import numpy as np

from .._compile.jit import helper, independent
from .._compile.memory import borrow, scratch
from .._compile.vectors import WIDTH, lanes_at, plus, put_lanes
from .._math.softmax import gradient, hessian, scaled_exp
from .block import ROWS, exponentials_at_infinity

MOST = 64
"""Classes of the longest rows that are taken side by side."""


@independent
def _copy(z: Any, results: Any) -> None:
    for r in range(z.size):
        results[r] = z[r]


@independent
def _raise(z: Any, tops: Any) -> None:
    for r in range(z.size):
        x, top = z[r], tops[r]
        tops[r] = top if top > x else x


@independent
def _exponentiate(z: Any, shift: Any, magic: Any, floor: Any, e: Any) -> None:
    for r in range(e.size):
        e[r] = scaled_exp(z[r], shift[r], magic[r], floor[r])


@independent
def _note(z: Any, tops: Any, k: Any, pivots: Any) -> None:
    for r in range(z.size):
        before = pivots[r]
        pivots[r] = k if z[r] == tops[r] else before


@helper
def maxima(z: Any, table: Any) -> None:
    """The maximum of each row. NaNs are passed over: they surface in the sum."""
    tops = borrow(table.top, 0, table.pitch)
    _copy(borrow(z, 0, table.pitch), tops)
    for k in range(1, table.classes):
        _raise(borrow(z, k * table.logit_pitch, table.pitch), tops)


@helper
def exponentials(z: Any, e: Any, table: Any) -> None:
    """The scaled exponentials of each row."""
    pitch = table.pitch
    shift, magic, floor = borrow(table.shift, 0, pitch), borrow(table.magic, 0, pitch), borrow(table.floor, 0, pitch)
    for k in range(table.classes):
        _exponentiate(borrow(z, k * table.logit_pitch, pitch), shift, magic, floor, borrow(e, k * pitch, pitch))
    for r in range(table.rows):
        if abs(table.top[r]) == math.inf:
            exponentials_at_infinity(borrow(z, r, z.size - r), borrow(e, r, e.size - r), table.logit_pitch, pitch,
                                     table.classes, table.top[r])  # fmt: skip


@independent
def _look(y: Any, k: Any, count: Any, sum_: Any, last: Any) -> None:
    for r in range(y.size):
        x, before = y[r], last[r]
        count[r] += 0 if x == 0 else 1
        sum_[r] += x
        last[r] = before if x == 0 else k


@helper
def find_one_hot(y: Any, y_pitch: int, table: Any) -> int:
    """The class of each row of targets whose only one is a 1 is its pivot, else -1; how many have one."""
    T, pitch, found = y.dtype.type, table.pitch, 0
    count, sum_, last = scratch(256, y.dtype), scratch(256, y.dtype), scratch(256, y.dtype)
    for r in range(pitch):
        count[r] = sum_[r] = last[r] = 0
    for k in range(table.classes):
        _look(borrow(y, k * y_pitch, pitch), T(k), borrow(count, 0, pitch), sum_, last)
    for r in range(table.rows):
        hot = count[r] == 1 and sum_[r] == 1
        table.pivot[r], table.alone[r] = np.int64(last[r]) if hot else -1, hot
        found += hot
    return found


@helper
def find_largest(z: Any, table: Any) -> None:
    """The first class that has the maximum is the pivot of a row that has none."""
    numbers, T = scratch(256, z.dtype), z.dtype.type
    for r in range(table.pitch):
        numbers[r] = 0
    for k in range(table.classes - 1, -1, -1):
        line = borrow(z, k * table.logit_pitch, table.pitch)
        _note(line, borrow(table.top, 0, table.pitch), T(k), borrow(numbers, 0, table.pitch))
    for r in range(table.rows):
        table.pivot[r] = table.pivot[r] if table.pivot[r] >= 0 else np.int64(numbers[r])


@helper
def _add(values: Any, a: int, b: int, results: Any, at: int, count: int) -> None:
    """A line of results = the sum of two lines of values."""
    for i in range(0, count, WIDTH):
        put_lanes(results, at + i, plus(lanes_at(values, a + i), lanes_at(values, b + i)))


@helper
def sums(values: Any, table: Any, results: Any) -> None:
    """The sum of each row of a matrix, in the order of those of `along`: 16 sums, then neighbours."""
    classes, pitch = table.classes, table.pitch
    used, work = min(classes, WIDTH), scratch(4096, values.dtype)  # WIDTH lines of ROWS
    if classes == 1:
        _copy(borrow(values, 0, pitch), borrow(results, 0, pitch))
        return
    if classes <= WIDTH:
        for k in range(0, classes - 1, 2):
            _add(values, k * pitch, (k + 1) * pitch, work, k // 2 * ROWS, pitch)
        if classes % 2 != 0:
            _copy(borrow(values, (classes - 1) * pitch, pitch), borrow(work, classes // 2 * ROWS, pitch))
        used = (classes + 1) // 2
    else:
        for k in range(WIDTH):
            if k + WIDTH < classes:
                _add(values, k * pitch, (k + WIDTH) * pitch, work, k * ROWS, pitch)
            else:
                _copy(borrow(values, k * pitch, pitch), borrow(work, k * ROWS, pitch))
        for k in range(2 * WIDTH, classes):
            line = borrow(values, k * pitch, pitch)
            for i in range(0, pitch, WIDTH):
                at = k % WIDTH * ROWS + i
                put_lanes(work, at, plus(lanes_at(work, at), lanes_at(line, i)))
    step = 1
    while step < used:
        for k in range(0, used - step, 2 * step):
            _add(work, k * ROWS, (k + step) * ROWS, work, k * ROWS, pitch)
        step *= 2
    _copy(borrow(work, 0, pitch), borrow(results, 0, pitch))


@independent
def _hard(e: Any, g: Any, power: Any, factor: Any, number: Any, k: Any, value: Any) -> None:
    for r in range(g.size):
        x, own = e[r] * power[r] * factor[r], value[r]
        g[r] = own if number[r] == k else x


@independent
def _soft(e: Any, slopes: Any, g: Any, table: Any, number: Any, k: Any) -> None:
    for r in range(g.size):
        x, own, alone = e[r], table.value[r], table.alone[r] != 0
        soft = gradient(x * table.inverse[r], table.slope[r], slopes[r]) * table.scaled[r]
        hard = x * table.power[r] * table.factor[r]
        x = hard if alone else soft
        g[r] = own if number[r] == k else x


@independent
def _product(z: Any, t: Any, u: Any, tops: Any) -> None:
    for r in range(u.size):
        target = t[r]
        x = target * (tops[r] - z[r])
        u[r] = target if target == 0 else x


@independent
def _hessian(e: Any, bends: Any, h: Any, inverse: Any, slope: Any, bend: Any, factor: Any, number: Any, k: Any,
             second: Any) -> None:  # fmt: skip
    T = e.dtype.type
    for r in range(h.size):
        p, own = e[r] * inverse[r], second[r]
        x = hessian(p, T(1) - p, slope[r], bend[r], bends[r]) * factor[r]
        h[r] = own if number[r] == k else x


@helper
def _numbers(table: Any, numbers: Any) -> Any:
    """The pivots as numbers of the compute dtype: as wide as the values, so no repacking in the vector loops."""
    for r in range(table.rows):
        numbers[r] = table.pivot[r]
    for r in range(table.rows, table.pitch):
        numbers[r] = 0
    return borrow(numbers, 0, table.pitch)


@helper
def derive_hard(e: Any, g: Any, table: Any, g_pitch: int) -> None:
    """The gradient where only the pivot has a target."""
    pitch, T, numbers = table.pitch, e.dtype.type, _numbers(table, scratch(256, e.dtype))
    for k in range(table.classes):
        _hard(borrow(e, k * pitch, pitch), borrow(g, k * g_pitch, pitch), table.power, table.factor, numbers, T(k),
              table.value)  # fmt: skip


@helper
def derive_soft(e: Any, slopes: Any, g: Any, table: Any, g_pitch: int) -> None:
    """The gradient where every class has a target."""
    pitch, T, numbers = table.pitch, e.dtype.type, _numbers(table, scratch(256, e.dtype))
    for k in range(table.classes):
        _soft(borrow(e, k * pitch, pitch), borrow(slopes, k * pitch, pitch), borrow(g, k * g_pitch, pitch), table,
              numbers, T(k))  # fmt: skip


@helper
def derive_hessian(e: Any, bends: Any, h: Any, table: Any, h_pitch: int) -> None:
    """The Hessian."""
    pitch, T, numbers = table.pitch, e.dtype.type, _numbers(table, scratch(256, e.dtype))
    for k in range(table.classes):
        _hessian(borrow(e, k * pitch, pitch), borrow(bends, k * pitch, pitch), borrow(h, k * h_pitch, pitch),
                 table.inverse, table.slope, table.bend, table.scaled, numbers, T(k), table.second)  # fmt: skip


@helper
def clear(g: Any, table: Any, r: int, g_pitch: int) -> None:
    """0 for all classes of a row."""
    for k in range(table.classes):
        g[k * g_pitch + r] = 0


@helper
def weigh_nll(z: Any, t: Any, u: Any, table: Any) -> None:
    """Sums over the classes that are not the pivot: of targets times distances below the maximum, and of targets."""
    pitch = table.pitch
    for k in range(table.classes):
        at = k * pitch
        _product(borrow(z, k * table.logit_pitch, pitch), borrow(t, at, pitch), borrow(u, at, pitch), table.top)
    sums(u, table, table.losses)
    sums(t, table, table.slopes)
