"""Naive Numba: the loop that a user would write, over all elements or rows, with the gradient's buffer given.

Nothing is tuned: exp and log are calls. The arithmetic is that of the arrays' dtype, the loss is added in float64.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, prange

from ..cases.case import Array, Case
from . import Call


@njit
def mse(y, p, one):  # type: ignore[no-untyped-def]
    d = p - y
    return d * d, d + d


@njit
def mae(y, p, one):  # type: ignore[no-untyped-def]
    return abs(p - y), one if p > y else (-one if p < y else one - one)


@njit
def msle(y, p, one):  # type: ignore[no-untyped-def]
    d = math.log1p(p) - math.log1p(y)
    return d * d, (d + d) / (one + p)


@njit
def poisson_rates(y, p, one):  # type: ignore[no-untyped-def]
    return p - y * math.log(p), one - y / p


@njit
def poisson_logits(y, z, one):  # type: ignore[no-untyped-def]
    p = math.exp(z)
    return p - y * z, p - y


@njit
def squared_hinge(y, p, one):  # type: ignore[no-untyped-def]
    m = max(one - y * p, one - one)
    return m * m, -(y + y) * m


@njit
def squared_hinge_tanh(y, z, one):  # type: ignore[no-untyped-def]
    t = math.tanh(z)
    m = one - y * t
    return m * m, -(y + y) * m * (one - t * t)


@njit
def bce_probabilities(y, p, one):  # type: ignore[no-untyped-def]
    return -(y * math.log(p) + (one - y) * math.log(one - p)), (p - y) / (p * (one - p))


@njit
def bce_logits(y, z, one):  # type: ignore[no-untyped-def]
    return max(z, one - one) - y * z + math.log1p(math.exp(-abs(z))), one / (one + math.exp(-z)) - y


@njit
def binary_focal_logits(y, z, one):  # type: ignore[no-untyped-def]
    s = y + y - one
    e = math.exp(-s * z)
    p, nll = one / (one + e), math.log1p(e)
    q = e * p
    return q * q * nll, -s * q * q * ((p + p) * nll + q)


def _over_elements(point: Callable[..., Any]) -> Callable[..., float]:
    """A parallel loop over the elements."""

    @njit(parallel=True)
    def loop(y, p, gradient):  # type: ignore[no-untyped-def]
        total, one, n = 0.0, p.dtype.type(1), p.dtype.type(p.size)
        for i in prange(p.size):
            loss, slope = point(p.dtype.type(y[i]), p[i], one)
            total += loss
            gradient[i] = slope / n
        return total / p.size

    return loop


@njit
def _softmax(z, g):  # type: ignore[no-untyped-def]
    """Write softmax(z) to g; the maximum of z and the sum."""
    high = z[0]
    for k in range(z.size):
        high = max(high, z[k])
    total = high - high
    for k in range(z.size):
        g[k] = math.exp(z[k] - high)
        total += g[k]
    for k in range(z.size):
        g[k] /= total
    return high, total


@njit(parallel=True)
def softmax_crossentropy(y, z, gradient):  # type: ignore[no-untyped-def]
    rows, classes = z.shape
    loss, one, n = 0.0, z.dtype.type(1), z.dtype.type(rows)
    for i in prange(rows):
        high, total = _softmax(z[i], gradient[i])
        loss += math.log(total) + high - z[i, y[i]]
        gradient[i, y[i]] -= one
        for k in range(classes):
            gradient[i, k] /= n
    return loss / rows


@njit(parallel=True)
def softmax_focal(y, z, gradient):  # type: ignore[no-untyped-def]
    rows, classes = z.shape
    loss, one, n = 0.0, z.dtype.type(1), z.dtype.type(rows)
    for i in prange(rows):
        high, total = _softmax(z[i], gradient[i])
        p, nll = gradient[i, y[i]], math.log(total) + high - z[i, y[i]]
        q = one - p
        loss += q * q * nll
        gradient[i, y[i]] -= one
        for k in range(classes):
            gradient[i, k] *= (q * q + (q + q) * p * nll) / n
    return loss / rows


@njit(parallel=True)
def softmax_one_hot(y, z, gradient):  # type: ignore[no-untyped-def]
    rows, classes = z.shape
    loss, n = 0.0, z.dtype.type(rows)
    for i in prange(rows):
        high, total = _softmax(z[i], gradient[i])
        for k in range(classes):
            loss += y[i, k] * (math.log(total) + high - z[i, k])
            gradient[i, k] = (gradient[i, k] - y[i, k]) / n
    return loss / rows


@njit(parallel=True)
def softmax_smoothed(y, z, gradient):  # type: ignore[no-untyped-def]
    rows, classes = z.shape
    loss, n = 0.0, z.dtype.type(rows)
    rest, own = z.dtype.type(0.1 / classes), z.dtype.type(0.9 + 0.1 / classes)
    for i in prange(rows):
        high, total = _softmax(z[i], gradient[i])
        for k in range(classes):
            share = own if k == y[i] else rest
            loss += share * (math.log(total) + high - z[i, k])
            gradient[i, k] = (gradient[i, k] - share) / n
    return loss / rows


@njit(parallel=True)
def softmax_axis_1(y, z, gradient):  # type: ignore[no-untyped-def]
    images, classes, height, width = z.shape
    pixels = images * height * width
    loss, one, n = 0.0, z.dtype.type(1), z.dtype.type(pixels)
    for line in prange(images * height):
        i, r = line // height, line % height
        for c in range(width):
            high, total = _softmax(z[i, :, r, c], gradient[i, :, r, c])
            loss += math.log(total) + high - z[i, y[i, r, c], r, c]
            gradient[i, y[i, r, c], r, c] -= one
            for k in range(classes):
                gradient[i, k, r, c] /= n
    return loss / pixels


POINTS = (
    mse,
    mae,
    msle,
    poisson_rates,
    poisson_logits,
    squared_hinge,
    squared_hinge_tanh,
    bce_probabilities,
    bce_logits,
    binary_focal_logits,
)
LOOPS: dict[str, Callable[..., float]] = {point.__name__: _over_elements(point) for point in POINTS}
ROWS = (softmax_crossentropy, softmax_focal, softmax_one_hot, softmax_smoothed, softmax_axis_1)
LOOPS |= {loop.__name__: loop for loop in ROWS}


def prepare(case: Case, y: Array, p: Array) -> Call:
    """The call to be timed."""
    loop, gradient = LOOPS[case.loss], np.empty_like(p)
    return lambda: (loop(y, p, gradient), gradient)
