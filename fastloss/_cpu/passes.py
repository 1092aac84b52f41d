"""One pass of elementwise maths over arrays, wherever and in whatever dtype they lie."""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from .._compile.jit import scalar
from .._math.constants import ELEMENTWISE_CONSTANTS, padded
from .._math.forms import ElementwiseMaths
from .._request.checks import same_memory
from .blocks import BLOCK, PARALLEL
from .elementwise import SLOTS, block, elementwise
from .launch import Function, Kernel
from .layout import place, places, repeated
from .moves import reader
from .staging import Operand, Sum, direct, staged

NO_CONSTANTS = padded((), ELEMENTWISE_CONSTANTS)


@cache
def _block(maths: ElementwiseMaths, real: Any, order: int) -> Function:
    return Function(f"{maths.name}-{real.__name__}-{order}", block(maths, real, order), 8, interleaved=maths.deep)


@cache
def _kernel(real: Any) -> Kernel:
    return Kernel(f"elementwise-{real.__name__}", elementwise(real), SLOTS, BLOCK)


class Plan(NamedTuple):
    """How contiguous arrays of two dtypes are computed without weights: what the short cut of small calls needs."""

    kernel: Kernel
    function: Any
    read: Any
    itemsizes: tuple[int, ...]


@cache
def plan(maths: ElementwiseMaths, y: Any, p: Any, order: int) -> Plan | None:
    """The plan for y_true of dtype y and y_pred of dtype p; None where they need another way."""
    real = p.type
    if real not in (np.float32, np.float64) or not p.isnative:
        return None
    read: Any = 0
    if y.type is not real or not y.isnative:
        function = reader(y, real)
        if function is None:
            return None
        read = function.address
    return Plan(_kernel(real), _block(maths, real, order).address, read, (y.itemsize, *[p.itemsize] * 5))


def run(maths: ElementwiseMaths, order: int, count: int, real: Any, arrays: tuple[Any, ...], w: Any, scale: float,
         constants: Sequence[float]) -> Sum:  # fmt: skip
    """One pass: arrays are y_true, y_pred, losses, gradient and Hessian; w has the rank of the losses."""
    y, p, *outputs = arrays
    kernel, function = _kernel(real), _block(maths, real, order).address
    repeat = 0 if w is None else repeated(w, p.shape)
    found = None
    if all(a is None or a.flags.c_contiguous for a in (y, p, w, *outputs)) and (w is None or repeat):
        ways = [place(y, real), place(p, real), place(w, real, aside=repeat > 1)]
        ways += [place(o, real, output=True, aside=o is not None and same_memory(o, p)) for o in outputs]
        found = places(ways)
    each = int(outputs[0] is not None)
    if found is not None:
        return direct(kernel, (y, p, w, *outputs), (count, *found, function, repeat, order, each, scale, *constants),
                      count >= PARALLEL)  # fmt: skip
    operands = [
        Operand(y, real),
        Operand(p, real),
        None if w is None else Operand(np.broadcast_to(w, p.shape), real),
        *(None if o is None else Operand(o, real, output=True) for o in outputs),
    ]
    ways = [place(np.empty(0, real), real)] * 6
    numbers = (count, *(places(ways) or ()), function, int(w is not None), order, each, scale, *constants)
    return staged(kernel, operands, numbers, count, count >= PARALLEL, rows=False)


@scalar
def _itself(y: Any, p: Any, c: Any) -> Any:
    return p, type(p)(0), type(p)(0)


IDENTITY = ElementwiseMaths("identity", _itself)


def total_weight(w: Any, count: int) -> float:
    """The sum of weights, each counted as often as it is used, in float64; w has as many dimensions as the losses."""
    found = run(IDENTITY, 0, w.size, np.float64, (w, w, None, None, None), None, 1.0, NO_CONSTANTS)
    return float(found.value * (count / w.size))


def apply(maths: ElementwiseMaths, z: Any, out: Any, real: Any) -> None:
    """Write maths.point's first value for every element of z to out: an activation."""
    run(maths, 0, z.size, real, (z, z, out, None, None), None, 0.0, NO_CONSTANTS)
