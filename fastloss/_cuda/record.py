"""Recording a call as a plan: the checks, the pass, and the copies around it where arrays are not as kernels need them.

Nothing is taken, written or launched here, so every error comes before that.
"""

from typing import Any

import numpy as np

from .._request import checks
from .._request.description import Description
from .._request.geometry import Geometry, geometry
from .._request.weights import repeated
from .arrays import View
from .checks import on_one_device, output, reachable
from .layout import contiguous, copy, fill
from .losses import activation_pass, loss_pass
from .passes import Call, Scale, add_losses
from .plan import GRADIENT, HESSIAN, LOSSES, VALUE, WEIGHT, Y_PRED, Y_TRUE, Plan


def planned(
    loss: Description, kinds: list[Any], number: float | None, reduction: str, order: int, valued: bool
) -> Plan:
    """The plan of a call; errors where there is none."""
    name = loss.name
    given: list[Any] = [None if kind is None else kind.view(slot) for slot, kind in enumerate(kinds)]
    y, p, weight = given[Y_TRUE], given[Y_PRED], given[WEIGHT]
    real = checks.real_dtype(name, p, y_true=y)
    there = geometry(loss, y, p)
    inputs = {"y_true": y, "y_pred": p}
    if weight is not None:
        shape = checks.weight_shape(name, weight, there.examples)
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
    for k, (slot, shape, kind) in enumerate(((LOSSES, there.examples, real), (GRADIENT, p.shape, None),
                                             (HESSIAN, p.shape, None))):  # fmt: skip
        if not (each, order >= 1, order >= 2)[k]:
            continue
        if given[slot] is None:
            targets[k] = plan.take(slot, shape, kind, p)
        else:
            label = f"out ({('losses', 'gradient', 'hessian')[k]})"
            targets[k] = output(name, label, given[slot], kinds[slot].locked, shape, inputs, plan)
    value = plan.take(VALUE, (), np.float64, p) if valued and not each else None
    if not p.size or not there.number:
        if value is not None:
            fill(value, 0.0, np.float64, plan)
        return plan
    _record(plan, loss, there, y, p, weight, number, reduction, order, real, targets, value)
    return plan


def _record(plan: Plan, loss: Description, there: Geometry, y: View, p: View, weight: View | None, number: float | None,
            reduction: str, order: int, real: Any, targets: list[Any], value: View | None) -> None:  # fmt: skip
    """The pass itself, through buffers where an array is not as kernels need it."""
    name, count = loss.name, there.number
    w, repeat = None, 0
    if weight is not None:
        repeat = repeated(weight, there.examples)
        w = contiguous(weight, real, plan, f"{name}: sample_weight", None if repeat else there.examples)
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
    scale = Scale(1.0 / count, count) if reduction == "sum_over_batch_size" else Scale(1.0)
    call = Call(y, p, w, repeat, buffers[0], buffers[1], buffers[2], scale, order, real, plan, value is not None,
                value)  # fmt: skip
    call, sums = loss_pass(loss, there, call, reduction == "mean")
    if value is not None and sums is not None and sums is not value:
        add_losses(call, sums, value, call.scale.number if call.scale.total is None else 1.0)
    for target, buffer, label in zip(targets, buffers, ("losses", "gradient", "hessian"), strict=True):
        if target is not None and buffer is not None and target is not buffer:
            copy(buffer, target, plan, f"{name}: out ({label})")


def activation(loss: Description, kinds: list[Any]) -> Plan:
    """The plan of an activation."""
    name, plan = loss.name, Plan()
    z = kinds[Y_PRED].view(Y_PRED)
    real = checks.real_dtype(name, z, "z")
    on_one_device(name, kinds, ("", "z", "", "", "out", ""))
    reachable(name, "z", z)
    if kinds[GRADIENT] is None:
        target = plan.take(GRADIENT, z.shape, None, z)
    else:
        given = kinds[GRADIENT].view(GRADIENT)
        target = output(name, "out", given, kinds[GRADIENT].locked, z.shape, {"z": z}, plan)
    if z.size:
        buffer = target if target.contiguous and target.dtype == z.dtype else plan.buffer(z.shape, real)
        activation_pass(loss, contiguous(z, None, plan, f"{name}: z"), buffer, real, plan)
        if buffer is not target:
            copy(buffer, target, plan, f"{name}: out")
    return plan
