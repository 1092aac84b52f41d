"""The pass of each kind of loss, and of its activation."""

import math
from functools import cache
from typing import Any

import numpy as np

from .._compile.jit import scalar
from .._math.constants import ELEMENTWISE_CONSTANTS, padded
from .._request.weights import in_range, relative
from .arrays import View
from .passes import (
    Call,
    Rows,
    Scale,
    elementwise_pass,
    rowwise_pass,
    softmax_pass,
    total_of_rows,
    total_of_weights,
)
from .plan import Plan


def index_kind(dtype: Any) -> int:
    """A class index's size, negative if unsigned."""
    return int(-dtype.itemsize if np.issubdtype(dtype, np.unsignedinteger) else dtype.itemsize)


def elementwise_loss(loss: Any, call: Call, layout: Any, mean: bool) -> tuple[Call, View | None]:
    """The pass of an elementwise loss: the call with its scale, and the sums of the blocks."""
    if mean:
        scale = Scale(1.0 / call.p.size) if call.w is None else total_of_weights(call, call.p.size)
        call = call._replace(scale=scale)
    return call, elementwise_pass(call, loss._maths(), loss._numbers())


def categorical_loss(loss: Any, call: Call, layout: Any, mean: bool) -> tuple[Call, View | None]:
    """The pass of a loss of rows of classes."""
    factors, counted = loss._class_factors()[1], loss._weighs_classes(layout)
    if mean and counted and factors is not None and max(factors) > 0 and not in_range(max(factors)):
        factors = relative(factors)  # the mean is the same
    table = None if factors is None else call.plan.values(factors, call.real)
    kind = index_kind(call.y.dtype) if layout.indices else 0
    spread = not layout.indices or loss.label_smoothing > 0
    rows = Rows(math.prod(layout.examples), layout.classes, math.prod(layout.examples[layout.axis :]), kind, spread,
                table, loss.ignore_index, loss.label_smoothing, not layout.indices and loss.signed_targets)  # fmt: skip
    if mean:
        uneven = call.w is not None or counted or loss.ignore_index is not None
        weighing = rows if counted else rows._replace(table=None)
        call = call._replace(scale=total_of_rows(call, weighing) if uneven else Scale(1.0 / rows.rows))
    return call, rowwise_pass(call, rows, loss._maths(), loss.from_logits, loss._numbers())


def elementwise_activation(maths: Any, z: View, out: View, real: Any, plan: Plan) -> None:
    """Write maths.point's first value for every element, as a gradient is written."""
    call = Call(z, z, None, 0, None, out, None, Scale(1.0), 1, real, plan, False)
    elementwise_pass(call, _as_gradient(maths), padded((), ELEMENTWISE_CONSTANTS))


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
