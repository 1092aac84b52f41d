"""The shortest sensible expression of each loss and gradient, in NumPy, CuPy or torch: xp is the library.

In float64 they are also the reference of the benchmarks.
"""

from collections.abc import Callable
from typing import Any

Result = tuple[Any, Any]


def mse(xp: Any, y: Any, p: Any) -> Result:
    d = p - y
    return xp.mean(d * d), d * (2 / len(d))


def mae(xp: Any, y: Any, p: Any) -> Result:
    d = p - y
    return xp.mean(xp.abs(d)), xp.sign(d) / len(d)


def msle(xp: Any, y: Any, p: Any) -> Result:
    d = xp.log1p(p) - xp.log1p(y)
    return xp.mean(d * d), 2 / len(d) * d / (1 + p)


def poisson_rates(xp: Any, y: Any, p: Any) -> Result:
    return xp.mean(p - y * xp.log(p)), (1 - y / p) / len(p)


def poisson_logits(xp: Any, y: Any, z: Any) -> Result:
    p = xp.exp(z)
    return xp.mean(p - y * z), (p - y) / len(z)


def squared_hinge(xp: Any, y: Any, p: Any) -> Result:
    m = xp.clip(1 - y * p, 0, None)
    return xp.mean(m * m), -2 / len(m) * y * m


def squared_hinge_tanh(xp: Any, y: Any, z: Any) -> Result:
    t = xp.tanh(z)
    m = 1 - y * t
    return xp.mean(m * m), -2 / len(m) * y * m * (1 - t * t)


def bce_probabilities(xp: Any, y: Any, p: Any) -> Result:
    return -xp.mean(y * xp.log(p) + (1 - y) * xp.log1p(-p)), (p - y) / (p * (1 - p)) / len(p)


def bce_logits(xp: Any, y: Any, z: Any) -> Result:
    loss = xp.clip(z, 0, None) - y * z + xp.log1p(xp.exp(-xp.abs(z)))
    return xp.mean(loss), (1 / (1 + xp.exp(-z)) - y) / len(z)


def binary_focal_logits(xp: Any, y: Any, z: Any) -> Result:
    s = 2 * y - 1
    e = xp.exp(-s * z)
    p, nll = 1 / (1 + e), xp.log1p(e)
    q = e * p
    return xp.mean(q * q * nll), -s * q * q * (2 * p * nll + q) / len(z)


def _softmax(xp: Any, y: Any, z: Any) -> tuple[Any, Any, Any]:
    """Softmax of each row, the places of the true classes, and their -log p."""
    true = xp.arange(len(y)), y
    m = z - xp.amax(z, 1, keepdims=True)
    e = xp.exp(m)
    total = xp.sum(e, 1, keepdims=True)
    return e / total, true, xp.log(total[:, 0]) - m[true]


def softmax_crossentropy(xp: Any, y: Any, z: Any) -> Result:
    g, true, nll = _softmax(xp, y, z)
    g[true] -= 1
    return xp.mean(nll), g / len(y)


def softmax_focal(xp: Any, y: Any, z: Any) -> Result:
    g, true, nll = _softmax(xp, y, z)
    p = g[true]
    q = 1 - p
    g[true] -= 1
    return xp.mean(q * q * nll), (q * q + 2 * q * p * nll)[:, None] * g / len(y)


def softmax_one_hot(xp: Any, y: Any, z: Any) -> Result:
    m = z - xp.amax(z, 1, keepdims=True)
    e = xp.exp(m)
    total = xp.sum(e, 1, keepdims=True)
    return xp.sum(y * (xp.log(total) - m)) / len(y), (e / total - y) / len(y)


def softmax_smoothed(xp: Any, y: Any, z: Any) -> Result:
    m = z - xp.amax(z, 1, keepdims=True)
    e = xp.exp(m)
    total = xp.sum(e, 1, keepdims=True)
    g, logs, true = e / total - 0.1 / z.shape[1], m - xp.log(total), (xp.arange(len(y)), y)
    g[true] -= 0.9
    return -0.9 * xp.mean(logs[true]) - 0.1 * xp.mean(logs), g / len(y)


def softmax_axis_1(xp: Any, y: Any, z: Any) -> Result:
    m = z - xp.amax(z, 1, keepdims=True)
    e = xp.exp(m)
    total = xp.sum(e, 1, keepdims=True)
    true = xp.arange(z.shape[1])[:, None, None] == y[:, None]  # of images, one plane for each class
    return xp.sum((xp.log(total) - m)[true]) / y.size, (e / total - true) / y.size


EXPRESSIONS: dict[str, Callable[[Any, Any, Any], Result]] = {
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
        softmax_one_hot,
        softmax_smoothed,
        softmax_axis_1,
    )
}
