"""Naive Numba: the loop that a user would write, over all elements or rows, with the gradient's buffer given.

Nothing is tuned: literals are float64, so the arithmetic around them is too, and exp and log are calls.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, prange

from ..cases.case import Array, Case
from . import Call


@njit
def mse(y, p):  # type: ignore[no-untyped-def]
    return (p - y) ** 2, 2 * (p - y)


@njit
def mae(y, p):  # type: ignore[no-untyped-def]
    return abs(p - y), 1.0 if p > y else (-1.0 if p < y else 0.0)


@njit
def msle(y, p):  # type: ignore[no-untyped-def]
    d = math.log1p(p) - math.log1p(y)
    return d * d, 2 * d / (1 + p)


@njit
def poisson_rates(y, p):  # type: ignore[no-untyped-def]
    return p - y * math.log(p), 1 - y / p


@njit
def poisson_logits(y, z):  # type: ignore[no-untyped-def]
    p = math.exp(z)
    return p - y * z, p - y


@njit
def squared_hinge(y, p):  # type: ignore[no-untyped-def]
    m = max(1 - y * p, 0.0)
    return m * m, -2 * y * m


@njit
def squared_hinge_tanh(y, z):  # type: ignore[no-untyped-def]
    t = math.tanh(z)
    m = 1 - y * t
    return m * m, -2 * y * m * (1 - t * t)


@njit
def bce_probabilities(y, p):  # type: ignore[no-untyped-def]
    return -(y * math.log(p) + (1 - y) * math.log(1 - p)), (p - y) / (p * (1 - p))


@njit
def bce_logits(y, z):  # type: ignore[no-untyped-def]
    return max(z, 0.0) - y * z + math.log1p(math.exp(-abs(z))), 1 / (1 + math.exp(-z)) - y


@njit
def binary_focal_logits(y, z):  # type: ignore[no-untyped-def]
    s = 2 * y - 1
    e = math.exp(-s * z)
    p, nll = 1 / (1 + e), math.log1p(e)
    q = e * p
    return q * q * nll, -s * q * q * (2 * p * nll + q)


def _over_elements(point: Callable[..., Any]) -> Callable[..., float]:
    """A parallel loop over the elements."""

    @njit(parallel=True)
    def loop(y, p, gradient):  # type: ignore[no-untyped-def]
        total = 0.0
        for i in prange(p.size):
            loss, slope = point(y[i], p[i])
            total += loss
            gradient[i] = slope / p.size
        return total / p.size

    return loop


@njit
def _softmax(z, g):  # type: ignore[no-untyped-def]
    """Write softmax(z) to g; the maximum of z and the sum."""
    high = z[0]
    for k in range(z.size):
        high = max(high, z[k])
    total = 0.0
    for k in range(z.size):
        g[k] = math.exp(z[k] - high)
        total += g[k]
    for k in range(z.size):
        g[k] /= total
    return high, total


@njit(parallel=True)
def softmax_crossentropy(y, z, gradient):  # type: ignore[no-untyped-def]
    n, classes = z.shape
    loss = 0.0
    for i in prange(n):
        high, total = _softmax(z[i], gradient[i])
        loss += math.log(total) + high - z[i, y[i]]
        gradient[i, y[i]] -= 1
        for k in range(classes):
            gradient[i, k] /= n
    return loss / n


@njit(parallel=True)
def softmax_focal(y, z, gradient):  # type: ignore[no-untyped-def]
    n, classes = z.shape
    loss = 0.0
    for i in prange(n):
        high, total = _softmax(z[i], gradient[i])
        p, nll = gradient[i, y[i]], math.log(total) + high - z[i, y[i]]
        q = 1 - p
        loss += q * q * nll
        gradient[i, y[i]] -= 1
        for k in range(classes):
            gradient[i, k] *= (q * q + 2 * q * p * nll) / n
    return loss / n


@njit(parallel=True)
def softmax_one_hot(y, z, gradient):  # type: ignore[no-untyped-def]
    n, classes = z.shape
    loss = 0.0
    for i in prange(n):
        high, total = _softmax(z[i], gradient[i])
        for k in range(classes):
            loss += y[i, k] * (math.log(total) + high - z[i, k])
            gradient[i, k] = (gradient[i, k] - y[i, k]) / n
    return loss / n


@njit(parallel=True)
def softmax_smoothed(y, z, gradient):  # type: ignore[no-untyped-def]
    n, classes = z.shape
    loss = 0.0
    for i in prange(n):
        high, total = _softmax(z[i], gradient[i])
        for k in range(classes):
            share = 0.1 / classes + (0.9 if k == y[i] else 0.0)
            loss += share * (math.log(total) + high - z[i, k])
            gradient[i, k] = (gradient[i, k] - share) / n
    return loss / n


@njit(parallel=True)
def softmax_axis_1(y, z, gradient):  # type: ignore[no-untyped-def]
    images, classes, height, width = z.shape
    n = images * height * width
    loss = 0.0
    for line in prange(images * height):
        i, r = line // height, line % height
        for c in range(width):
            high, total = _softmax(z[i, :, r, c], gradient[i, :, r, c])
            loss += math.log(total) + high - z[i, y[i, r, c], r, c]
            gradient[i, y[i, r, c], r, c] -= 1
            for k in range(classes):
                gradient[i, k, r, c] /= n
    return loss / n


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
