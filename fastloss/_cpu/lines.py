"""The steps of a block of rows that lie side by side: row r, class k of a matrix lies at k * pitch + r.

For classes that are not on the last axis: the lines lie in memory as they are.
"""

from typing import Any

import numpy as np

from .._compile.jit import helper, independent, scalar
from .._compile.memory import borrow, copy, scratch
from .._compile.vectors import WIDTH, lanes_at, plus, put_lanes
from .block import ROWS
from .broadcast import across_rows as over_elements
from .transfer import lines_of as bring, place_of_lines as place, put_lines as put

__all__ = ["add_differences", "bring", "find_largest", "find_one_hot", "maxima", "over_elements", "place", "put",
           "sums", "weigh_nll"]  # fmt: skip
MOST = 64
"""Classes of the longest rows that are taken side by side."""


@independent
def _raise(z: Any, tops: Any) -> None:
    for r in range(z.size):
        x, top = z[r], tops[r]
        tops[r] = top if top > x else x


@independent
def _note(z: Any, tops: Any, k: Any, pivots: Any) -> None:
    for r in range(z.size):
        before = pivots[r]
        pivots[r] = k if z[r] == tops[r] else before


@helper
def maxima(z: Any, table: Any) -> None:
    """The maximum of each row. NaNs are skipped: the sum of the row has them."""
    tops = borrow(table.top, 0, table.length)
    copy(borrow(z, 0, table.length), tops)
    for k in range(1, table.classes):
        _raise(borrow(z, k * table.logit_step, table.length), tops)


@independent
def _look(y: Any, k: Any, count: Any, sum_: Any, last: Any) -> None:
    for r in range(y.size):
        x, before = y[r], last[r]
        count[r] += 0 if x == 0 else 1
        sum_[r] += x
        last[r] = before if x == 0 else k


@helper
def find_one_hot(y: Any, step: int, table: Any) -> int:
    """The class of each row of targets whose only one is a 1 is its pivot, else -1; how many have one."""
    T, pitch, found = y.dtype.type, table.length, 0
    count, sum_, last = scratch(256, y.dtype), scratch(256, y.dtype), scratch(256, y.dtype)
    for r in range(pitch):
        count[r] = sum_[r] = last[r] = 0
    for k in range(table.classes):
        _look(borrow(y, k * step, pitch), T(k), borrow(count, 0, pitch), sum_, last)
    for r in range(table.rows):
        hot = count[r] == 1 and sum_[r] == 1
        table.pivot[r], table.alone[r] = np.int64(last[r]) if hot else -1, hot
        found += hot
    return found


@helper
def find_largest(z: Any, table: Any) -> None:
    """The first class that has the maximum is the pivot of a row that has none."""
    numbers, T = scratch(256, z.dtype), z.dtype.type
    for r in range(table.length):
        numbers[r] = 0
    for k in range(table.classes - 1, -1, -1):
        line = borrow(z, k * table.logit_step, table.length)
        _note(line, borrow(table.top, 0, table.length), T(k), borrow(numbers, 0, table.length))
    for r in range(table.rows):
        table.pivot[r] = table.pivot[r] if table.pivot[r] >= 0 else np.int64(numbers[r])


@scalar
def _every_16th(values: Any, first: int, table: Any, start: int) -> Any:
    """The sum of every 16th line from one on, in 16 rows from start on."""
    pitch = table.length
    found = lanes_at(values, first * pitch + start)
    for k in range(first + WIDTH, table.classes, WIDTH):
        found = plus(found, lanes_at(values, k * pitch + start))
    return found


@helper
def sums(values: Any, table: Any, results: Any) -> None:
    """The sum of each row of a matrix, in the order of those of `along`: 16 sums, then neighbours."""
    used, pitch, half = min(table.classes, WIDTH), table.length, 2
    work = scratch(4096, values.dtype)  # WIDTH lines of ROWS
    for k in range(0, used, 2):
        for start in range(0, pitch, WIDTH):
            both = _every_16th(values, k, table, start)
            if k + 1 < used:
                both = plus(both, _every_16th(values, k + 1, table, start))
            put_lanes(work, k * ROWS + start, both)
    while half < used:
        for k in range(0, used - half, 2 * half):
            for start in range(0, pitch, WIDTH):
                both = plus(lanes_at(work, k * ROWS + start), lanes_at(work, (k + half) * ROWS + start))
                put_lanes(work, k * ROWS + start, both)
        half *= 2
    copy(borrow(work, 0, pitch), borrow(results, 0, pitch))


@independent
def _product(z: Any, t: Any, u: Any, tops: Any) -> None:
    for r in range(u.size):
        target = t[r]
        x = target * (tops[r] - z[r])
        u[r] = target if target == 0 else x


@helper
def weigh_nll(z: Any, t: Any, u: Any, table: Any) -> None:
    """Sums over the classes that are not the pivot: of targets times distances below the maximum, and of targets."""
    pitch = table.length
    for k in range(table.classes):
        at = k * pitch
        _product(borrow(z, k * table.logit_step, pitch), borrow(t, at, pitch), borrow(u, at, pitch), table.top)
    sums(u, table, table.losses)
    sums(t, table, table.slopes)


@independent
def _product_evenly(z: Any, u: Any, target: Any, tops: Any) -> None:
    T = u.dtype.type
    for r in range(u.size):
        u[r] = T(0) if target == T(0) else target * (tops[r] - z[r])


@helper
def add_differences(z: Any, u: Any, target: Any, table: Any) -> None:
    """table.losses: the sum over all classes of a target times how far their logits lie below table.top."""
    pitch = table.length
    for k in range(table.classes):
        line = borrow(z, k * table.logit_step, pitch)
        _product_evenly(line, borrow(u, k * pitch, pitch), target, table.top)
    sums(u, table, table.losses)
