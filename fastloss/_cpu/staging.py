"""Inputs that a kernel cannot read where they lie (strides, other dtypes, byte orders) pass through small buffers.

The buffers hold a whole number of blocks in the array's logical order, so sums are grouped as for contiguous arrays
and the results have the same bits. Nothing here grows with the input.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from .blocks import BLOCK, accumulate, finish
from .operands import IN_ROWS

ELEMENTS = 64 * BLOCK
"""How many elements are staged at once."""


class Operand(NamedTuple):
    """An array as a kernel sees it: examples, then `width` values for each (1, or the classes on the last axis)."""

    array: Any
    dtype: Any
    width: int = 1
    output: bool = False
    whole: bool = False
    """Not cut into pieces: a table by class."""

    @property
    def examples(self) -> tuple[int, ...]:
        """The shape without the classes."""
        return tuple(self.array.shape if self.width == 1 else self.array.shape[:-1])


class Sum(NamedTuple):
    """What a pass found: the sum, and the first offence (its index or -1, and three values)."""

    value: float
    where: int
    values: Sequence[float]


def slabs(shape: tuple[int, ...], start: int, stop: int) -> Iterator[tuple[tuple[Any, ...], int]]:
    """Cut elements start..stop of a C-ordered shape into rectangles: (index, number of elements)."""
    if not shape:
        if stop > start:
            yield (), 1
        return
    inner = math.prod(shape[1:])
    if start >= stop or inner == 0:
        return
    first, last = -(-start // inner), stop // inner
    if first > last:  # inside one row
        row = start // inner
        for index, count in slabs(shape[1:], start - row * inner, stop - row * inner):
            yield (row, *index), count
        return
    if start < first * inner:
        for index, count in slabs(shape[1:], start - (first - 1) * inner, inner):
            yield (first - 1, *index), count
    if first < last:
        yield (slice(first, last),), (last - first) * inner
    if last * inner < stop:
        for index, count in slabs(shape[1:], 0, stop - last * inner):
            yield (last, *index), count


def _transfer(operand: Operand, buffer: Any, start: int, stop: int) -> None:
    """Copy examples start..stop between the array and its buffer."""
    offset = 0
    with np.errstate(all="ignore"):  # a gradient too large for float16 is inf, as everywhere
        for index, count in slabs(operand.examples, start, stop):
            part = operand.array[(*index, ...)]  # with the dots a view, of no dimensions too
            flat = buffer[offset * operand.width : (offset + count) * operand.width].reshape(part.shape)
            if operand.output:
                np.copyto(part, flat, casting="unsafe")
            else:
                np.copyto(flat, part, casting="unsafe")
            offset += count


def staged(kernel: Any, operands: list[Operand | None], numbers: tuple[Any, ...], count: int, parallel: bool,
           rows: bool) -> Sum:  # fmt: skip
    """Run a kernel over `count` examples piece by piece. numbers follow the arrays; the first is the count."""
    width = max(o.width for o in operands if o is not None)
    step = max(ELEMENTS // width // kernel.unit, 1) * kernel.unit if rows else ELEMENTS
    step = min(step, count)
    buffers = [o and (o.array if o.whole else np.empty(step * o.width, o.dtype)) for o in operands]
    moved = [(o, b) for o, b in zip(operands, buffers, strict=True) if o is not None and not o.whole]
    high, low = 0.0, 0.0
    for start in range(0, count, step):
        stop = min(start + step, count)
        for operand, buffer in moved:
            if not operand.output:
                _transfer(operand, buffer, start, stop)
        size = stop - start
        report = kernel(buffers, (size, *numbers[1:]), -(-size // kernel.unit), parallel)
        if report[2] >= 0:
            offset = start * (width if rows and report[3] in IN_ROWS else 1)
            return Sum(math.nan, int(report[2]) + offset, report[3:6].tolist())
        for operand, buffer in moved:
            if operand.output:
                _transfer(operand, buffer, start, stop)
        high, low = accumulate(high, low + float(report[1]), float(report[0]))
    return Sum(finish(high, low), -1, (0.0, 0.0, 0.0))


def direct(kernel: Any, arrays: Sequence[Any], numbers: tuple[Any, ...], parallel: bool) -> Sum:
    """Run a kernel on arrays that it can reach where they lie."""
    report = kernel(arrays, numbers, -(-numbers[0] // kernel.unit), parallel)
    high, low, where, *values = report[:6].tolist()
    return Sum(finish(high, low), int(where), values)
