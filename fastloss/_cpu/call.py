"""What a kernel is given and what it reports: records with named fields, see `_compile.records`."""

import struct
from typing import Any, NamedTuple

import numpy as np

from .._compile.invoke import invoke
from .._compile.jit import helper
from .._compile.memory import array_base, base_of, beyond, borrow, copy, elements
from .._compile.records import record_at
from .._math.elementary import two_sum


class Operand(NamedTuple):
    """An array of a call: in compiled code its identity, the function that converts its elements, their size."""

    array: Any = None
    convert: Any = 0
    """0: its elements are used where they lie."""
    item_bytes: int = 0


ABSENT = Operand()


class Call(NamedTuple):
    """The arguments of a kernel. Element k of row (a, b) lies at (a * classes + k) * inner + b."""

    y_true: Operand = ABSENT
    y_pred: Operand = ABSENT
    weight: Operand = ABSENT
    losses: Operand = ABSENT
    gradient: Operand = ABSENT
    hessian: Operand = ABSENT
    class_factors: Operand = ABSENT
    size: int = 0
    """Elements, or rows of classes."""
    repeat: int = 0
    """A weight belongs to so many consecutive losses; 0: there are no weights."""
    maths: Any = 0
    """The function of the loss: of a block of elements, or across rows."""
    weigh: Any = 0
    """The function of the loss for rows in which every class has a target."""
    classes: int = 1
    inner: int = 1
    indices: int = 0
    """Whether y_true holds class indices."""
    has_factors: int = 0
    labels: int = 0
    """How many elements of losses of elements have a factor of their own: their period."""
    first: int = 0
    """The number of the first element among those of the whole array."""
    has_missing: int = 0
    """Whether a target that is NaN has weight 0."""
    has_ignore: int = 0
    ignore_index: int = 0
    signed_targets: int = 0
    scale: float = 1.0
    """What the derivatives are multiplied by."""
    label_smoothing: float = 0.0
    slack: float = 0.0
    """How far beyond 0 and 1 a probability may lie."""
    constants: tuple[float, ...] = (0.0,) * 5

    def pack(self) -> bytes:
        """The record in memory; arrays must outlive it."""
        numbers: list[Any] = []
        for array, convert, item_bytes in self[: len(_OPERANDS)]:  # type: ignore[misc]
            if array is not None and not isinstance(array, np.ndarray):
                raise TypeError(f"a kernel was given {type(array)}, expected an array")  # not what lies at its address
            numbers += id(array), convert, item_bytes
        return _STRUCT.pack(*numbers, *self[len(_OPERANDS) : -1], *self.constants)


_OPERANDS = [name for name, value in Call._field_defaults.items() if isinstance(value, Operand)]
OPERAND = np.dtype([(name, "i8") for name in Operand._fields])


def _field(name: str, value: Any) -> tuple[Any, ...]:
    if isinstance(value, Operand):
        return name, OPERAND
    return (
        (name, "f8", (len(value),)) if isinstance(value, tuple) else (name, "f8" if isinstance(value, float) else "i8")
    )


CALL = np.dtype([_field(*item) for item in Call._field_defaults.items()])
"""The same for compiled code."""
_FLOATS = sum(CALL[name].base == np.float64 and max(CALL[name].itemsize // 8, 1) for name in CALL.names or ())
_STRUCT = struct.Struct("q" * (CALL.itemsize // 8 - _FLOATS) + "d" * _FLOATS)

REPORT = np.dtype([(name, "f8") for name in ("high", "low", "invalid", "kind", "y_true", "y_pred", "weight")])
"""What a task reports: the sum of the losses in two parts; the first invalid element or -1, and what is there."""
_REPORT_BYTES = REPORT.itemsize


@helper
def report_of(reports: Any, task: int) -> Any:
    """The report of a task, of an array of reports."""
    return record_at(beyond(array_base(reports), task, _REPORT_BYTES), REPORT)


@helper
def gather(reports: Any, tasks: int) -> None:
    """Add the sums of tasks in their order into the first report, with the first invalid element among them."""
    first = report_of(reports, 0)
    for task in range(1, tasks):
        other = report_of(reports, task)
        first.high, first.low = two_sum(first.high, first.low + other.low, other.high)
        if first.invalid < 0:
            first.invalid, first.kind, first.weight = other.invalid, other.kind, other.weight
            first.y_true, first.y_pred = other.y_true, other.y_pred


@helper
def read(operand: Any, start: int, step: int, values: Any) -> None:
    """values[:] = elements start, start + step, ... of an array, converted."""
    base = beyond(array_base(operand.array), start, operand.item_bytes)
    if operand.convert == 0:
        copy(elements(base, values.size, values.dtype), values)
    else:
        invoke(operand.convert, base, step, base_of(values), 1, values.size)


@helper
def write(operand: Any, start: int, step: int, values: Any) -> None:
    """Elements start, start + step, ... of an array = values, converted."""
    base = beyond(array_base(operand.array), start, operand.item_bytes)
    if operand.convert == 0:
        copy(values, elements(base, values.size, values.dtype))
    else:
        invoke(operand.convert, base_of(values), 1, base, step, values.size)


@helper
def read_weights(call: Any, first: int, w: Any) -> None:
    """The weights of the losses from first on, each written as often as it is used."""
    if call.weight.item_bytes == 0:
        for i in range(w.size):
            w[i] = 1
    elif call.repeat == 1:
        read(call.weight, first, 1, w)
    else:
        i = 0
        while i < w.size:
            k = (first + i) // call.repeat
            stop = min(w.size, (k + 1) * call.repeat - first)
            read(call.weight, k, 1, borrow(w, i, 1))
            for j in range(i + 1, stop):
                w[j] = w[i]
            i = stop


@helper
def constants_of(call: Any, real: Any) -> Any:
    """The hyperparameters that scalar maths takes, in the compute dtype."""
    c = call.constants
    return real(c[0]), real(c[1]), real(c[2]), real(c[3]), real(c[4])
