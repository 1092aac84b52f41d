"""The same losses and gradients as plain NumPy expressions: what one would write by hand, stable but not fused."""

from typing import Any

import numpy as np

from .data import Array, Labels, Target

Number = np.floating[Any]


def categorical_crossentropy(y: Labels, z: Array) -> tuple[Number, Array]:
    """Mean cross-entropy of class indices under softmax(z)."""
    rows = np.arange(len(y))
    shifted = z - z.max(axis=1, keepdims=True)
    e = np.exp(shifted)
    total = e.sum(axis=1, keepdims=True)
    loss = np.mean(np.log(total[:, 0]) - shifted[rows, y])
    gradient = e / total
    gradient[rows, y] -= 1
    return loss, gradient / len(y)


def categorical_focal(y: Labels, z: Array) -> tuple[Number, Array]:
    """Mean focal cross-entropy of class indices under softmax(z), gamma = 2."""
    rows = np.arange(len(y))
    shifted = z - z.max(axis=1, keepdims=True)
    e = np.exp(shifted)
    total = e.sum(axis=1, keepdims=True)
    p = e / total
    nll = np.log(total[:, 0]) - shifted[rows, y]
    right = p[rows, y]
    wrong = 1 - right
    p[rows, y] -= 1
    return np.mean(wrong**2 * nll), p * (wrong * (wrong + 2 * right * nll) / len(y))[:, None]


def binary_crossentropy(y: Labels, z: Array) -> tuple[Number, Array]:
    """Mean cross-entropy of 0/1 labels under sigmoid(z)."""
    loss = np.mean(np.logaddexp(0, z) - y * z)
    return loss, (1 / (1 + np.exp(-z)) - y) / len(y)


def binary_focal(y: Labels, z: Array) -> tuple[Number, Array]:
    """Mean focal cross-entropy of 0/1 labels under sigmoid(z), gamma = 2."""
    sign = 2 * y - 1
    nll = np.logaddexp(0, -sign * z)
    right = np.exp(-nll)
    wrong = 1 - right
    return np.mean(wrong**2 * nll), -sign * wrong**2 * (wrong + 2 * right * nll) / len(y)


def squared_hinge_tanh(y: Labels, z: Array) -> tuple[Number, Array]:
    """Mean squared hinge loss of -1/1 labels and tanh(z)."""
    t = np.tanh(z)
    margin = np.maximum(1 - y * t, 0)
    return np.mean(margin**2), -2 * y * margin * (1 - t**2) / len(y)


def squared_error(y: Array, p: Array) -> tuple[Number, Array]:
    """Mean squared error."""
    d = p - y
    return np.mean(d**2), 2 * d / len(y)


def absolute_error(y: Array, p: Array) -> tuple[Number, Array]:
    """Mean absolute error."""
    d = p - y
    return np.mean(np.abs(d)), np.sign(d) / len(y)


def squared_log_error(y: Array, p: Array) -> tuple[Number, Array]:
    """Mean squared logarithmic error."""
    d = np.log1p(p) - np.log1p(y)
    return np.mean(d**2), 2 * d / (1 + p) / len(y)


def poisson(y: Target, z: Array) -> tuple[Number, Array]:
    """Mean Poisson loss of counts under rates exp(z)."""
    rate = np.exp(z)
    return np.mean(rate - y * z), (rate - y) / len(y)
