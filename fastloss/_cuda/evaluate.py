"""From arguments on a device to one pass over them: the twin of `Loss._evaluate`. Nothing here waits for the device."""

import math
from contextlib import nullcontext
from functools import cache
from typing import Any

import numpy as np
from numba import cuda

from .. import _check
from .._cpu.layout import index_kind, repeated
from .._jit import scalar
from .arrays import View, library_of, view
from .formats import format_of
from .layout import contiguous, copy, fill
from .memory import SIMULATED
from .passes import (
    Call,
    Rows,
    Scale,
    add_losses,
    elementwise_pass,
    rowwise_pass,
    softmax_pass,
    total_of_rows,
    total_of_weights,
)


def on_device(like: Any) -> Any:
    """The context in which the device of an array is the current one."""
    number = None if SIMULATED else library_of(like).device(like)
    return nullcontext() if number is None or number == cuda.get_current_device().id else cuda.gpus[number]


def evaluate(loss: Any, y_true: Any, y_pred: Any, sample_weight: Any, reduction: str, order: int, valued: bool,
             losses: Any, gradient: Any, hessian: Any) -> tuple[Any, Any, Any]:  # fmt: skip
    """What `Loss._evaluate` returns, on the device."""
    name = type(loss).__name__
    library = library_of(y_pred)
    p, y = view(y_pred), view(y_true)
    _check.reduction(name, reduction)
    real = _check.real_dtype(name, p)
    layout = loss._layout(y, p, real)
    inputs = {"y_true": y, "y_pred": p}
    shape = None
    if sample_weight is not None and not _is_number(sample_weight):
        inputs["sample_weight"] = view(sample_weight)
        shape = _check.weight_shape(name, inputs["sample_weight"], layout.examples)
    elif sample_weight is not None and sample_weight < 0:
        raise ValueError(f"{name}: sample_weight is {sample_weight}, expected a weight >= 0")
    for argument, v in inputs.items():
        _reachable(name, argument, v)
        _same_device(name, y_pred, argument, v.owner)
    each = valued and reduction == "none"
    outs: list[Any] = []
    for label, out, want in (("losses", losses, each), ("gradient", gradient, order >= 1),
                             ("hessian", hessian, order >= 2)):  # fmt: skip
        outs.append(_output(name, label, out, layout.examples if label == "losses" else p.shape, inputs) if out is not
                    None and want else None)  # fmt: skip
    with on_device(y_pred):
        stream = library.stream(y_pred)
        results = [
            out.owner if out is not None else (library.empty(s, kind, y_pred) if want else None)
            for out, s, kind, want in zip(
                outs,
                (layout.examples, p.shape, p.shape),
                (real, None, None),
                (each, order >= 1, order >= 2),
                strict=True,
            )
        ]
        value = None if each else view(library.empty((), np.float64, y_pred))
        count = math.prod(layout.examples)
        if not p.size or not count:
            if value is not None:
                fill(value, 0.0, np.float64, stream)
        else:
            run(loss, layout, y, p, sample_weight, shape, reduction, order, real, results, value, stream)
    return (results[0] if each else value and value.owner), results[1], results[2]


def run(loss: Any, layout: Any, y: View, p: View, sample_weight: Any, shape: Any, reduction: str, order: int, real: Any,
        results: list[Any], value: View | None, stream: int) -> None:  # fmt: skip
    """The pass itself, through buffers where an array is not as kernels need it."""
    like, library, count = p.owner, library_of(p.owner), math.prod(layout.examples)
    w, repeat = None, 0
    if shape is not None:
        given = view(sample_weight)
        padded = given._replace(
            shape=shape, strides=given.strides and (*given.strides, *[0] * (len(shape) - given.ndim))
        )
        repeat = repeated(padded, layout.examples)
        w = contiguous(padded, real, stream, None if repeat else layout.examples, like)
        repeat = repeat or 1
    elif sample_weight is not None:
        w, repeat = view(library.empty((1,), real, like)), count
        fill(w, float(sample_weight), real, stream)
    targets = [None if r is None else view(r) for r in results]
    kinds = [real, p.dtype, p.dtype]
    buffers = [
        v if v is None or (v.contiguous and v.dtype == kind) else view(library.empty(v.shape, real, like))
        for v, kind in zip(targets, kinds, strict=True)
    ]
    if buffers[1] is not None and buffers[2] is not None and buffers[1].dtype != buffers[2].dtype:
        buffers[1:] = [view(library.empty(p.shape, real, like)) for _ in range(2)]
    call = Call(contiguous(y, None, stream), contiguous(p, None, stream), w, repeat, buffers[0], buffers[1], buffers[2],
                Scale(1.0), order, real, stream)  # fmt: skip
    factor = 1.0 / count if reduction == "sum_over_batch_size" else 1.0
    call, sums = loss._device_pass(call._replace(scale=Scale(factor)), layout, reduction == "mean")
    if value is not None:
        add_losses(call, sums, value, call.scale.number if call.scale.total is None else 1.0)
    for target, buffer in zip(targets, buffers, strict=True):
        if target is not None and buffer is not None and target is not buffer:
            copy(buffer, target, stream)


def elementwise_loss(loss: Any, call: Call, layout: Any, mean: bool) -> tuple[Call, View]:
    """The pass of an elementwise loss: the call with its scale, and the sums of the blocks."""
    if mean:
        scale = Scale(1.0 / call.p.size) if call.w is None else total_of_weights(call, call.p.size)
        call = call._replace(scale=scale)
    return call, elementwise_pass(call, loss._maths(), loss._hyperparameters())


def categorical_loss(loss: Any, call: Call, layout: Any, mean: bool) -> tuple[Call, View]:
    """The pass of a loss of rows of classes."""
    _, factors, counted = loss._class_factors()
    library, like = library_of(call.p.owner), call.p.owner
    table = None if factors is None else view(library.table(factors, call.real, like))
    kind = index_kind(call.y.dtype) if layout.indices else 0
    spread = not layout.indices or loss.label_smoothing > 0
    rows = Rows(math.prod(layout.examples), layout.classes, math.prod(layout.examples[layout.axis :]), kind, spread,
                table, loss.ignore_index, loss.label_smoothing)  # fmt: skip
    if mean:
        uneven = call.w is not None or (factors is not None and counted) or loss.ignore_index is not None
        weighing = rows if counted else rows._replace(table=None)
        call = call._replace(scale=total_of_rows(call, weighing) if uneven else Scale(1.0 / rows.rows))
    return call, rowwise_pass(call, rows, loss._maths(), loss.from_logits, loss._constants())


def activate(loss: Any, z: Any, out: Any) -> Any:
    """What `Loss.activate` returns, on the device."""
    name = type(loss).__name__
    v, library = view(z), library_of(z)
    real = _check.real_dtype(name, v)
    _reachable(name, "z", v)
    target = None if out is None else _output(name, "out", out, v.shape, {"y_pred": v})
    with on_device(z):
        result = library.empty(v.shape, None, z) if out is None else out
        stream = library.stream(z)
        target = view(result) if target is None else target
        if v.size:
            buffer = target
            if not target.contiguous or target.dtype != v.dtype:
                buffer = view(library.empty(v.shape, real, z))
            loss._device_activate(contiguous(v, None, stream), buffer, real, stream)
            if buffer is not target:
                copy(buffer, target, stream)
    return result


def elementwise_activation(maths: Any, z: View, out: View, real: Any, stream: int) -> None:
    """Write maths.point's first value for every element, as a gradient is written."""
    call = Call(z, z, None, 0, None, out, None, Scale(1.0), 1, real, stream)
    elementwise_pass(call, _as_gradient(maths), (0.0,) * 5)


@cache
def _as_gradient(maths: Any) -> Any:
    activation = maths.point

    @scalar
    def point(y, z, c):
        value, none, _ = activation(y, z, c)
        return none, value, none

    return maths._replace(name=f"{maths.name}_written", point=point)


def softmax(z: View, out: View, axis: int, real: Any, stream: int) -> None:
    """Write the softmax over an axis."""
    inner = math.prod(z.shape[axis + 1 :])
    softmax_pass(z, out, z.size // z.shape[axis], z.shape[axis], inner, real, stream)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number | np.bool_)


def _reachable(name: str, argument: str, v: View) -> None:
    if format_of(v.dtype) is None:
        raise TypeError(f"{name}: {argument} has dtype {v.dtype}, expected a real dtype that a GPU computes with")
    if v.strides is not None and any(s % v.dtype.itemsize for s in v.strides):
        raise ValueError(f"{name}: {argument} has strides of {v.strides} bytes, expected multiples of the "
                         f"{v.dtype.itemsize} bytes of an element")  # fmt: skip


def _same_device(name: str, y_pred: Any, argument: str, array: Any) -> None:
    first, other = (None if SIMULATED else library_of(a).device(a) for a in (y_pred, array))
    if first is not None and other is not None and first != other:
        raise TypeError(
            f"{name}: y_pred is on GPU {first}, {argument} is on GPU {other}; expected all arrays on one device"
        )


def _output(name: str, label: str, out: Any, shape: tuple[int, ...], inputs: dict[str, View]) -> View:
    """The view of an out argument; errors if results cannot be written there."""
    argument = f"out ({label})"
    v = view(out)
    _same_device(name, inputs["y_pred"].owner, argument, out)
    if v.shape != shape:
        raise ValueError(f"{name}: {argument} has shape {v.shape}, expected {shape}")
    if v.dtype.kind != "f" and v.dtype.name not in _check.HALF:
        raise TypeError(f"{name}: {argument} has dtype {v.dtype}, expected a float dtype")
    _reachable(name, argument, v)
    for other, array in inputs.items():
        same = v.owner is array.owner or (_start(v) == _start(array) and v[1:4] == array[1:4])
        if other == "y_pred" and same:
            continue
        if v.size and array.size and _span(v)[0] < _span(array)[1] and _span(array)[0] < _span(v)[1]:
            hint = "only y_pred itself may be overwritten" if other != "y_pred" else "but is not the same array"
            raise ValueError(f"{name}: {argument} overlaps {other}; {hint}")
    inputs[argument] = v
    return v


def _start(v: View) -> int:
    return int(v.address.__array_interface__["data"][0] if SIMULATED else v.address)


def _span(v: View) -> tuple[int, int]:
    before, behind = v.extent
    return _start(v) + before, _start(v) + behind
