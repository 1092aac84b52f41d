"""Blocks of rows on their way between arrays and the matrices of a kernel, in both layouts."""

from typing import Any

from .._compile.jit import helper
from .._compile.memory import array_base, base_of, beyond, borrow, elements
from .block import reach_of, whole
from .call import read, write


@helper
def row_start(call: Any, row: int) -> int:
    """The first element of a row."""
    return row // call.inner * call.classes * call.inner + row % call.inner


@helper
def usable(call: Any, operand: Any, first: int, reach: int) -> bool:
    """Whether a kernel may use so many elements from a row on where they lie."""
    return operand.convert == 0 and call.inner == 1 and first * call.classes + reach <= call.size * call.classes


@helper
def rows_of(call: Any, operand: Any, first: int, rows: int, values: Any) -> Any:
    """The address of rows one behind the other, where they lie or copied to values, how many elements may be read, and
    how far two classes lie apart."""
    classes, inner, reach = call.classes, call.inner, reach_of(rows, call.classes)
    start = first * classes
    if usable(call, operand, first, reach):
        return beyond(array_base(operand.array), start, operand.item_bytes), reach, 1
    if inner > 1:
        for r in range(rows):
            read(operand, row_start(call, first + r), inner, borrow(values, r * classes, classes))
    else:
        read(operand, start, 1, borrow(values, 0, rows * classes))
    return base_of(values), reach, 1


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
def lines_of(call: Any, operand: Any, first: int, rows: int, values: Any) -> Any:
    """The same of lines, one for each class."""
    classes, inner, pitch = call.classes, call.inner, whole(rows)
    start = row_start(call, first)
    if operand.convert == 0 and rows == pitch:
        return beyond(array_base(operand.array), start, operand.item_bytes), (classes - 1) * inner + rows, inner
    for k in range(classes):
        read(operand, start + k * inner, 1, borrow(values, k * pitch, rows))
    return base_of(values), classes * pitch, pitch


@helper
def place_of_rows(call: Any, table: Any, first: int, values: Any, direct: bool) -> Any:
    """Where the gradient is computed, the distance of two classes there, and whether it is its place."""
    return values, 1, direct


@helper
def place_of_lines(call: Any, table: Any, first: int, values: Any, direct: bool) -> Any:
    """The same of lines: their place, if the logits are used in theirs: then they are whole vectors of rows."""
    operand, rows, inner = call.gradient, table.rows, call.inner
    if operand.convert == 0 and table.logit_step == inner:
        base = beyond(array_base(operand.array), row_start(call, first), operand.item_bytes)
        return elements(base, (call.classes - 1) * inner + rows, values.dtype), inner, True
    table.logit_step = table.class_step
    return values, table.class_step, False


@helper
def put_lines(call: Any, operand: Any, first: int, rows: int, values: Any) -> None:
    """Write lines, one for each class."""
    start = row_start(call, first)
    for k in range(call.classes):
        write(operand, start + k * call.inner, 1, borrow(values, k * whole(rows), rows))
