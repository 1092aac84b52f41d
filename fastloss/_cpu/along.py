"""The steps of a block of rows, each row along its classes: row r, class k of a matrix lies at r * classes + k."""

from typing import Any

import numpy as np

from .._compile.jit import helper, scalar
from .._compile.memory import borrow, prefetch, scratch
from .._compile.vectors import (
    WIDTH,
    first_equal,
    first_lane,
    lanes_at,
    minus,
    nonzero,
    only,
    plus,
    product,
    put_lanes,
    splat,
)
from .broadcast import along_rows as over_elements
from .reductions import row_maxima, row_sums
from .sums import BLOCK, fold_row
from .transfer import place_of_rows as place, put_rows as put, rows_of as bring

__all__ = ["add_differences", "bring", "find_largest", "find_one_hot", "maxima", "over_elements", "place", "put",
           "sums", "weigh_nll"]  # fmt: skip


@helper
def maxima(z: Any, table: Any) -> None:
    """The maximum of each row. NaNs are skipped: the sum of the row has them."""
    row_maxima(z, table.classes, table.classes, table.rows, borrow(table.top, 0, table.top.size))


@helper
def find_one_hot(y: Any, step: int, table: Any) -> int:
    """The class of each row of targets whose only one is a 1 is its pivot, else -1; how many have one."""
    classes, count, size = table.classes, 0, table.rows * table.classes
    whole_, T = classes // WIDTH * WIDTH, y.dtype.type
    if classes <= WIDTH:  # a row is one vector
        for r in range(table.rows):
            vector = only(lanes_at(y, r * classes), classes, T(0))
            prefetch(y, r * classes + size, r * classes + size + 1)
            k = first_equal(vector, T(1))
            hot = k if nonzero(vector) == 1 << k else -1
            table.pivot[r], table.alone[r] = hot, hot >= 0
            count += hot >= 0
        return count
    for r in range(table.rows):
        start, k, found, bits, more = r * classes, 0, -1, 0, False
        while k < classes and not more:
            vector = lanes_at(y, start + k)
            prefetch(y, start + k + size, start + k + size + WIDTH)
            lanes = nonzero(vector if k < whole_ else only(vector, classes - k, T(0)))
            more = (lanes & (lanes - 1)) != 0 or (lanes != 0 and bits != 0)
            found, bits = (k if lanes != 0 else found), (lanes if lanes != 0 else bits)
            k += WIDTH
        hot = -1
        if bits != 0 and not more:
            k = found + first_lane(bits)
            hot = k if y[start + k] == 1 else -1
        table.pivot[r], table.alone[r] = hot, hot >= 0
        count += hot >= 0
    return count


@helper
def find_largest(z: Any, table: Any) -> None:
    """The first class that has the maximum is the pivot of a row that has none."""
    classes, tops = table.classes, table.top
    for r in range(table.rows):
        if table.pivot[r] >= 0:
            continue
        start, k = r * classes, 0
        found = first_equal(lanes_at(z, start), tops[r])
        while found == WIDTH and k + WIDTH < classes:
            k += WIDTH
            found = first_equal(lanes_at(z, start + k), tops[r])
        k += found
        table.pivot[r] = k if k < classes else 0  # a row of NaNs


@helper
def sums(values: Any, table: Any, results: Any) -> None:
    """The sum of each row of a matrix."""
    if table.classes <= BLOCK:
        row_sums(values, table.classes, table.classes, table.rows, borrow(results, 0, results.size))
    else:
        for r in range(table.rows):
            results[r] = fold_row(borrow(values, r * table.classes, table.classes))


@scalar
def _products(z: Any, t: Any, start: Any, count: Any, top: Any) -> Any:
    """Sums of targets times distances below the maximum, and of targets: 16 of each."""
    nothing = type(top)(0)
    distances, masses, tops, k = splat(nothing), splat(nothing), splat(top), 0
    while k + WIDTH <= count:
        targets = lanes_at(t, start + k)
        distances = plus(distances, product(targets, minus(tops, lanes_at(z, start + k))))
        masses = plus(masses, targets)
        k += WIDTH
    if k < count:
        targets = only(lanes_at(t, start + k), count - k, nothing)
        distances = plus(distances, product(targets, minus(tops, lanes_at(z, start + k))))
        masses = plus(masses, targets)
    return distances, masses


@helper
def weigh_nll(z: Any, t: Any, u: Any, table: Any) -> None:
    """Sums over the classes that are not the pivot: of targets times distances below the maximum, and of targets."""
    classes, T = table.classes, z.dtype.type
    distances, masses = scratch(256, z.dtype), scratch(256, z.dtype)
    for first in range(0, table.rows, WIDTH):
        for i in range(min(WIDTH, table.rows - first)):
            a, b = _products(z, t, (first + i) * classes, min(classes, BLOCK), table.top[first + i])
            put_lanes(distances, i * WIDTH, a)
            put_lanes(masses, i * WIDTH, b)
        row_sums(distances, WIDTH, WIDTH, WIDTH, borrow(table.losses, first, WIDTH))
        row_sums(masses, WIDTH, WIDTH, WIDTH, borrow(table.slopes, first, WIDTH))
    if classes > BLOCK:
        for r in range(table.rows):
            loss, slope = np.float64(table.losses[r]), np.float64(table.slopes[r])
            for start in range(BLOCK, classes, BLOCK):
                a, b = _products(z, t, r * classes + start, min(BLOCK, classes - start), table.top[r])
                put_lanes(distances, 0, a)
                put_lanes(masses, 0, b)
                for j in range(WIDTH):
                    loss, slope = loss + np.float64(distances[j]), slope + np.float64(masses[j])
            table.losses[r], table.slopes[r] = T(loss), T(slope)


@scalar
def _differences(z: Any, start: Any, count: Any, top: Any, target: Any) -> Any:
    """Sums of one target times differences to one logit: 16 of them."""
    nothing = type(top)(0)
    found, targets, tops, k = splat(nothing), splat(target), splat(top), 0
    while k + WIDTH <= count:
        found = plus(found, product(targets, minus(tops, lanes_at(z, start + k))))
        k += WIDTH
    if k < count:
        differences = only(minus(tops, lanes_at(z, start + k)), count - k, nothing)
        found = plus(found, product(targets, differences))
    return found


@helper
def add_differences(z: Any, u: Any, target: Any, table: Any) -> None:
    """table.losses: the sum over all classes of a target times how far their logits lie below table.top."""
    classes, lanes = table.classes, scratch(256, z.dtype)
    for first in range(0, table.rows, WIDTH):
        for i in range(min(WIDTH, table.rows - first)):
            r = first + i
            put_lanes(lanes, i * WIDTH, _differences(z, r * classes, min(classes, BLOCK), table.top[r], target))
        row_sums(lanes, WIDTH, WIDTH, WIDTH, borrow(table.losses, first, WIDTH))
    if classes > BLOCK:
        for r in range(table.rows):
            loss = np.float64(table.losses[r])
            for start in range(BLOCK, classes, BLOCK):
                count = min(BLOCK, classes - start)
                put_lanes(lanes, 0, _differences(z, r * classes + start, count, table.top[r], target))
                for j in range(WIDTH):
                    loss += np.float64(lanes[j])
            table.losses[r] = loss
