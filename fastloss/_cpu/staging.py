"""Inputs that a kernel cannot read where they lie (strides, other dtypes, byte orders) pass through small buffers.

The buffers hold a whole number of blocks in the array's logical order, so sums are grouped as for contiguous arrays
and the results have the same bits. Nothing here grows with the input.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from .._compile.jit import in_python
from .._math.elementary import two_sum
from .._request.messages import IN_ROWS
from .call import Call, Operand

ELEMENTS = 65536
"""How many elements are staged at once: a multiple of the blocks of elements."""


class Staged(NamedTuple):
    """An array that is staged: examples, then `width` values for each (1, or the classes on the last axis)."""

    array: Any
    dtype: Any
    width: int = 1
    output: bool = False
    convert: Any = 0
    """The function that reads the buffer, where its dtype is not that of the kernel."""

    @property
    def examples(self) -> tuple[int, ...]:
        """The shape without the classes."""
        return tuple(self.array.shape if self.width == 1 else self.array.shape[:-1])


class Found(NamedTuple):
    """What a pass found: the sum of the losses, and the first invalid element (its index or -1, what is there)."""

    value: float
    invalid: int = -1
    kind: float = 0.0
    y_true: float = 0.0
    y_pred: float = 0.0
    weight: float = 0.0


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


def _transfer(staged: Staged, buffer: Any, start: int, stop: int) -> None:
    """Copy examples start..stop between the array and its buffer."""
    offset = 0
    with np.errstate(all="ignore"):  # a gradient too large for float16 is inf, as everywhere
        for index, count in slabs(staged.examples, start, stop):
            part = staged.array[(*index, ...)]  # with the dots a view, of no dimensions too
            flat = buffer[offset * staged.width : (offset + count) * staged.width].reshape(part.shape)
            if staged.output:
                np.copyto(part, flat, casting="unsafe")
            else:
                np.copyto(flat, part, casting="unsafe")
            offset += count


def _joined(high: float, low: float) -> float:
    """The sum as one float; low is NaN once high has overflowed."""
    return high + low if math.isfinite(high) else high


def direct(run: Callable[[Call], Any], call: Call, learn: Callable[[], None] | None = None) -> Found:
    """Run a kernel on arrays that it can reach where they lie; learn() is called where all elements are valid."""
    high, low, invalid, *there = run(call).tolist()
    if learn and invalid < 0:
        learn()
    return Found(_joined(high, low), int(invalid), *there)


def staged(run: Callable[[Call], Any], call: Call, arrays: dict[str, Staged | None]) -> Found:
    """Run a kernel piece by piece on arrays by their names in a call."""
    known = {name: array for name, array in arrays.items() if array is not None}
    step = min(max(ELEMENTS // call.classes, 1), call.size)
    buffers = {name: np.empty(step * a.width, a.dtype) for name, a in known.items()}
    operands = {name: Operand(buffers[name], a.convert, buffers[name].itemsize) for name, a in known.items()}
    call, count, high, low = call._replace(**operands), call.size, 0.0, 0.0  # type: ignore[arg-type]
    for start in range(0, count, step):
        stop = min(start + step, count)
        for name, array in known.items():
            if not array.output:
                _transfer(array, buffers[name], start, stop)
        report = run(call._replace(size=stop - start, first=start))
        if report.invalid >= 0:
            offset = start * (call.classes if report.kind in IN_ROWS else 1)
            return Found(math.nan, int(report.invalid) + offset, *report.tolist()[3:])
        for name, array in known.items():
            if array.output:
                _transfer(array, buffers[name], start, stop)
        high, low = in_python(two_sum)(high, low + float(report.low), float(report.high))
    return Found(_joined(high, low))
