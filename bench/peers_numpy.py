"""The shortest sensible NumPy expression of each loss and gradient; in float64, it is also the reference."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .cases import Array, Case

Result = tuple[Any, Any]


def mse(y: Array, p: Array) -> Result:
    d = p - y
    return np.mean(d * d), 2 / d.size * d


def mae(y: Array, p: Array) -> Result:
    d = p - y
    return np.mean(np.abs(d)), np.sign(d) / d.size


def msle(y: Array, p: Array) -> Result:
    d = np.log1p(p) - np.log1p(y)
    return np.mean(d * d), 2 / d.size * d / (1 + p)


def poisson_rates(y: Array, p: Array) -> Result:
    return np.mean(p - y * np.log(p)), (1 - y / p) / p.size


def poisson_logits(y: Array, z: Array) -> Result:
    p = np.exp(z)
    return np.mean(p - y * z), (p - y) / z.size


def squared_hinge(y: Array, p: Array) -> Result:
    m = np.maximum(1 - y * p, 0)
    return np.mean(m * m), -2 / m.size * y * m


def squared_hinge_tanh(y: Array, z: Array) -> Result:
    t = np.tanh(z)
    m = 1 - y * t
    return np.mean(m * m), -2 / m.size * y * m * (1 - t * t)


def bce_probabilities(y: Array, p: Array) -> Result:
    return -np.mean(y * np.log(p) + (1 - y) * np.log1p(-p)), (p - y) / (p * (1 - p)) / p.size


def bce_logits(y: Array, z: Array) -> Result:
    loss = np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))
    return np.mean(loss), (1 / (1 + np.exp(-z)) - y) / z.size


def binary_focal_logits(y: Array, z: Array) -> Result:
    s = 2 * y - 1
    e = np.exp(-s * z)
    p, nll = 1 / (1 + e), np.log1p(e)
    q = e * p
    return np.mean(q * q * nll), -s * q * q * (2 * p * nll + q) / z.size


def softmax_crossentropy(y: Array, z: Array) -> Result:
    rows = np.arange(len(y))
    m = z - z.max(1, keepdims=True)
    e = np.exp(m)
    total = e.sum(1, keepdims=True)
    g = e / total
    g[rows, y] -= 1
    return np.mean(np.log(total[:, 0]) - m[rows, y]), g / len(y)


def softmax_focal(y: Array, z: Array) -> Result:
    rows = np.arange(len(y))
    m = z - z.max(1, keepdims=True)
    e = np.exp(m)
    total = e.sum(1, keepdims=True)
    g = e / total
    p, nll = g[rows, y], np.log(total[:, 0]) - m[rows, y]
    q = 1 - p
    g[rows, y] -= 1
    return np.mean(q * q * nll), (q * q + 2 * q * p * nll)[:, None] * g / len(y)


EXPRESSIONS: dict[str, Callable[[Array, Array], Result]] = {
    f.__name__: f
    for f in (
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
        softmax_crossentropy,
        softmax_focal,
    )
}


def prepare(case: Case, y: Array, p: Array) -> Callable[[], Result]:
    """The call to be timed."""
    expression = EXPRESSIONS[case.loss]
    return lambda: expression(y, p)


def reference(case: Case, y: Array, p: Array) -> Result:
    """Loss and gradient in float64, from the values that the contenders get."""
    labels = y if y.dtype == np.int64 else y.astype(np.float64)
    return EXPRESSIONS[case.loss](labels, p.astype(np.float64))
