"""The Hessian of rows of logits in full: a matrix of classes for each row."""

import math
from functools import cache
from typing import Any

import numpy as np

from .._compile.jit import helper
from .._compile.memory import array_base, beyond, elements
from .._compile.records import record_at
from .._compile.threads import on_threads
from .._math.constants import ELEMENTWISE_CONSTANTS, named, padded
from .._math.elementary import two_sum
from .._math.softmax import hessian, mixed, pivot_hessian, pivot_mixed, pivot_nll, scaled_exp, scaling
from .._request.description import Categorical
from .call import CALL, Call, Operand, constants_of, report_of
from .derive import sum_without
from .launch import TASKS, Kernel


@helper
def exponentials(z: Any, e: Any) -> Any:
    """e = exp(z) times a power of two; (the largest logit, its exponential, the sum of all)."""
    T, top, peaks = z.dtype.type, -math.inf, 0
    for k in range(z.size):
        top = z[k] if z[k] > top else top
    for k in range(z.size):
        peaks += z[k] == top
    shift, magic, floor = scaling(T(top))
    high = low = T(0)
    for k in range(z.size):
        if abs(top) == math.inf:
            limit = 1 if z[k] == top else (0 if z[k] < top else math.nan)
            e[k] = limit if top > 0 and peaks == 1 else math.nan
        else:
            e[k] = scaled_exp(z[k], shift, magic, floor)
        high, low = two_sum(high, low, e[k])
    return T(top), T(1) if top == math.inf else scaled_exp(T(top), shift, magic, floor), high + low


def matrices(maths: Any, real: Any) -> Any:
    """The kernel of a loss. y_true: targets of all classes; gradient: space, as the targets are; all contiguous."""
    focus, constants, is_nll = maths.focus, maths.constants, maths.is_nll
    width = np.dtype(real).itemsize

    @helper
    def curve(z, t, e, h, weight, c):
        """One row; t becomes t b."""
        classes = z.size
        top, peak, total = exponentials(z, e)
        slopes = total - total  # NaN where the row has one
        for k in range(classes):
            target = t[k]
            if is_nll:
                slopes, t[k] = slopes + target, 0
            elif target != 0:
                rest = sum_without(e, 0, 1, classes, k) if e[k] + e[k] > total else total - e[k]
                distance = real(0) if z[k] == top else top - z[k]
                nll = pivot_nll(e[k], rest, peak, distance)
                _, slope, bend = focus(e[k] / total, rest / total, nll, c)
                slopes, t[k] = slopes + target * slope, target * bend
        bends = sum_without(t, 0, 1, classes, -1)
        inverse = real(1) / total
        for i in range(classes):
            p, bend, start = e[i] * inverse, t[i], i * classes
            for j in range(i):
                h[start + j] = h[j * classes + i]
            for j in range(i + 1, classes):
                h[start + j] = weight * mixed(p, e[j] * inverse, slopes, bends, bend, t[j])
            h[start + i] = weight * hessian(p, real(1) - p, slopes, bends, bend)
        for i in range(classes):
            if e[i] + e[i] > total:  # at most one class, whose 1 - p would cancel
                p, q, bend = e[i] * inverse, sum_without(e, 0, 1, classes, i) * inverse, t[i]
                others = sum_without(t, 0, 1, classes, i)
                for j in range(classes):
                    h[i * classes + j] = weight * pivot_mixed(p, q, e[j] * inverse, slopes, others, bend, t[j])
                    h[j * classes + i] = h[i * classes + j]
                h[i * classes + i] = weight * pivot_hessian(p, q, slopes, others, bend)

    def piece(call_at, first, last, reports, task):
        call, report = record_at(call_at, CALL), report_of(reports, task)
        c, classes = named(constants_of(call, real), constants), call.classes
        y, p = array_base(call.y_true.array), array_base(call.y_pred.array)
        space, out = array_base(call.gradient.array), array_base(call.hessian.array)
        weights = elements(array_base(call.weight.array), last, real)
        for r in range(first, last):
            z = elements(beyond(p, r * classes, width), classes, real)
            t = elements(beyond(y, r * classes, width), classes, real)
            e = elements(beyond(space, r * classes, width), classes, real)
            h = elements(beyond(out, r * classes * classes, width), classes * classes, real)
            if weights[r] == 0:
                for k in range(h.size):
                    h[k] = 0
            else:
                curve(z, t, e, h, weights[r], c)
        report.high, report.low, report.invalid = 0.0, 0.0, -1
        return 0

    return piece


@cache
def matrix_kernel(maths: Any, real: Any) -> Kernel:
    """The compiled kernel of a loss."""
    return Kernel(f"matrix-{maths.name}-{real.__name__}", matrices(maths, real))


def matrix_pass(loss: Categorical, z: Any, t: Any, w: Any, out: Any) -> None:
    """out[r] = w[r] times the Hessian of row r of logits, with targets t, which are overwritten; all contiguous."""
    rows, classes = z.shape
    real = z.dtype.type
    call = Call(y_true=Operand(t), y_pred=Operand(z), weight=Operand(w), gradient=Operand(np.empty_like(z)),
                hessian=Operand(out), size=rows, classes=classes,
                constants=padded(loss.constants, ELEMENTWISE_CONSTANTS))  # fmt: skip
    kernel, most = matrix_kernel(loss.maths, real), min(rows, TASKS)
    on_threads(out.size, lambda parallel: kernel(call, rows, most if parallel else 1))
