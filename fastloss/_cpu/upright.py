"""Softmax of many rows that stand as columns: what belongs to a row is a line of a table.

So every loop runs along many rows, however few classes there are. Lines of 128 elements, one for each class, are read
from rows and written back as rows; where the classes are on another axis they lie so already.
"""

import math
from typing import Any

from .._compile.jit import helper
from .._compile.memory import base_at, beyond, borrow, elements, int_at
from .._compile.vectors import WIDTH, lanes_at, plus, put_lanes, spread, turn
from .._math.elementary import log1p
from .._math.primitives import pick
from .._math.softmax import scaled_exp, scaling
from .operands import CLASSES, COUNT, INNER, MOVES, put, take

LINE = 128
"""Rows that are taken at once, at most."""
RUN, LEVELS = 4, 3
"""Sums are made of sums of 4, and those of 4 of these: no chain of roundings is long."""
TOP, SHIFT, MAGIC, FLOOR, FIRST, TIES, BEST, EXCESS, INVERSE, Q, TRUE, WEIGHT, FACTOR, SUMS = range(14)
"""The lines of the table: what there is of each row. SUMS is the first of LEVELS times those below."""
REST, LOSS, SLOPE, SLOPE_REST, BEND, BEND_REST, KINDS = range(7)
TOTALS = SUMS + (LEVELS - 1) * KINDS
"""The first line of the sums over all classes."""


@helper
def line(table: Any, number: int, many: int) -> Any:
    """A line of the table."""
    return borrow(table, number * LINE, many)


@helper
def whole(classes: int) -> int:
    """The number of classes, rounded up to full vectors."""
    return (classes + WIDTH - 1) // WIDTH * WIDTH


@helper
def add_up(table: Any, first: int, last: int, done: int, all_done: bool, many: int) -> None:
    """After some classes: move sums of the kinds first..last that are complete to the level above."""
    level, step, nothing = 0, RUN, spread(pick(table[0], 0.0, 0.0))
    while level < LEVELS - 1 and (all_done or done % step == 0):
        for kind in range(first, last):
            source = (SUMS + level * KINDS + kind) * LINE
            for i in range(source, source + many, WIDTH):  # in vectors, as nothing says that these are two lines
                above = i + KINDS * LINE
                put_lanes(table, above, plus(lanes_at(table, above), lanes_at(table, i)))
                put_lanes(table, i, nothing)
        level, step = level + 1, step * RUN


@helper
def raise_tops(z: Any, table: Any) -> None:
    """Let the maximum of each row know of one class more; NaNs are passed over (they surface in the sum)."""
    top = line(table, TOP, z.size)
    for r in range(z.size):
        value, before = z[r], top[r]
        top[r] = before if before >= value else value


@helper
def scale_lines(table: Any, many: int) -> Any:
    """What the exponentials of each row need."""
    return (
        line(table, TOP, many),
        line(table, SHIFT, many),
        line(table, MAGIC, many),
        line(table, FLOOR, many),
        line(table, FIRST, many),
        line(table, TIES, many),
        line(table, BEST, many),
    )


@helper
def prepare(table: Any, many: int) -> None:
    """The scale of each row's exponentials, see `_softmax.scaling`; where the maximum is infinite the others are 0."""
    top, shift, magic, floor, first, ties, best = scale_lines(table, many)
    for r in range(many):
        value = top[r]
        nothing = pick(value, 0.0, 0.0)
        endless = value == pick(value, math.inf, math.inf)
        shift[r], magic[r], floor[r] = scaling(nothing if endless else value)
        shift[r] = value if endless else shift[r]
        first[r] = nothing if endless else value - shift[r]
        ties[r] = best[r] = nothing


@helper
def exponentiate(z: Any, table: Any, k: Any, e: Any) -> None:
    """The scaled exponentials of class k, and the sum of those that are not the largest of their row."""
    many = z.size
    top, shift, magic, floor, first, ties, best = scale_lines(table, many)
    rest = line(table, SUMS + REST, many)
    for r in range(many):
        nothing, mine = k - k, z[r] == top[r]
        x = first[r] if mine else z[r] - shift[r]
        value = scaled_exp(x, nothing, magic[r], floor[r])
        e[r] = value
        rest[r] += nothing if mine else value
        ties[r] += nothing + 1 if mine else nothing
        best[r] = k if mine else best[r]


@helper
def normalise(table: Any, many: int) -> None:
    """From the sums of the exponentials to what -log p, p and 1 - p of each class are made of."""
    top, _, magic, floor, first, ties, best = scale_lines(table, many)
    rest = line(table, TOTALS + REST, many)
    excess, inverse, q = line(table, EXCESS, many), line(table, INVERSE, many), line(table, Q, many)
    for r in range(many):
        T = type(top[r])
        base = scaled_exp(first[r], T(0), magic[r], floor[r])
        again = ties[r] - T(1)
        others = rest[r] + again * base if again > T(0) else rest[r]
        endless = top[r] == pick(top[r], math.inf, math.inf)
        others = top[r] - top[r] if endless and again > T(0) else others  # NaN
        total = others + base
        excess[r] = log1p(others / base, T(0))
        inverse[r] = T(1) / total
        q[r] = others / total
        best[r] = best[r] if base > others else T(-1)  # where p > 1/2


@helper
def softmax(z: Any, table: Any, classes: int, many: int, e: Any) -> None:
    """Exponentials of logits, and in the table what they are scaled by; sums begin anew."""
    top = line(table, TOP, many)
    for r in range(many):
        top[r] = z[r]
    for k in range(1, classes):
        raise_tops(borrow(z, k * LINE, many), table)
    prepare(table, many)
    for i in range(TOTALS * LINE, table.size):
        table[i] = 0
    for k in range(classes):
        exponentiate(borrow(z, k * LINE, many), table, z.dtype.type(k), borrow(e, k * LINE, many))
        add_up(table, REST, LOSS, k + 1, k == classes - 1, many)
    normalise(table, many)


@helper
def stand(call: Any, operand: int, start: int, many: int, flat: Any, lines: Any) -> None:
    """Read rows of classes from start on as lines of classes."""
    classes, inner = int_at(call, CLASSES), int_at(call, INNER)
    if inner > 1:
        for k in range(classes):
            take(call, operand, start + k * inner, 1, borrow(lines, k * LINE, many))
        return
    size = many * classes
    source, within = borrow(flat, 0, size), flat.size
    if int_at(call, MOVES + operand) == 0:
        source = elements(beyond(base_at(call, operand), start, flat.itemsize), size, flat.dtype)
        within = int_at(call, COUNT) * classes - start
    else:
        take(call, operand, start, 1, source)
    done = 0
    while done + WIDTH <= many and (done + WIDTH - 1) * classes + whole(classes) <= within:  # no read goes beyond
        for k in range(0, classes, WIDTH):
            turn(source, done * classes + k, classes, lines, k * LINE + done, LINE)
        done += WIDTH
    for r in range(done, many):
        for k in range(classes):
            lines[k * LINE + r] = source[r * classes + k]


@helper
def lay(call: Any, operand: int, start: int, many: int, flat: Any, lines: Any) -> None:
    """Write lines of classes as rows."""
    classes, inner = int_at(call, CLASSES), int_at(call, INNER)
    if inner > 1:
        for k in range(classes):
            put(call, operand, start + k * inner, 1, borrow(lines, k * LINE, many))
        return
    vectors = classes if classes < WIDTH else classes // WIDTH * WIDTH
    for r in range(0, many, WIDTH):
        for k in range(0, vectors, WIDTH):  # what goes beyond a row is overwritten by the next one
            turn(lines, k * LINE + r, LINE, flat, r * classes + k, classes)
    for r in range(many):
        for k in range(vectors, classes):
            flat[r * classes + k] = lines[k * LINE + r]
    put(call, operand, start, 1, borrow(flat, 0, many * classes))
