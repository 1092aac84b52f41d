"""Blocks of rows on their way between arrays and the matrices of a kernel, in both layouts."""

from typing import Any

from .._compile.jit import helper
from .._compile.memory import array_base, beyond, borrow, elements
from .._compile.vectors import WIDTH, transpose
from .block import whole
from .call import read, write


@helper
def row_start(call: Any, row: int) -> int:
    """The first element of a row."""
    return row // call.inner * call.classes * call.inner + row % call.inner


@helper
def rows_of(call: Any, operand: Any, first: int, rows: int, reach: int, values: Any) -> Any:
    """Rows one behind the other, `reach` elements of which may be read: where they lie, or copied to values."""
    classes, inner = call.classes, call.inner
    if inner > 1:
        for r in range(rows):
            read(operand, row_start(call, first + r), inner, borrow(values, r * classes, classes))
        return values
    start, size = first * classes, rows * classes
    if operand.convert == 0 and reach <= call.size * classes - start:
        return elements(beyond(array_base(operand.array), start, operand.item_bytes), reach, values.dtype)
    read(operand, start, 1, borrow(values, 0, size))
    return values


@helper
def put_rows(call: Any, operand: Any, first: int, rows: int, values: Any) -> None:
    """Write rows that lie one behind the other."""
    if call.inner > 1:
        for r in range(rows):
            row = borrow(values, r * call.classes, call.classes)
            write(operand, row_start(call, first + r), call.inner, row)
    else:
        write(operand, first * call.classes, 1, borrow(values, 0, rows * call.classes))


@helper
def lines_of(call: Any, operand: Any, first: int, rows: int, flat: Any, values: Any) -> Any:
    """A line for each class, and how far they lie apart: where they lie, or brought to values."""
    classes, inner, pitch = call.classes, call.inner, whole(rows)
    start = row_start(call, first)
    if inner == 1:
        reach = pitch * classes + whole(classes)
        _to_lines(rows_of(call, operand, first, rows, reach, flat), classes, pitch, values)
        return values, pitch
    if operand.convert == 0 and rows == pitch:
        size = (classes - 1) * inner + rows
        return elements(beyond(array_base(operand.array), start, operand.item_bytes), size, values.dtype), inner
    for k in range(classes):
        read(operand, start + k * inner, 1, borrow(values, k * pitch, rows))
    return values, pitch


@helper
def _to_lines(rows: Any, classes: int, pitch: int, lines: Any) -> None:
    for r in range(0, pitch, WIDTH):
        for k in range(0, classes, WIDTH):
            transpose(rows, r * classes + k, classes, lines, k * pitch + r, pitch)


@helper
def put_lines(call: Any, operand: Any, first: int, rows: int, flat: Any, values: Any) -> None:
    """Write lines, one for each class."""
    classes, inner, pitch = call.classes, call.inner, whole(rows)
    if inner > 1:
        for k in range(classes):
            write(operand, row_start(call, first) + k * inner, 1, borrow(values, k * pitch, rows))
        return
    vectors = classes if classes < WIDTH else classes // WIDTH * WIDTH
    for r in range(0, pitch, WIDTH):
        for k in range(0, vectors, WIDTH):  # what goes beyond a row is overwritten by the next one
            transpose(values, k * pitch + r, pitch, flat, r * classes + k, classes)
    for r in range(rows):
        for k in range(vectors, classes):
            flat[r * classes + k] = values[k * pitch + r]
    write(operand, first * classes, 1, borrow(flat, 0, rows * classes))
