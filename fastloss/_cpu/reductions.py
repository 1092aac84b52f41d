"""Sums and maxima of the rows of a matrix in vectors of 16 lanes, which the compiler's own vectoriser cannot find."""

import math
from typing import Any

from .._compile.jit import helper, scalar
from .._compile.memory import scratch
from .._compile.vectors import WIDTH, evens, lanes_at, larger, odds, only, plus, put_lanes
from .._math.primitives import pick


def long_rows(combine: Any) -> Any:
    """A function that combines the elements of one long row to 16 lanes."""

    @scalar
    def long_row(values, start, width, neutral):
        row, k = lanes_at(values, start), WIDTH
        if width >= 8 * WIDTH:  # four chains: one would wait for itself
            b, c = lanes_at(values, start + WIDTH), lanes_at(values, start + 2 * WIDTH)
            d, k = lanes_at(values, start + 3 * WIDTH), 4 * WIDTH
            while k + 4 * WIDTH <= width:
                row = combine(row, lanes_at(values, start + k))
                b = combine(b, lanes_at(values, start + k + WIDTH))
                c = combine(c, lanes_at(values, start + k + 2 * WIDTH))
                d = combine(d, lanes_at(values, start + k + 3 * WIDTH))
                k += 4 * WIDTH
            row = combine(combine(row, b), combine(c, d))
        while k + WIDTH <= width:
            row = combine(row, lanes_at(values, start + k))
            k += WIDTH
        return combine(row, only(lanes_at(values, start + k), width - k, neutral)) if k < width else row

    return long_row


def along_rows(combine: Any, nothing: float) -> Any:
    """A function that combines the elements of each of many rows: 16 lanes first, then neighbouring lanes."""

    long_row = long_rows(combine)

    @scalar
    def join(a, b):
        return combine(evens(a, b), odds(a, b))

    @scalar
    def one(values, start, width, neutral):
        return only(lanes_at(values, start), width, neutral)

    @scalar
    def two(values, start, pitch, width, neutral):
        return join(one(values, start, width, neutral), one(values, start + pitch, width, neutral))

    @scalar
    def four(values, start, pitch, width, neutral):
        return join(two(values, start, pitch, width, neutral), two(values, start + 2 * pitch, pitch, width, neutral))

    @scalar
    def eight(values, start, pitch, width, neutral):
        return join(four(values, start, pitch, width, neutral), four(values, start + 4 * pitch, pitch, width, neutral))

    @helper
    def across(values, width, pitch, rows, results):
        """Write one number for each row to results, which has room for whole vectors; so have the values.

        Rows of width elements begin every pitch elements.
        """
        neutral = pick(values[0], nothing, nothing)
        if width <= WIDTH:
            for first in range(0, rows, WIDTH):
                start = first * pitch
                upper = eight(values, start, pitch, width, neutral)
                put_lanes(results, first, join(upper, eight(values, start + 8 * pitch, pitch, width, neutral)))
            return
        lanes = scratch(256, values.dtype)
        for first in range(0, rows, WIDTH):
            for r in range(min(WIDTH, rows - first)):
                put_lanes(lanes, r * WIDTH, long_row(values, (first + r) * pitch, width, neutral))
            upper = eight(lanes, 0, WIDTH, WIDTH, neutral)
            put_lanes(results, first, join(upper, eight(lanes, 128, WIDTH, WIDTH, neutral)))

    return across


row_sums = along_rows(plus, 0.0)
"""row_sums(values, width, pitch, rows, results): the sum of each row."""
row_maxima = along_rows(larger, -math.inf)
