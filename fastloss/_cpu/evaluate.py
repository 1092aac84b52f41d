"""From a request to one pass over arrays of NumPy, and back to what is returned."""

from dataclasses import replace
from typing import Any

import numpy as np

from .._request import checks
from .._request.description import Categorical, Description, Request
from .._request.geometry import Geometry, class_axis, geometry
from .._request.messages import invalid_element
from .._request.weights import alike, evened, hidden, in_range, is_masked, masked_like, relative, without
from .elementwise_pass import elementwise_pass, options_of, sum_of, sum_of_kept
from .fast_path import teacher
from .matrix import matrix_pass
from .rows_pass import rows_pass, softmax_pass, weights_of_rows

LABELS = ("losses", "gradient", "hessian")


def evaluate(loss: Description, request: Request) -> tuple[Any, Any, Any]:
    """The loss (a float, or the array of losses), the gradient and the Hessian; None for what is not wanted."""
    p = checks.as_array(loss.name, "y_pred", request.y_pred)
    y = checks.as_array(loss.name, "y_true", request.y_true)
    checks.reduction(loss.name, request.reduction)
    real = checks.real_dtype(loss.name, p, y_true=y)
    shape = geometry(loss, y, p, float_labels=True)
    given, w = weights_of(loss, shape, request, real)
    if request.reduction == "mean" and w is given and alike(request.sample_weight):
        w = None  # the mean is that of no weights
    inputs = {"y_true": y, "y_pred": p} | ({} if given is None else {"sample_weight": given})
    results, buffers = _outputs(loss, request, shape, p, real, inputs)
    mean, total = request.reduction == "mean", 1.0
    if mean:
        loss, w, total = _evened(loss, shape, y, w, real) if shape.number else (loss, w, 0.0)
    elif request.reduction == "sum_over_batch_size":
        total = float(shape.number)
    scale, value = 1.0 / total if total else 0.0, 0.0
    if shape.number and p.size:
        learn = teacher(loss, request, y, p, w)
        given = zip(buffers, (request.losses, request.gradient, request.hessian), strict=True)
        in_place = any([out is not None and checks.same_memory(buffer, p) for buffer, out in given])
        found = _pass(loss, shape, (y, p, w), buffers, scale, request.order, real, learn, in_place)
        if found.invalid >= 0:
            there = found.y_true, found.y_pred, found.weight
            raise ValueError(invalid_element(loss, shape, found.invalid, found.kind, there, y))
        value = found.value
    value = value * scale if not mean else (value / total if total else 0.0)
    if total == 0.0:
        for buffer in buffers:
            if buffer is not None:
                buffer[...] = 0
    return results[0] if buffers[0] is not None else value, results[1], results[2]


def weights_of(loss: Description, shape: Geometry, request: Request, real: Any) -> tuple[Any, Any]:
    """The weights of the losses as they were given, and with 0 for what is masked; None where there are none."""
    given = None
    if request.sample_weight is not None:
        given = checks.as_array(loss.name, "sample_weight", request.sample_weight)
        given = given.reshape(checks.weight_shape(loss.name, given, shape.examples))
    arrays = request.y_true, request.y_pred, request.sample_weight
    unseen = hidden(shape.examples, shape.axis, *arrays) if any(map(is_masked, arrays)) else None
    return given, given if unseen is None else without(unseen, given, real)


def gradient_hessian_matrix(loss: Categorical, request: Request) -> tuple[Any, Any]:
    """The gradient, and the Hessian of each row in full: (..., classes, classes)."""
    _, gradient, diagonal = evaluate(loss, request._replace(order=1 if loss.from_logits else 2))
    p = checks.as_array(loss.name, "y_pred", request.y_pred)
    y = checks.as_array(loss.name, "y_true", request.y_true)
    axis, real = class_axis(loss, p), checks.real_dtype(loss.name, p, y_true=y)
    examples, classes = p.shape[:axis] + p.shape[axis + 1 :], p.shape[axis]
    shape = Geometry(examples, classes, axis, y.ndim < p.ndim)
    if not loss.from_logits:
        matrix = np.zeros((*examples, classes, classes), p.dtype)
        np.einsum("...ii->...i", matrix)[...] = np.moveaxis(diagonal, axis, -1)
        return gradient, matrix
    z = np.array(np.moveaxis(p, axis, -1), real, order="C").reshape(-1, classes)
    matrix = np.empty((*examples, classes, classes), real)
    if z.size:
        matrix_pass(loss, z, targets_of_rows(loss, shape, y, real), row_weights(loss, shape, y, request, real), matrix)
    return gradient, matrix if p.dtype == real else matrix.astype(p.dtype)


def row_weights(loss: Categorical, shape: Geometry, y: Any, request: Request, real: Any) -> Any:
    """The factor of the derivatives of each row: its weight, 0 if it does not count, over what is divided by."""
    _, w = weights_of(loss, shape, request, real)
    w = np.asarray(np.ones(shape.examples) * (1 if w is None else w))
    if shape.indices and loss.ignore_index is not None:
        w = np.where(y == loss.ignore_index, 0, w)
    total = 1.0
    if request.reduction == "mean":
        total = total_weight(loss, shape, y, w.astype(np.float64), np.float64)
    elif request.reduction == "sum_over_batch_size":
        total = shape.number
    return np.ascontiguousarray(w / total if total else 0 * w, real).reshape(-1)


def targets_of_rows(loss: Categorical, shape: Geometry, y: Any, real: Any) -> Any:
    """The target of every class: smoothed, and times the class's factor."""
    classes = shape.classes
    if shape.indices:
        t = np.zeros((shape.number, classes), real)
        known = (y.reshape(-1) >= 0) & (y.reshape(-1) < classes)  # others are ignored, or have weight 0
        t[np.flatnonzero(known), y.reshape(-1)[known].astype(np.intp)] = 1
    else:
        t = np.array(np.moveaxis(y, shape.axis, -1), real, order="C").reshape(-1, classes)
    if loss.label_smoothing:
        t *= real(1 - loss.label_smoothing)
        t += real(loss.label_smoothing / classes)
    if loss.factors is not None:
        t *= np.array(loss.factors, real)
    return t


def _outputs(loss: Description, request: Request, shape: Geometry, p: Any, real: Any,
             inputs: dict[str, Any]) -> tuple[list[Any], tuple[Any, Any, Any]]:  # fmt: skip
    """What is returned for losses, gradient and Hessian, and the arrays behind; None for what is not wanted."""
    given = (request.losses, request.gradient, request.hessian)
    wanted = (request.valued and request.reduction == "none", request.order >= 1, request.order >= 2)
    results: list[Any] = [None] * 3
    buffers: list[Any] = [None] * 3
    for k, label in enumerate(LABELS):
        if not wanted[k]:
            continue
        examples = shape.examples if k == 0 else p.shape
        if given[k] is None:
            results[k] = buffers[k] = np.empty(examples, real) if k == 0 else np.empty_like(p)
        else:
            results[k] = given[k]
            buffers[k] = inputs[f"out ({label})"] = checks.output(
                loss.name, f"out ({label})", given[k], examples, inputs
            )
    return results, (buffers[0], buffers[1], buffers[2])


def _pass(loss: Description, shape: Geometry, arrays: tuple[Any, Any, Any], outputs: tuple[Any, Any, Any], scale: float,
          order: int, real: Any, learn: Any, in_place: bool) -> Any:  # fmt: skip
    if isinstance(loss, Categorical):
        return rows_pass(loss, shape, arrays, outputs, scale, order, real, learn, in_place)
    options = options_of(loss, arrays[0], real)
    return elementwise_pass(loss.maths, loss.constants, arrays, outputs, scale, order, real, learn, in_place, options)


def total_weight(loss: Description, shape: Geometry, y: Any, w: Any, real: Any) -> float:
    """The sum of the weights of all examples."""
    if isinstance(loss, Categorical):
        classed = loss.weighs_classes(shape.indices)
        if classed or loss.ignore_index is not None:
            return weights_of_rows(loss, shape, y, w, real, classed)
    elif loss.leaves_out:
        return sum_of_kept(loss, y, w, real)
    return float(shape.number) if w is None else sum_of(w, shape.number)


def _evened(loss: Description, shape: Geometry, y: Any, w: Any, real: Any) -> tuple[Description, Any, float]:
    """A loss and weights with the same mean, and their sum, whose inverse fits the compute dtype.

    The weight of a class goes into those of its rows where a row has one class; else the largest becomes 1.
    """
    if isinstance(loss, Categorical) and loss.weighs_classes(shape.indices):
        total, factors = total_weight(loss, shape, y, w, real), loss.factors or (0.0,)
        if in_range(total):
            return loss, w, total
        if max(factors) > 0 and (not shape.indices or loss.label_smoothing > 0):
            loss = replace(loss, factors=relative(factors))
        elif max(factors) > 0:
            known = (y >= 0) & (y < shape.classes)
            by_row = np.where(known, np.array(factors)[np.where(known, y, 0).astype(np.intp)], 1.0)
            if loss.ignore_index is not None:
                by_row[y == loss.ignore_index] = 0
            by_row /= by_row.max() or 1.0
            w = by_row if w is None else np.asarray(by_row * (w / (float(w.max()) or 1.0)))
            loss = replace(loss, factors=None)
    return loss, *evened(w, lambda w: total_weight(loss, shape, y, w, real))


def activate(loss: Description, z: Any, out: Any) -> Any:
    """The activation of logits."""
    array = checks.as_array(loss.name, "z", z)
    real = checks.real_dtype(loss.name, array, "z")
    result = np.empty_like(array) if out is None else out
    target = checks.output(loss.name, "out", result, array.shape, {"z": array})
    in_place = checks.same_memory(target, array)
    axis = class_axis(loss, array) if isinstance(loss, Categorical) else None
    if array.size and axis is not None:
        examples = array.shape[:axis] + array.shape[axis + 1 :]
        softmax_pass(Geometry(examples, array.shape[axis], axis), array, target, real, in_place)
    elif array.size and loss.activation is not None:
        outputs = target, None, None
        elementwise_pass(loss.activation, (), (array, array, None), outputs, 0.0, 0, real, in_place=in_place)
    elif array.size:
        with np.errstate(all="ignore"):  # what is too large for the dtype of out is inf, as everywhere
            np.copyto(target, array, casting="unsafe")
    return masked_like(z, result, axis) if out is None and is_masked(z) else result
