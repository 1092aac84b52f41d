"""Vector loops over all elements of a block, in which each element meets the values of its row.

One text for both layouts. Where rows lie side by side, the values of a line's rows lie side by side as well. Where a
row lies along its classes, its values are repeated as often as it has classes: for some rows at once if they are short,
so that whole vectors are computed whatever the number of classes.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from .._compile.jit import helper, independent, scalar
from .._compile.memory import borrow, prefetch, scratch
from .._compile.vectors import WIDTH, put_lanes, spread
from .._math.primitives import fma
from .._math.softmax import hessian, scaled_exp

LINE = 2048
"""Elements that are computed at once where values of rows are repeated."""
PART = 256
_STRIDE = LINE + WIDTH
_SPACE = 4 * _STRIDE


class RowLoop(NamedTuple):
    """A loop, and the values of rows that it takes: loop(z, e, t, u, v, a, b, c, d, constants), vectors of one size."""

    loop: Callable[..., Any]
    values: Callable[[Any], Any]
    """Four columns of the table of rows."""
    columns: int
    """How many of them differ."""


@helper
def _repeat(values: Any, first: int, rows: int, times: int, results: Any) -> None:
    """The values of rows, each so many times; what is beyond the end of one is overwritten by the next."""
    values, at = borrow(values, first, rows), 0
    for r in range(rows):
        vector = spread(values[r])
        put_lanes(results, at, vector)
        for k in range(WIDTH, times, WIDTH):
            put_lanes(results, at + k, vector)
        at += times


def along_rows(row_loop: RowLoop) -> Any:
    """The loop over a block whose rows lie one behind the other."""
    loop, columns, count = row_loop

    @helper
    def run(table, z, e, t, u, v, constants):
        space, rows, classes = scratch(_SPACE, e.dtype), table.rows, table.classes
        a_column, b_column, c_column, d_column = columns(table)
        height = WIDTH if WIDTH * classes <= LINE else 1
        width = min(classes, LINE if height > 1 else PART)
        for first in range(0, rows, height):
            many = min(height, rows - first)
            if count > 0:
                _repeat(a_column, first, many, width, space)
            if count > 1:
                _repeat(b_column, first, many, width, borrow(space, _STRIDE, _STRIDE))
            if count > 2:
                _repeat(c_column, first, many, width, borrow(space, 2 * _STRIDE, _STRIDE))
            if count > 3:
                _repeat(d_column, first, many, width, borrow(space, 3 * _STRIDE, _STRIDE))
            for start in range(0, many * classes, PART):
                at, size = first * classes + start, min(PART, many * classes - start)
                prefetch(e, at + rows * classes, at + rows * classes + size)
                used = start if height > 1 else 0
                a, b = borrow(space, used, size), borrow(space, used + _STRIDE, size)
                c, d = borrow(space, used + 2 * _STRIDE, size), borrow(space, used + 3 * _STRIDE, size)
                loop(borrow(z, at, size), borrow(e, at, size), borrow(t, at, size), borrow(u, at, size),
                     borrow(v, at, size), a, b, c, d, constants)  # fmt: skip

    return run


def across_rows(row_loop: RowLoop) -> Any:
    """The loop over a block whose rows lie side by side."""
    loop, columns, _ = row_loop

    @helper
    def run(table, z, e, t, u, v, constants):
        a, b, c, d = columns(table)
        z_step, pitch = table.logit_step, table.length
        for k in range(table.classes):
            at = k * pitch
            loop(borrow(z, k * z_step, pitch), borrow(e, at, pitch), borrow(t, at, pitch),
                 borrow(u, at, pitch), borrow(v, at, pitch), a, b, c, d, constants)  # fmt: skip

    return run


@independent
def _exponentiate(z: Any, e: Any, t: Any, u: Any, v: Any, shift: Any, magic: Any, floor: Any, d: Any, c: Any) -> None:
    for i in range(e.size):
        e[i] = scaled_exp(z[i], shift[i], magic[i], floor[i])


@independent
def _scale(z: Any, e: Any, t: Any, u: Any, v: Any, factor: Any, b: Any, c: Any, d: Any, constants: Any) -> None:
    for i in range(e.size):
        e[i] *= factor[i]


@independent
def _derive(z: Any, e: Any, t: Any, u: Any, v: Any, factor: Any, scale: Any, c: Any, d: Any, constants: Any) -> None:
    for i in range(e.size):
        e[i] = fma(e[i], factor[i], -t[i]) * scale[i]


@independent
def _derive_twice(z: Any, e: Any, t: Any, u: Any, v: Any, inverse: Any, slope: Any, bend: Any, scaled: Any,
                  constants: Any) -> None:  # fmt: skip
    T = e.dtype.type
    for i in range(e.size):
        p = e[i] * inverse[i]
        v[i] = hessian(p, T(1) - p, slope[i], bend[i], v[i]) * scaled[i]


EXPONENTIALS = RowLoop(_exponentiate, scalar(lambda t: (t.shift, t.magic, t.floor, t.floor)), 3)
"""e = the exponentials of z."""
POWERS = RowLoop(_scale, scalar(lambda t: (t.power, t.power, t.power, t.power)), 1)
"""e = e times a power of two."""
GRADIENT = RowLoop(_scale, scalar(lambda t: (t.factor, t.factor, t.factor, t.factor)), 1)
"""e = the gradient where no class but the pivot has a target."""
SCALED = RowLoop(_scale, scalar(lambda t: (t.scaled, t.scaled, t.scaled, t.scaled)), 1)
"""e = e times the weight of its row and the scale of the derivatives."""
SOFT_GRADIENT = RowLoop(_derive, scalar(lambda t: (t.factor, t.multiplier, t.factor, t.factor)), 2)
"""e = the gradient, where t holds the slopes of all classes."""
HESSIAN = RowLoop(_derive_twice, scalar(lambda t: (t.inverse, t.slope, t.bend, t.scaled)), 4)
"""v, which holds the bends of all classes, = the Hessian."""
