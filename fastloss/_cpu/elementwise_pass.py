"""One pass over elements, wherever and in whatever dtype they lie: the choice of a kernel and its arguments."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from .._compile.jit import scalar
from .._compile.threads import on_threads
from .._math.constants import ELEMENTWISE_CONSTANTS, padded
from .._math.forms import COUNT, ElementwiseMaths
from .._request.description import Description
from .._request.weights import repeated
from .call import Call, Operand
from .dtypes import operand
from .elementwise import block, elementwise
from .launch import TASKS, Function, Kernel
from .staging import Found, Staged, direct, staged
from .sums import BLOCK

Learn = Callable[[Kernel, Call], None]
"""Called with the kernel and the call of a pass over arrays where they lie, once it has succeeded."""
OUTPUTS = ("losses", "gradient", "hessian")
PLAIN = Call()
"""The options of a loss without any."""


@cache
def block_function(maths: Any, real: Any, order: int) -> Function:
    """The compiled maths of one loss for a block of elements."""
    independent = maths.deep or maths.apart
    return Function(f"{maths.name}-{real.__name__}-{order}", block(maths, real, order), 9, independent=independent)


@cache
def elementwise_kernel(real: Any) -> Kernel:
    """The kernel of all losses of elements."""
    return Kernel(f"elementwise-{real.__name__}", elementwise(real))


def elementwise_pass(maths: Any, constants: tuple[float, ...], arrays: tuple[Any, Any, Any],
                     outputs: tuple[Any, Any, Any], scale: float, order: int, real: Any, learn: Learn | None = None,
                     in_place: bool = False, options: Call = PLAIN) -> Found:  # fmt: skip
    """One pass over y_true, y_pred and weights, which have the rank of the losses; in_place: an output is y_pred."""
    y, p, w = arrays
    leaves_out = bool(options.has_ignore or options.has_missing)
    size, repeat = p.size, int(leaves_out) if w is None else repeated(w, p.shape)
    kernel, function = elementwise_kernel(real), block_function(maths, real, order).address
    numbers = padded(constants, ELEMENTWISE_CONSTANTS)

    def runner(parallel: bool) -> Callable[[Call], Any]:
        def run(call: Call) -> Any:
            count = -(-call.size // BLOCK)
            return kernel(call, count, min(count, TASKS) if parallel else 1)

        return run

    if w is None or repeat:
        found: Any = [operand(y, real), operand(p, real), operand(w, real, strided=repeat > 1)]
        found += [operand(o, real, True, in_place) for o in outputs]
        if None not in found:
            inputs = dict(zip(Call._fields, found, strict=False))
            ready = options._replace(**inputs, size=size, repeat=repeat, maths=function, scale=scale, constants=numbers)
            then = (lambda: learn(kernel, ready)) if learn else None
            return on_threads(size, lambda parallel: direct(runner(parallel), ready, then))
    call = options._replace(
        size=size, repeat=int(w is not None or leaves_out), maths=function, scale=scale, constants=numbers
    )
    pieces = {
        "y_true": Staged(y, real),
        "y_pred": Staged(p, real),
        "weight": None if w is None else Staged(np.broadcast_to(w, p.shape), real),
        **{name: None if o is None else Staged(o, real, output=True) for name, o in zip(OUTPUTS, outputs, strict=True)},
    }  # fmt: skip
    return on_threads(size, lambda parallel: staged(runner(parallel), call, pieces))


def options_of(loss: Description, y: Any, real: Any) -> Call:
    """What a loss leaves out, and the weights of its labels."""
    if not loss.leaves_out and loss.label_weights is None:
        return PLAIN
    weights, table = loss.label_weights or (), None
    if weights:
        table = loss.plans.get(("labels", real))
        if table is None:
            table = loss.plans["labels", real] = np.resize(np.array(weights, real), len(weights) + BLOCK)
    return Call(class_factors=Operand(table), labels=len(weights), has_missing=int(loss.skips_nan(y.dtype)),
                has_ignore=int(loss.ignore_index is not None), ignore_index=loss.ignore_index or 0)  # fmt: skip


def sum_of_kept(loss: Description, y: Any, w: Any, real: Any) -> float:
    """The sum of the weights of all elements that are not left out."""
    options = options_of(loss, y, real)._replace(labels=0)
    return float(elementwise_pass(COUNT, (), (y, y, w), (None, None, None), 1.0, 0, real, options=options).value)


@scalar
def _itself(y: Any, p: Any, c: Any) -> Any:
    return p, type(p)(0), type(p)(0)


IDENTITY = ElementwiseMaths("identity", _itself)


def sum_of(w: Any, count: int) -> float:
    """The sum of weights, each counted as often as it is used, in float64; w has as many dimensions as the losses."""
    if w.size <= BLOCK:
        with np.errstate(over="ignore"):
            return float(np.add.reduce(w, axis=None, dtype=np.float64)) * (count / w.size)
    found = elementwise_pass(IDENTITY, (), (w, w, None), (None, None, None), 1.0, 0, np.float64)
    return float(found.value * (count / w.size))
