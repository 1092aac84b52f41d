"""Rows of logits whose classes lie far apart, or all far from 0: nothing that a dtype can hold is lost."""

import dataclasses

import numpy as np
import pytest

import fastloss as fl
from tests.support import JIT, name_of

per_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=name_of)
LOSSES = [fl.CategoricalCrossentropy(from_logits=True), fl.CategoricalFocalCrossentropy(from_logits=True, gamma=1.0)]


def rows(dtype, classes):
    """A high logit and low ones in a row, and the gap between: highs and gaps around every threshold."""
    far = 103 if dtype is np.float32 else 740
    highs = [-far, -90, -60, -31, -30.5, -30, -29.5, -25, -1, 0, 1, 25, 29.5, 30, 30.5, 31, 60, 90, 255, 257, 999, 3000]
    highs = highs if JIT else highs[2:8]
    gaps = [0.5, 5, 29, 31, 55, 59.5, 60.5, 81, 85, 87, 88, 89] + [100] * (dtype is np.float64) + [far - 5]
    z = np.array([[high] + [high - gap] * (classes - 1) for high in highs for gap in gaps], dtype)
    return z, z[:, 0].astype(float) - z[:, 1].astype(float)


def truth(gap, classes, gamma):
    """(loss, gradient of the first class, gradient of each other) where the first class is true."""
    others = (classes - 1) * np.exp(-gap)
    p, q, nll = 1 / (1 + others), others / (1 + others), np.log1p(others)
    slope = q**gamma * (1 + gamma * p * nll / q)
    return q**gamma * nll, -slope * q, slope * np.exp(-gap) / (1 + others)


@per_dtype
@pytest.mark.parametrize("classes", [2, 3, 17, 64, 65, 300] if JIT else [2, 3, 17])
@pytest.mark.parametrize("loss", LOSSES, ids=name_of)
def test_what_is_far_below_the_true_class(loss, classes, dtype):
    """Relative errors: of 1e-36 too. From indices, one-hot and soft targets, on both axes, from every method."""
    z, gap = rows(dtype, classes)
    y = np.zeros(len(z), int)
    dense = np.eye(classes, dtype=dtype)[y]
    almost = dense.copy()
    almost[:, 1] = np.finfo(dtype).smallest_subnormal  # soft, and changes nothing
    gamma = getattr(loss, "gamma", 0.0)
    losses, first, other = truth(gap, classes, gamma)
    keep = (losses > 100 * np.finfo(dtype).tiny) & (abs(other) > 100 * np.finfo(dtype).tiny)
    rtol = (16 if gamma == 0 else 48) * float(np.finfo(dtype).eps)
    upright = dataclasses.replace(loss, axis=0)
    for one, target, x in ((loss, y, z), (loss, dense, z), (loss, almost, z), (upright, y, z.T.copy()),
                           (upright, dense.T.copy(), z.T.copy()), (upright, almost.T.copy(), z.T.copy())):  # fmt: skip
        value, grad = one(target, x, reduction="none")
        grad = grad if one is loss else grad.T
        np.testing.assert_allclose(value[keep], losses[keep], rtol=rtol)
        np.testing.assert_allclose(grad[keep, 0], first[keep], rtol=rtol)
        if target is not almost or gamma == 0:
            np.testing.assert_allclose(grad[keep, -1], other[keep], rtol=rtol)
        np.testing.assert_array_equal(one.loss(target, x, reduction="none"), value)


@per_dtype
@pytest.mark.parametrize("classes", [2, 17, 65] if JIT else [2, 17])
def test_what_is_far_above_the_true_class(classes, dtype):
    """The last class is true, and has a probability that may be as small as there is."""
    z, gap = rows(dtype, classes)
    odds = np.exp(-gap) / (1 + (classes - 2) * np.exp(-gap))
    for axis in (1, 0):
        loss = fl.CategoricalCrossentropy(from_logits=True, axis=axis)
        losses, grad = loss(np.full(len(z), classes - 1), z if axis else z.T.copy(), reduction="none")
        np.testing.assert_allclose(losses, gap + np.log1p((classes - 1) * np.exp(-gap)), rtol=16 * np.finfo(dtype).eps)
        grad = grad if axis else grad.T
        np.testing.assert_allclose(grad[:, -1], -1 / (1 + odds), rtol=16 * np.finfo(dtype).eps)


@per_dtype
@pytest.mark.parametrize("inner", [1, 32])
@pytest.mark.parametrize("loss", LOSSES, ids=name_of)
def test_small_weights_of_rows_of_large_exponentials(loss, inner, dtype):
    """A weight over the sum of such a row is subnormal; the gradient is not."""
    weight = 1e-30 if dtype is np.float32 else 1e-300
    z = np.repeat(np.linspace(28, 29.5, 12)[None, :, None], inner, 2).astype(dtype)
    y = np.full((1, inner), 3)
    loss = dataclasses.replace(loss, axis=1)
    want = loss(y, z, reduction="sum").gradient.astype(float) * weight
    got = loss(y, z, sample_weight=np.full((1, inner), weight), reduction="sum").gradient
    np.testing.assert_allclose(got, want, rtol=1e-6 if dtype is np.float32 else 1e-14)


def test_two_logits_of_float32():
    """By hand: exp(-81) is 6.6e-36, which float32 holds, and exp(-106) is nothing that it does."""
    z = np.array([[-25, -106], [25, -56], [0, -81]], np.float32)
    losses, grad = LOSSES[0](np.zeros(3, int), z, reduction="none")
    np.testing.assert_allclose(losses, np.exp(-81.0), rtol=4e-7)
    np.testing.assert_allclose(grad, np.exp(-81.0) * np.array([[-1, 1]] * 3), rtol=4e-7)


@per_dtype
@pytest.mark.parametrize("classes", [2, 17, 65, 1500] if JIT else [2, 17])
@pytest.mark.parametrize("smoothing", [1e-3, 0.1, 0.5, 0.75, 0.99])
def test_smoothed_indices(smoothing, classes, dtype):
    """The label is the likely class, or an unlikely one: losses in relative terms, gradients in ulp of their terms."""
    z, gap = rows(dtype, classes)
    even = smoothing / classes
    others = (classes - 1) * np.exp(-gap)
    eps = float(np.finfo(dtype).eps)
    p = np.stack([1 / (1 + others), np.exp(-gap) / (1 + others)])
    for label in (0, classes - 1):
        most = 1 - smoothing + even
        losses = np.log1p(others) + gap * ((classes - 1) * even + (1 - smoothing) * (label != 0))
        first, last = p[0] - (even if label else most), p[1] - (most if label else even)
        loss = fl.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
        y = np.full(len(z), label)
        for one, x in ((loss, z), (dataclasses.replace(loss, axis=0), z.T.copy())):
            value, grad = one(y, x, reduction="none")
            grad = grad if one is loss else grad.T
            np.testing.assert_allclose(value, losses, rtol=24 * eps)
            np.testing.assert_allclose(grad[:, 0], first, rtol=0, atol=8 * eps)
            np.testing.assert_allclose(grad[:, -1], last, rtol=0, atol=8 * eps)
    unlikely = np.log(classes - 1 + np.exp(-gap)) + gap * (1 - smoothing + even)  # where all others are likely
    np.testing.assert_allclose(loss.loss(np.zeros(len(z), int), -z, reduction="none"), unlikely, rtol=24 * eps)


@per_dtype
@pytest.mark.parametrize("classes", [1, 2, 17, 1500] if JIT else [1, 2, 17])
def test_smoothed_indices_of_infinite_logits(classes, dtype):
    """As one-hot rows, which have a target for every class."""
    z = np.zeros((40, classes), dtype)
    y = np.arange(40) % classes
    for r in range(40):
        z[r, (y[r] + r // 8) % classes] = (np.inf, -np.inf, np.nan, 1e38, -1e38)[r % 5]
        z[r, (y[r] - r // 16) % classes] = (0, np.inf, -np.inf, 1, -1e38)[r // 8]
    loss = fl.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    for one, x in ((loss, z), (dataclasses.replace(loss, axis=0), z.T.copy())):
        found = one(y, x, reduction="none")
        dense = np.eye(classes, dtype=dtype)[y]
        wanted = one(dense if one is loss else dense.T.copy(), x, reduction="none")
        np.testing.assert_allclose(found.loss, wanted.loss, rtol=1e-5)
        np.testing.assert_allclose(found.gradient, wanted.gradient, rtol=1e-5)
