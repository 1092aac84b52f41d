"""Vector loops over all elements of a block, in which each element meets the values of its row.

One text for both layouts. Where rows lie side by side, the values of a line's rows lie side by side as well. Where a
row lies along its classes, its values are repeated as often as it has classes: for some rows at once if they are short,
so that whole vectors are computed whatever the number of classes.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from .._compile.jit import helper, independent
from .._compile.memory import borrow, prefetch, scratch
from .._compile.vectors import WIDTH, put_lanes, splat
from .._math.primitives import fma
from .._math.softmax import hessian, scaled_exp

LINE = 2048
"""Elements that are computed at once where values of rows are repeated."""
RUN = 512
"""About so many of them, where that is possible in whole vectors: the values stay in the first-level cache. As
measured."""
PART = 256
"""Elements whose memory is fetched ahead at once."""
_STRIDE = LINE + WIDTH
_SPACE = 4 * _STRIDE


class RowLoop(NamedTuple):
    """A loop, and how many values of rows it takes: loop(z, e, t, u, v, a, b, c, d, constants), vectors of one size.

    z lies as logits do: it holds them, or takes what is found of the gradient.
    """

    loop: Callable[..., Any]
    values: int


@helper
def _repeat(values: Any, first: int, rows: int, times: int, results: Any) -> None:
    """The values of rows, each so many times; what is beyond the end of one is overwritten by the next."""
    values, at = borrow(values, first, rows), 0
    for r in range(rows):
        vector = splat(values[r])
        put_lanes(results, at, vector)
        for k in range(WIDTH, times, WIDTH):
            put_lanes(results, at + k, vector)
        at += times


@helper
def _run_of(classes: int) -> Any:
    """Of how many rows values are repeated at once, and how often, and whether these rows are computed as one run."""
    flat = WIDTH * classes <= LINE
    if not flat:
        return 1, min(classes, PART), flat
    height = WIDTH * (RUN // (WIDTH * classes) or 1)
    while height * classes > RUN and height // 2 * classes % WIDTH == 0:
        height //= 2
    return height, classes, flat


def along_rows(row_loop: RowLoop) -> Any:
    """The loop over a block whose rows lie one behind the other; a, b, c, d have a value for each row."""
    loop, count = row_loop

    @helper
    def run(table, z, e, t, u, v, a, b, c, d, constants):
        space, rows, classes = scratch(_SPACE, e.dtype), table.rows, table.classes
        height, width, flat = _run_of(classes)
        for first in range(0, rows, height):
            many = min(height, rows - first)
            if count > 0:
                _repeat(a, first, many, width, space)
            if count > 1:
                _repeat(b, first, many, width, borrow(space, _STRIDE, _STRIDE))
            if count > 2:
                _repeat(c, first, many, width, borrow(space, 2 * _STRIDE, _STRIDE))
            if count > 3:
                _repeat(d, first, many, width, borrow(space, 3 * _STRIDE, _STRIDE))
            for start in range(0, many * classes, PART):
                at, size, used = first * classes + start, min(PART, many * classes - start), start if flat else 0
                prefetch(e, at + rows * classes, at + rows * classes + size)
                loop(borrow(z, at, size), borrow(e, at, size), borrow(t, at, size), borrow(u, at, size),
                     borrow(v, at, size), borrow(space, used, size), borrow(space, used + _STRIDE, size),
                     borrow(space, used + 2 * _STRIDE, size), borrow(space, used + 3 * _STRIDE, size),
                     constants)  # fmt: skip

    return run


def across_rows(row_loop: RowLoop) -> Any:
    """The loop over a block whose rows lie side by side."""
    loop = row_loop.loop

    @helper
    def run(table, z, e, t, u, v, a, b, c, d, constants):
        z_step, pitch = table.logit_step, table.length
        for k in range(table.classes):
            at = k * pitch
            if z_step > pitch:  # a line of an array
                prefetch(z, k * z_step + pitch, k * z_step + 2 * pitch)
            loop(borrow(z, k * z_step, pitch), borrow(e, at, pitch), borrow(t, at, pitch), borrow(u, at, pitch),
                 borrow(v, at, pitch), a, b, c, d, constants)  # fmt: skip

    return run


@independent
def _exponentiate(z: Any, e: Any, t: Any, u: Any, v: Any, shift: Any, magic: Any, floor: Any, d: Any, c: Any) -> None:
    for i in range(e.size):
        e[i] = scaled_exp(z[i], shift[i], magic[i], floor[i])


@independent
def _scale(z: Any, e: Any, t: Any, u: Any, v: Any, factor: Any, b: Any, c: Any, d: Any, constants: Any) -> None:
    for i in range(e.size):
        z[i] = e[i] * factor[i]


@independent
def _derive(z: Any, e: Any, t: Any, u: Any, v: Any, factor: Any, scale: Any, c: Any, d: Any, constants: Any) -> None:
    for i in range(e.size):
        z[i] = fma(e[i], factor[i], -t[i]) * scale[i]


@independent
def _derive_evenly(z: Any, e: Any, t: Any, u: Any, v: Any, factor: Any, scale: Any, c: Any, d: Any,
                   target: Any) -> None:  # fmt: skip
    for i in range(e.size):
        z[i] = fma(e[i], factor[i], -target) * scale[i]


@independent
def _derive_twice(z: Any, e: Any, t: Any, u: Any, v: Any, inverse: Any, slope: Any, bend: Any, scaled: Any,
                  constants: Any) -> None:  # fmt: skip
    T = e.dtype.type
    for i in range(e.size):
        p = e[i] * inverse[i]
        v[i] = hessian(p, T(1) - p, slope[i], bend[i], v[i]) * scaled[i]


EXPONENTIALS = RowLoop(_exponentiate, 3)
"""e = the exponentials of z, scaled by shift, magic and floor."""
SCALE = RowLoop(_scale, 1)
"""z = e times a factor of each row."""
SOFT_GRADIENT = RowLoop(_derive, 2)
"""z = (e times a factor - t) times a scale of each row: the gradient, where t holds the slopes of all classes."""
EVEN_GRADIENT = RowLoop(_derive_evenly, 2)
"""The same where all slopes are equal: the constant."""
HESSIAN = RowLoop(_derive_twice, 4)
"""v, which holds the bends of all classes, = the Hessian, from inverse, slope, bend and scaled."""
