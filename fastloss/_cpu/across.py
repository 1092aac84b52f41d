"""The maths of a loss across the rows of a tile, once their exponentials are summed: one function for each loss."""

from typing import Any

from .._compile.invoke import invoke
from .._compile.jit import helper
from .._compile.memory import base_of, borrow, copy, elements, float_at, int_at
from .._compile.vectors import WIDTH
from .._math.constants import named
from .._math.elementary import log1p
from .._math.primitives import split
from .operands import FUNCTION, SCALE
from .segments import TILE

OWN, REST, BASES, DISTANCES, WEIGHTS, LOSS, FACTORS, CORRECTIONS, SLOPES, BENDS, POWERS = range(11)
"""The lines of the table between the loop and the maths of a loss: TILE numbers each, one for each row."""


@helper
def lines(table: Any) -> Any:
    """The lines that a loop fills and reads, of a new table: numbers everywhere, also in rows that are not there."""
    for i in range(table.size):
        table[i] = 1
    return (
        borrow(table, OWN * TILE, TILE),
        borrow(table, REST * TILE, TILE),
        borrow(table, BASES * TILE, TILE),
        borrow(table, DISTANCES * TILE, TILE),
        borrow(table, FACTORS * TILE, TILE),
        borrow(table, CORRECTIONS * TILE, TILE),
        borrow(table, SLOPES * TILE, TILE),
        borrow(table, BENDS * TILE, TILE),
        borrow(table, POWERS * TILE, TILE),
    )


@helper
def compute(call: Any, table: Any, w: Any, losses: Any) -> None:
    """The losses of rows of these weights whose sums are in the table, and there what their derivatives need."""
    many = w.size
    copy(w, borrow(table, WEIGHTS * TILE, many))
    whole = (many + WIDTH - 1) // WIDTH * WIDTH  # whole vectors, with rows that are not there
    for r in range(many, whole):
        table[REST * TILE + r] = 1  # was summed from what no row wrote
    invoke(int_at(call, FUNCTION), call, base_of(table), whole, 0, 0)
    copy(borrow(table, LOSS * TILE, many), losses)


def row_maths(maths: Any, real: Any, order: int) -> Any:
    """The function of one loss across rows: from the sums of their exponentials to losses and factors of gradients.

    The gradient of another class than the true one is its exponential times the power times the factor.
    """
    focus, constants = maths.focus, maths.constants
    with_gradient, with_hessian = order >= 1, order >= 2

    def function(call, table, count, unused, none):
        scale = float_at(call, SCALE, real)
        a, b, d = float_at(call, SCALE + 2, real), float_at(call, SCALE + 3, real), float_at(call, SCALE + 4, real)
        c = named((a, b, d, float_at(call, SCALE + 5, real)), constants)
        values = elements(table, 11 * TILE, real)
        own, rest = borrow(values, OWN * TILE, count), borrow(values, REST * TILE, count)
        bases, distances = borrow(values, BASES * TILE, count), borrow(values, DISTANCES * TILE, count)
        w, losses = borrow(values, WEIGHTS * TILE, count), borrow(values, LOSS * TILE, count)
        factors, corrections = borrow(values, FACTORS * TILE, count), borrow(values, CORRECTIONS * TILE, count)
        slopes, bends = borrow(values, SLOPES * TILE, count), borrow(values, BENDS * TILE, count)
        powers = borrow(values, POWERS * TILE, count)
        for r in range(count):
            total = rest[r] + own[r]
            near = distances[r] == real(0)
            nll = distances[r] + log1p(
                (rest[r] if near else total - bases[r]) / (own[r] if near else bases[r]), real(0)
            )
            q = rest[r] / total
            loss, slope, bend = focus(own[r] / total, q, nll, c)
            losses[r] = loss * w[r]
            if with_gradient:
                scaled = slope * (w[r] * scale)
                # A small slope over a large total would be subnormal: a power of two of the total goes its own way.
                power = split(total)[2] if abs(scaled) < real(1) else real(1)
                factors[r], powers[r] = scaled / (total * power), power
                corrections[r] = -scaled * q
            if with_hessian:
                slopes[r], bends[r] = slope, bend
        return 0

    return function
