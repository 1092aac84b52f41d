"""One pass over rows of classes, wherever and in whatever dtype they lie: the choice of kernels and their arguments."""

from functools import cache
from typing import Any

import numpy as np

from .._compile.jit import in_python
from .._compile.threads import on_threads
from .._compile.vectors import WIDTH
from .._math.constants import ELEMENTWISE_CONSTANTS, padded
from .._request.description import Categorical
from .._request.geometry import Geometry
from .._request.weights import repeated
from .across import pivots, weigher
from .call import Call, Operand
from .dtypes import operand, reader
from .elementwise_pass import OUTPUTS, Learn
from .launch import Function, Kernel, row_tasks
from .lines import MOST
from .probabilities import probabilities
from .rows import rows
from .staging import Found, Staged, direct, staged
from .weights import total_weights


@cache
def rows_kernel(real: Any, side_by_side: bool, targets: str, order: int) -> Kernel:
    """The kernel of all losses of rows of logits."""
    name = f"rows-{real.__name__}-{'lines' if side_by_side else 'along'}-{targets}{order}"
    return Kernel(name, rows(real, side_by_side, targets, order))


@cache
def probabilities_kernel(real: Any, soft: bool, order: int) -> Kernel:
    """The kernel of all losses of rows of probabilities."""
    return Kernel(f"probabilities-{real.__name__}-{'many' if soft else 'one'}{order}", probabilities(real, soft, order))


@cache
def pivots_function(maths: Any, logits: bool, real: Any) -> Function:
    """The compiled maths of one loss across the pivots of a block."""
    return Function(f"{maths.name}-{real.__name__}-{'z' if logits else 'p'}-pivots", pivots(maths, logits, real))


@cache
def weigh_function(maths: Any, logits: bool, side_by_side: bool, real: Any, order: int) -> Function:
    """The compiled maths of one loss over all classes of a block."""
    kind = f"{'z' if logits else 'p'}{'l' if side_by_side else 'a'}{order}"
    return Function(f"{maths.name}-{real.__name__}-{kind}-weigh", weigher(maths, logits, side_by_side, real, order), 8)


@cache
def weights_kernel(real: Any) -> Kernel:
    """The kernel that adds the weights of rows."""
    return Kernel(f"weights-{real.__name__}", total_weights(real))


def in_memory_order(shape: Geometry, arrays: list[Any]) -> tuple[list[Any], int] | None:
    """The arrays in one memory order and the distance of two classes in it, or None where there is none."""
    known = [a for a in arrays if a is not None]
    if all([a.flags.c_contiguous for a in known]):
        return arrays, shape.inner
    if len(shape.examples) == 1 and shape.axis == 1:  # (n, K), Fortran order
        arrays = [a.T if a is not None and a.ndim == 2 else a for a in arrays]
        if all([a is None or a.flags.c_contiguous for a in arrays]):
            return arrays, shape.number
    return None


def _call(loss: Categorical, shape: Geometry, w: Any, real: Any, scale: float, classed: bool) -> Call:
    """The call of a pass over rows, without its arrays but for the table of class factors."""
    table = None
    if classed:
        with np.errstate(over="ignore"):  # what is too large for the dtype is inf, as everywhere
            table = np.array(loss.factors, real)
    return Call(class_factors=Operand(table), size=shape.number, classes=shape.classes, indices=int(shape.indices),
                repeat=0 if w is None else repeated(w, shape.examples), has_factors=int(classed),
                has_ignore=int(loss.ignore_index is not None), ignore_index=loss.ignore_index or 0,
                signed_targets=int(loss.signed_targets), scale=scale, label_smoothing=loss.label_smoothing,
                slack=loss.slack, constants=padded(loss.constants, ELEMENTWISE_CONSTANTS))  # fmt: skip


def _over_rows(choose: Any, call: Call, shape: Geometry, real: Any, y: Any, p: Any, w: Any,
               outputs: tuple[Any, Any, Any], in_place: bool, most: int = MOST,
               learn: Learn | None = None) -> Found:  # fmt: skip
    """Run the kernel that choose(side_by_side) gives, with the functions that it calls, over rows in any memory order.

    in_place: an output is y_pred. most: up to how many classes rows are taken side by side, where the classes are not
    on the last axis.
    """
    size, tasks = shape.number * shape.classes, in_python(row_tasks)(shape.number, shape.classes)

    def runner(kernel: Kernel, parallel: bool) -> Any:
        return lambda call: kernel(call, call.size, min(tasks, call.size) if parallel else 1)

    home = in_memory_order(shape, [y, p, *outputs])
    if home is not None and (w is None or call.repeat):
        (yv, pv, *views), inner = home
        side_by_side = inner >= WIDTH and shape.classes <= most
        strided = inner > 1 and not side_by_side
        found = [
            operand(yv, np.int64 if shape.indices else real, strided=strided and not shape.indices),
            operand(pv, real, strided=strided),
            operand(w, real, strided=call.repeat > 1),
            operand(views[0], real, True),
            *(operand(o, real, True, strided or in_place) for o in views[1:]),
        ]
        if all(found):
            kernel, functions = choose(side_by_side)
            names = ("y_true", "y_pred", "weight", *OUTPUTS)
            placed: Any = dict(zip(names, found, strict=True))
            ready = call._replace(inner=inner, **functions, **placed)
            then = (lambda: learn(kernel, ready)) if learn else None
            return on_threads(size, lambda parallel: direct(runner(kernel, parallel), ready, then))

    def rows_last(a: Any, output: bool = False) -> Staged | None:
        return None if a is None else Staged(np.moveaxis(a, shape.axis, -1), real, shape.classes, output)

    if shape.indices:
        native = y.dtype.newbyteorder("=")
        convert: Any = None if native.type is np.int64 else reader(native, np.int64)
        labels: Staged | None = Staged(y, native, convert=convert.address if convert else 0)
    else:
        labels = rows_last(y)
    kernel, functions = choose(False)
    call, pieces = call._replace(repeat=int(w is not None), **functions), {
        "y_true": labels,
        "y_pred": rows_last(p),
        "weight": None if w is None else Staged(np.broadcast_to(w, shape.examples), real),
        "losses": None if outputs[0] is None else Staged(outputs[0], real, output=True),
        "gradient": rows_last(outputs[1], True),
        "hessian": rows_last(outputs[2], True),
    }  # fmt: skip
    return on_threads(size, lambda parallel: staged(runner(kernel, parallel), call, pieces))


def rows_pass(loss: Categorical, shape: Geometry, arrays: tuple[Any, Any, Any], outputs: tuple[Any, Any, Any],
              scale: float, order: int, real: Any, learn: Learn | None = None,
              in_place: bool = False) -> Found:  # fmt: skip
    """One pass over y_true, y_pred and weights, which have the rank of the losses; in_place: an output is y_pred."""
    y, p, w = arrays
    call = _call(loss, shape, w, real, scale, loss.factors is not None)
    soft = loss.label_smoothing > 0 or not shape.indices

    def choose(side_by_side: bool) -> tuple[Kernel, dict[str, Any]]:
        logits, maths = loss.from_logits, loss.maths
        functions = {"maths": pivots_function(maths, logits, real).address}
        if soft and not (logits and maths.is_nll):
            functions["weigh"] = weigh_function(maths, logits, side_by_side, real, order).address
        if logits:
            return rows_kernel(real, side_by_side, "many" if soft else "one", order), functions
        return probabilities_kernel(real, soft, order), functions

    return _over_rows(choose, call, shape, real, y, p, w, outputs, in_place, MOST if loss.from_logits else 0, learn)


def weights_of_rows(loss: Categorical, shape: Geometry, y: Any, w: Any, real: Any, classed: bool) -> float:
    """The sum of the weights of all rows, those of their classes included."""
    call = _call(loss, shape, w, real, 0.0, classed)

    def choose(side_by_side: bool) -> tuple[Kernel, dict[str, Any]]:
        return weights_kernel(real), {}

    return _over_rows(choose, call, shape, real, y, None, w, (None, None, None), False, 0).value


def softmax_pass(shape: Geometry, z: Any, out: Any, real: Any, in_place: bool) -> None:
    """Write the softmax of every row; in_place: over the logits."""
    call = Call(size=shape.number, classes=shape.classes)

    def choose(side_by_side: bool) -> tuple[Kernel, dict[str, Any]]:
        return rows_kernel(real, side_by_side, "none", 1), {}

    _over_rows(choose, call, shape, real, None, z, None, (None, out, None), in_place)
