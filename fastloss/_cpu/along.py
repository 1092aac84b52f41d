"""The steps of a block of rows, each row along its classes: row r, class k of a matrix lies at r * pitch + k."""

import math
from typing import Any

import numpy as np

from .._compile.jit import helper, independent, scalar
from .._compile.memory import borrow, scratch
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
    spread,
    times,
)
from .._math.primitives import magnitude, pick
from .._math.softmax import UNSCALED, gradient, hessian, scaled_exp, unscaled_exp
from .block import exponentials_at_infinity, whole
from .reductions import row_maxima, row_sums
from .sums import fold_row

LONG = 1024
"""Elements of a sum in the compute dtype; longer rows are added in float64 by blocks of so many."""


@independent
def _exponentiate(z: Any, shift: Any, magic: Any, floor: Any, e: Any) -> None:
    for k in range(e.size):
        e[k] = scaled_exp(z[k], shift, magic, floor)


@helper
def exponentiate_unscaled(z: Any, e: Any) -> bool:
    """The exponentials of a block as one run, unscaled; whether all logits allow it, else they mean nothing."""
    limit = magnitude(pick(z[0], UNSCALED, UNSCALED))
    most = limit
    for i in range(z.size):
        e[i] = unscaled_exp(z[i])
        size = magnitude(z[i])
        most = size if size > most else most
    return most == limit


@helper
def maxima(z: Any, table: Any) -> None:
    """The maximum of each row. NaNs are passed over: they surface in the sum."""
    row_maxima(z, table.classes, table.logit_pitch, table.rows, borrow(table.top, 0, table.top.size))


@helper
def exponentials(z: Any, e: Any, table: Any) -> None:
    """The scaled exponentials of each row."""
    classes, pitch = table.classes, table.pitch
    for r in range(table.rows):
        row = borrow(e, r * pitch, pitch)
        _exponentiate(borrow(z, r * table.logit_pitch, pitch), table.shift[r], table.magic[r], table.floor[r], row)
        if abs(table.top[r]) == math.inf:
            exponentials_at_infinity(borrow(z, r * table.logit_pitch, pitch), row, 1, 1, classes, table.top[r])


@helper
def find_one_hot(y: Any, y_pitch: int, table: Any) -> int:
    """The class of each row of targets whose only one is a 1 is its pivot, else -1; how many have one."""
    classes, count = table.classes, 0
    whole_, T = classes // WIDTH * WIDTH, y.dtype.type
    for r in range(table.rows):
        start, found, bits, more = r * y_pitch, -1, 0, False
        for k in range(0, classes, WIDTH):
            vector = lanes_at(y, start + k)
            lanes = nonzero(vector if k < whole_ else only(vector, classes - k, T(0)))
            more |= (lanes & (lanes - 1)) != 0 or (lanes != 0 and bits != 0)
            found, bits = (k if lanes != 0 else found), (lanes if lanes != 0 else bits)
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
    for r in range(table.rows):
        if table.pivot[r] >= 0:
            continue
        start, k, found = r * table.logit_pitch, 0, WIDTH
        while k < table.classes and found == WIDTH:
            found = first_equal(lanes_at(z, start + k), table.top[r])
            k += WIDTH
        k += found - WIDTH
        table.pivot[r] = k if k < table.classes else 0  # a row of NaNs


@helper
def sums(values: Any, table: Any, results: Any) -> None:
    """The sum of each row of a matrix."""
    if table.classes <= LONG:
        row_sums(values, table.classes, table.pitch, table.rows, borrow(results, 0, results.size))
    else:
        for r in range(table.rows):
            results[r] = fold_row(borrow(values, r * table.pitch, table.classes))


@independent
def _hessian(e: Any, bends: Any, h: Any, inverse: Any, slope_sum: Any, bend_sum: Any, factor: Any) -> None:
    T = type(inverse)
    for k in range(h.size):
        p = e[k] * inverse
        h[k] = hessian(p, T(1) - p, slope_sum, bend_sum, bends[k]) * factor


@helper
def _overwriting(table: Any, pitch: int) -> int:
    """How many rows may be written to full vectors: following rows overwrite what is beyond their ends."""
    last = (whole(table.pitch) + pitch - 1) // pitch
    return max(0, table.rows - last + 1)


@scalar
def _hard_row(e: Any, g: Any, power: Any, factor: Any) -> None:
    powers, factors = spread(power), spread(factor)
    for k in range(0, g.size, WIDTH):
        put_lanes(g, k, times(times(lanes_at(e, k), powers), factors))


@scalar
def _soft_row(e: Any, slopes: Any, g: Any, inverse: Any, slope: Any, scaled: Any) -> None:
    inverses, sums_, factors = spread(inverse), spread(slope), spread(scaled)
    for k in range(0, g.size, WIDTH):
        common = times(times(lanes_at(e, k), inverses), sums_)
        put_lanes(g, k, times(minus(common, lanes_at(slopes, k)), factors))


@helper
def derive_hard(e: Any, g: Any, table: Any, g_pitch: int) -> None:
    """The gradient where only pivots have a target."""
    pitch, rows, classes = table.pitch, _overwriting(table, g_pitch), table.classes
    wide = whole(classes)
    for r in range(rows):
        _hard_row(borrow(e, r * pitch, wide), borrow(g, r * g_pitch, wide), table.power[r], table.factor[r])
        borrow(g, r * g_pitch + table.pivot[r], 1)[0] = table.value[r]
    for r in range(rows, table.rows):
        for k in range(classes):
            g[r * g_pitch + k] = e[r * pitch + k] * table.power[r] * table.factor[r]
        g[r * g_pitch + table.pivot[r]] = table.value[r]


@helper
def derive_soft(e: Any, slopes: Any, g: Any, table: Any, g_pitch: int) -> None:
    """The gradient where every class may have a target."""
    pitch, rows, classes = table.pitch, _overwriting(table, g_pitch), table.classes
    wide = whole(classes)
    for r in range(rows):
        e_row, row = borrow(e, r * pitch, wide), borrow(g, r * g_pitch, wide)
        if table.alone[r] != 0:
            _hard_row(e_row, row, table.power[r], table.factor[r])
        else:
            _soft_row(e_row, borrow(slopes, r * pitch, wide), row, table.inverse[r], table.slope[r], table.scaled[r])
        borrow(row, table.pivot[r], 1)[0] = table.value[r]
    for r in range(rows, table.rows):
        for k in range(classes):
            x, slope = e[r * pitch + k], slopes[r * pitch + k]
            soft = gradient(x * table.inverse[r], table.slope[r], slope) * table.scaled[r]
            g[r * g_pitch + k] = x * table.power[r] * table.factor[r] if table.alone[r] != 0 else soft
        g[r * g_pitch + table.pivot[r]] = table.value[r]


@helper
def derive_hessian(e: Any, bends: Any, h: Any, table: Any, h_pitch: int) -> None:
    """The Hessian."""
    whole_rows = _overwriting(table, h_pitch)
    for r in range(table.rows):
        size, at = table.pitch if r < whole_rows else table.classes, r * table.pitch
        row = borrow(h, r * h_pitch, size)
        _hessian(borrow(e, at, size), borrow(bends, at, size), row, table.inverse[r], table.slope[r],
                      table.bend[r], table.scaled[r])  # fmt: skip
        borrow(row, table.pivot[r], 1)[0] = table.second[r]


@helper
def clear(g: Any, table: Any, r: int, g_pitch: int) -> None:
    """0 for all classes of a row."""
    for k in range(table.classes):
        g[r * g_pitch + k] = 0


@scalar
def _products(z: Any, at: Any, t: Any, start: Any, count: Any, top: Any) -> Any:
    """Sums of targets times distances below the maximum, and of targets: 16 of each."""
    nothing = type(top)(0)
    distances, masses, tops, k = spread(nothing), spread(nothing), spread(top), 0
    while k + WIDTH <= count:
        targets = lanes_at(t, start + k)
        distances = plus(distances, product(targets, minus(tops, lanes_at(z, at + k))))
        masses = plus(masses, targets)
        k += WIDTH
    if k < count:
        targets = only(lanes_at(t, start + k), count - k, nothing)
        distances = plus(distances, product(targets, minus(tops, lanes_at(z, at + k))))
        masses = plus(masses, targets)
    return distances, masses


@helper
def weigh_nll(z: Any, t: Any, u: Any, table: Any) -> None:
    """Sums over the classes that are not the pivot: of targets times distances below the maximum, and of targets."""
    classes, T, z, t = table.classes, z.dtype.type, borrow(z, 0, z.size), borrow(t, 0, t.size)
    distances, masses = scratch(256, z.dtype), scratch(256, z.dtype)
    for first in range(0, table.rows, WIDTH):
        for i in range(min(WIDTH, table.rows - first)):
            r = first + i
            top = table.top[r]
            a, b = _products(z, r * table.logit_pitch, t, r * table.pitch, min(classes, LONG), top)
            put_lanes(distances, i * WIDTH, a)
            put_lanes(masses, i * WIDTH, b)
        row_sums(distances, WIDTH, WIDTH, WIDTH, borrow(table.losses, first, WIDTH))
        row_sums(masses, WIDTH, WIDTH, WIDTH, borrow(table.slopes, first, WIDTH))
    if classes > LONG:
        for r in range(table.rows):
            loss, slope = np.float64(table.losses[r]), np.float64(table.slopes[r])
            for start in range(LONG, classes, LONG):
                count = min(LONG, classes - start)
                a, b = _products(z, r * table.logit_pitch + start, t, r * table.pitch + start, count, table.top[r])
                put_lanes(distances, 0, a)
                put_lanes(masses, 0, b)
                for j in range(WIDTH):
                    loss, slope = loss + np.float64(distances[j]), slope + np.float64(masses[j])
            table.losses[r], table.slopes[r] = T(loss), T(slope)
