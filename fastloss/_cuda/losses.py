"""The pass of each kind of loss, and of its activation."""

import math
from functools import cache
from typing import Any

from .._compile.jit import scalar
from .._math.constants import ELEMENTWISE_CONSTANTS, SOFTMAX_CONSTANTS, padded
from .._request.description import Categorical, Description
from .._request.geometry import Geometry, class_axis
from .._request.weights import in_range, relative
from .arrays import View
from .layout import copy
from .passes import (
    Call,
    Options,
    Rows,
    Scale,
    elementwise_pass,
    rowwise_pass,
    softmax_pass,
    total_of_kept,
    total_of_rows,
    total_of_weights,
)
from .plan import Plan


def _elementwise(loss: Description, call: Call, mean: bool) -> tuple[Call, View | None]:
    """The pass of an elementwise loss: the call with its scale, and the sums of the blocks."""
    weights = loss.label_weights
    table = None if weights is None else call.plan.values(weights, call.real)
    options = Options(loss.ignore_index, loss.skips_nan(call.y.dtype), table, 1 if weights is None else len(weights))
    if mean and loss.leaves_out:
        call = call._replace(scale=total_of_kept(call, options))
    elif mean:
        scale = Scale(1.0 / call.p.size, call.p.size) if call.w is None else total_of_weights(call, call.p.size)
        call = call._replace(scale=scale)
    return call, elementwise_pass(call, loss.maths, padded(loss.constants, ELEMENTWISE_CONSTANTS), options)


def _categorical(loss: Categorical, shape: Geometry, call: Call, mean: bool) -> tuple[Call, View | None]:
    """The pass of a loss of rows of classes."""
    factors, counted = loss.factors, loss.weighs_classes(shape.indices)
    if mean and counted and factors is not None and max(factors) > 0 and not in_range(max(factors)):
        factors = relative(factors)  # the mean is the same
    table = None if factors is None else call.plan.values(factors, call.real)
    spread = not shape.indices or loss.label_smoothing > 0
    rows = Rows(shape.number, shape.classes, shape.inner, shape.indices, spread,
                table, loss.ignore_index, loss.label_smoothing, not shape.indices and loss.signed_targets)  # fmt: skip
    if mean:
        uneven = call.w is not None or counted or loss.ignore_index is not None
        weighing = rows if counted else rows._replace(table=None)
        call = call._replace(scale=total_of_rows(call, weighing) if uneven else Scale(1.0 / rows.rows, rows.rows))
    return call, rowwise_pass(call, rows, loss.maths, loss.from_logits, padded(loss.constants, SOFTMAX_CONSTANTS))


def loss_pass(loss: Description, shape: Geometry, call: Call, mean: bool) -> tuple[Call, View | None]:
    """The pass of a loss: the call with its scale, and the sums of the blocks."""
    if isinstance(loss, Categorical):
        return _categorical(loss, shape, call, mean)
    return _elementwise(loss, call, mean)


def activation_pass(loss: Description, z: View, out: View, real: Any, plan: Plan) -> None:
    """Write the activation of z."""
    if isinstance(loss, Categorical):
        axis = class_axis(loss, z)
        inner = math.prod(z.shape[axis + 1 :])
        softmax_pass(z, out, z.size // z.shape[axis], z.shape[axis], inner, real, plan)
    elif loss.activation is None:
        copy(z, out, plan, f"{loss.name}: out")
    else:
        call = Call(z, z, None, 0, None, out, None, Scale(1.0), 1, real, plan, False)
        elementwise_pass(call, _as_gradient(loss.activation), padded((), ELEMENTWISE_CONSTANTS))


@cache
def _as_gradient(maths: Any) -> Any:
    """Maths whose derivative is the value of an activation, so that it is written as a gradient is."""
    activation = maths.point

    @scalar
    def point(y, z, c):
        value, none, _ = activation(y, z, c)
        return none, value, none

    return maths._replace(name=f"{maths.name}_written", point=point)
