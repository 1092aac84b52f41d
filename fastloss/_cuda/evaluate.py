"""From arguments on a device to one pass over them: the twin of `Loss._evaluate`. Nothing here waits for the device."""

import math
import numbers
from functools import cache
from typing import Any

import numpy as np
from numba import cuda

from .. import _check
from .._cpu.layout import index_kind, repeated
from .._jit import scalar
from .arrays import Kind, View, library_of
from .checks import on_one_device, output, reachable
from .launch import NO_CONTEXT, driver
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
from .plan import GRADIENT, HESSIAN, LOSSES, TABLE, VALUE, WEIGHT, Y_PRED, Y_TRUE, Plan

SLOTS = TABLE + 1
PLANS = 256
"""How many plans a loss keeps: one for each kind of call."""
_KEY: Any = ("device", 0)


def evaluate(loss: Any, y_true: Any, y_pred: Any, sample_weight: Any, reduction: str, order: int, valued: bool,
             losses: Any, gradient: Any, hessian: Any) -> tuple[Any, Any, Any]:  # fmt: skip
    """What `Loss._evaluate` returns, on the device."""
    name = type(loss).__name__
    _check.reduction(name, reduction)
    number = None
    if isinstance(sample_weight, numbers.Real):
        number, sample_weight = float(sample_weight), None
    results: list[Any] = [y_true, y_pred, sample_weight, losses, gradient, hessian, None, None, None]
    places, kinds = _seen(results)
    key = (reduction, order, valued, number, *kinds)
    plan = _plans(loss).get(key)
    if plan is None:
        plan = _plans(loss)[key] = _planned(loss, kinds, number, reduction, order, valued)
    _run(plan, y_pred, kinds[Y_PRED], places, results)
    return results[LOSSES if reduction == "none" else VALUE] if valued else None, results[GRADIENT], results[HESSIAN]


def activate(loss: Any, z: Any, out: Any = None) -> Any:
    """The activation of logits on a device."""
    results: list[Any] = [None, z, None, None, out, None, None, None, None]
    places, kinds = _seen(results)
    plan = _plans(loss).get(("activate", *kinds))
    if plan is None:
        plan = _plans(loss)["activate", *kinds] = _activation(loss, kinds)
    _run(plan, z, kinds[Y_PRED], places, results)
    return results[GRADIENT]


def _seen(arrays: list[Any]) -> tuple[list[Any], list[Any]]:
    """Where arrays are, and what they are, by slot."""
    places: list[Any] = [None] * SLOTS
    kinds: list[Any] = [None] * VALUE
    for slot, array in enumerate(arrays):
        if array is not None:
            places[slot], kinds[slot] = library_of(array).sight(array)
    return places, kinds


def _plans(loss: Any) -> dict[Any, Plan]:
    found: dict[Any, Plan] | None = loss._plans.get(_KEY)
    if found is None or len(found) >= PLANS:
        found = loss._plans[_KEY] = {}
    return found


def _run(plan: Plan, like: Any, kind: Kind, places: list[Any], results: list[Any]) -> None:
    """Run a plan on the device of y_pred."""
    if plan.guards:
        plan.check(places)
    library, device = kind.library, kind.device
    if SIMULATED:
        plan.run(library, like, places, results, 0)
        return
    current = driver().device()
    if current == device or (device is None and current != NO_CONTEXT):
        plan.run(library, like, places, results, current)
        return
    number = device or 0
    with cuda.gpus[number]:
        plan.run(library, like, places, results, number)


def _planned(loss: Any, kinds: list[Any], number: float | None, reduction: str, order: int, valued: bool) -> Plan:
    """The plan of a call; errors where there is none."""
    name = type(loss).__name__
    given: list[Any] = [None if kind is None else kind.view(slot) for slot, kind in enumerate(kinds)]
    y, p, weight = given[Y_TRUE], given[Y_PRED], given[WEIGHT]
    real = _check.real_dtype(name, p)
    layout = loss._layout(y, p, real)
    inputs = {"y_true": y, "y_pred": p}
    if weight is not None:
        shape = _check.weight_shape(name, weight, layout.examples)
        inputs["sample_weight"] = weight
        rest = (0,) * (len(shape) - weight.ndim)
        weight = weight._replace(shape=shape, strides=weight.strides and (*weight.strides, *rest))
    elif number is not None and number < 0:
        raise ValueError(f"{name}: sample_weight is {number}, expected a weight >= 0")
    on_one_device(name, kinds, ("y_true", "y_pred", "sample_weight", "out (losses)", "out (gradient)", "out (hessian)"))
    for argument, v in inputs.items():
        reachable(name, argument, v)
    plan, each = Plan(), valued and reduction == "none"
    targets: list[Any] = [None, None, None]
    for k, (slot, shape, kind) in enumerate(((LOSSES, layout.examples, real), (GRADIENT, p.shape, None),
                                             (HESSIAN, p.shape, None))):  # fmt: skip
        if not (each, order >= 1, order >= 2)[k]:
            continue
        if given[slot] is None:
            targets[k] = plan.take(slot, shape, kind, p)
        else:
            label = f"out ({('losses', 'gradient', 'hessian')[k]})"
            targets[k] = output(name, label, given[slot], kinds[slot].locked, shape, inputs, plan)
    value = plan.take(VALUE, (), np.float64, p) if valued and not each else None
    if not p.size or not math.prod(layout.examples):
        if value is not None:
            fill(value, 0.0, np.float64, plan)
        return plan
    _record(plan, loss, layout, y, p, weight, number, reduction, order, real, targets, value)
    return plan


def _record(plan: Plan, loss: Any, layout: Any, y: View, p: View, weight: View | None, number: float | None,
            reduction: str, order: int, real: Any, targets: list[Any], value: View | None) -> None:  # fmt: skip
    """The pass itself, through buffers where an array is not as kernels need it."""
    name, count = type(loss).__name__, math.prod(layout.examples)
    w, repeat = None, 0
    if weight is not None:
        repeat = repeated(weight, layout.examples)
        w = contiguous(weight, real, plan, f"{name}: sample_weight", None if repeat else layout.examples)
        repeat = repeat or 1
    elif number is not None:
        w, repeat = plan.buffer((1,), real), count
        fill(w, number, real, plan)
    buffers = [
        v if v is None or (v.contiguous and v.dtype == kind) else plan.buffer(v.shape, real)
        for v, kind in zip(targets, (real, p.dtype, p.dtype), strict=True)
    ]
    if buffers[1] is not None and buffers[2] is not None and buffers[1].dtype != buffers[2].dtype:
        buffers[1:] = [plan.buffer(p.shape, real) for _ in range(2)]
    y, p = contiguous(y, None, plan, f"{name}: y_true"), contiguous(p, None, plan, f"{name}: y_pred")
    factor = 1.0 / count if reduction == "sum_over_batch_size" else 1.0
    call = Call(y, p, w, repeat, buffers[0], buffers[1], buffers[2], Scale(factor), order, real, plan,
                value is not None)  # fmt: skip
    call, sums = loss._device_pass(call, layout, reduction == "mean")
    if value is not None:
        add_losses(call, sums, value, call.scale.number if call.scale.total is None else 1.0)
    for target, buffer, label in zip(targets, buffers, ("losses", "gradient", "hessian"), strict=True):
        if target is not None and buffer is not None and target is not buffer:
            copy(buffer, target, plan, f"{name}: out ({label})")


def elementwise_loss(loss: Any, call: Call, layout: Any, mean: bool) -> tuple[Call, View | None]:
    """The pass of an elementwise loss: the call with its scale, and the sums of the blocks."""
    if mean:
        scale = Scale(1.0 / call.p.size) if call.w is None else total_of_weights(call, call.p.size)
        call = call._replace(scale=scale)
    return call, elementwise_pass(call, loss._maths(), loss._hyperparameters())


def categorical_loss(loss: Any, call: Call, layout: Any, mean: bool) -> tuple[Call, View | None]:
    """The pass of a loss of rows of classes."""
    _, factors, counted = loss._class_factors()
    table = None if factors is None else call.plan.values(factors, call.real)
    kind = index_kind(call.y.dtype) if layout.indices else 0
    spread = not layout.indices or loss.label_smoothing > 0
    rows = Rows(math.prod(layout.examples), layout.classes, math.prod(layout.examples[layout.axis :]), kind, spread,
                table, loss.ignore_index, loss.label_smoothing)  # fmt: skip
    if mean:
        uneven = call.w is not None or (factors is not None and counted) or loss.ignore_index is not None
        weighing = rows if counted else rows._replace(table=None)
        call = call._replace(scale=total_of_rows(call, weighing) if uneven else Scale(1.0 / rows.rows))
    return call, rowwise_pass(call, rows, loss._maths(), loss.from_logits, loss._constants())


def _activation(loss: Any, kinds: list[Any]) -> Plan:
    """The plan of an activation."""
    name, plan = type(loss).__name__, Plan()
    z = kinds[Y_PRED].view(Y_PRED)
    real = _check.real_dtype(name, z, "z")
    on_one_device(name, kinds, ("", "z", "", "", "out", ""))
    reachable(name, "z", z)
    if kinds[GRADIENT] is None:
        target = plan.take(GRADIENT, z.shape, None, z)
    else:
        given = kinds[GRADIENT].view(GRADIENT)
        target = output(name, "out", given, kinds[GRADIENT].locked, z.shape, {"z": z}, plan)
    if z.size:
        buffer = target if target.contiguous and target.dtype == z.dtype else plan.buffer(z.shape, real)
        loss._device_activate(contiguous(z, None, plan, f"{name}: z"), buffer, real, plan)
        if buffer is not target:
            copy(buffer, target, plan, f"{name}: out")
    return plan


def elementwise_activation(maths: Any, z: View, out: View, real: Any, plan: Plan) -> None:
    """Write maths.point's first value for every element, as a gradient is written."""
    call = Call(z, z, None, 0, None, out, None, Scale(1.0), 1, real, plan, False)
    elementwise_pass(call, _as_gradient(maths), (0.0,) * 5)


@cache
def _as_gradient(maths: Any) -> Any:
    activation = maths.point

    @scalar
    def point(y, z, c):
        value, none, _ = activation(y, z, c)
        return none, value, none

    return maths._replace(name=f"{maths.name}_written", point=point)


def softmax(z: View, out: View, axis: int, real: Any, plan: Plan) -> None:
    """Write the softmax over an axis."""
    inner = math.prod(z.shape[axis + 1 :])
    softmax_pass(z, out, z.size // z.shape[axis], z.shape[axis], inner, real, plan)
