"""Both ends of every clip and clamp: at epsilon and 1 - epsilon, a number below and above, and far beyond.

The rule: p is clipped to [epsilon, 1 - epsilon], ends included, both computed in y_pred's dtype; where that moves p the
gradient and the Hessian are 0, elsewhere they are not.
"""

import dataclasses
import itertools

import numpy as np
import pytest

import fastloss as fl
from fastloss._core.interval import UNIT
from fastloss.losses._binary import Binary
from tests import plain
from tests.support import CLASSES, JIT, name_of

CLIPPED = [cls for cls in CLASSES if "epsilon" in cls.__dataclass_fields__ and cls.takes == UNIT]
EPSILONS = [1e-7, 2.0**-10, 0.01, 0.25, 0.5]
per_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=name_of)
every_epsilon = pytest.mark.parametrize("epsilon", EPSILONS)
REPEATS = [1, 17, 130] if JIT else [1]
"""In a short block, in one whose vectors are not full, and in more than one block."""


def ends(epsilon, dtype):
    """(p, whether it is clipped) in order: around epsilon, between, and around 1 - epsilon."""
    low = dtype(epsilon)
    high = dtype(1) - low
    down, up = dtype(-1), dtype(2)
    inside = [low, high] + [p for p in (np.nextafter(low, up), np.nextafter(high, down)) if low <= p <= high]
    outside = [dtype(0), np.nextafter(dtype(0), up), low / dtype(2), np.nextafter(low, down),
               np.nextafter(high, up), high + low / dtype(2), dtype(1)]  # fmt: skip
    outside = [p for p in outside if (p < low or p > high) and 0 <= p <= 1]
    assert outside[0] < low
    assert outside[-1] > high
    return [(p, False) for p in inside] + [(p, True) for p in outside]


def check_flat(values, moved, where, zero=False):
    """Zero where p was moved, and nowhere else unless the label is met exactly."""
    assert not values[moved].any(), where
    assert zero or values[~moved].all(), where


@per_dtype
@every_epsilon
@pytest.mark.parametrize("label", [0.0, 1.0, 0.3])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("cls", [fl.BinaryCrossentropy, fl.BinaryFocalCrossentropy], ids=name_of)
def test_binary(cls, smoothing, label, epsilon, dtype):
    """One element alone; among many; and one soft label among hard ones, which is computed in two parts."""
    loss = cls(epsilon=epsilon, label_smoothing=smoothing)
    p, moved = (np.array(a) for a in zip(*ends(epsilon, dtype), strict=True))
    for repeats in REPEATS:
        x, there = np.tile(p, repeats), np.tile(moved, repeats)
        y = np.full(x.shape, label, dtype)
        y[len(p) :] = np.arange(len(x) - len(p)) % 2
        want = plain.elementwise(loss, y, x)
        losses, grad = loss(y, x, reduction="none")
        hess = loss.gradient_hessian(y, x, reduction="none").hessian
        np.testing.assert_allclose(losses, want.loss, rtol=2e-5 if dtype is np.float32 else 1e-9)
        check_flat(grad, there, (epsilon, x))
        check_flat(hess, there, (epsilon, x))
        for got, true in ((grad, want.gradient), (hess, want.hessian)):
            np.testing.assert_allclose(got, true, rtol=1e-4 if dtype is np.float32 else 1e-8)


@per_dtype
@every_epsilon
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("dense", [False, True])
@pytest.mark.parametrize("cls", [fl.CategoricalCrossentropy, fl.CategoricalFocalCrossentropy], ids=name_of)
def test_categorical(cls, dense, smoothing, epsilon, dtype):
    """Every value in the place of the true class, and of another one, which counts where it has a share."""
    p, _ = (np.array(a) for a in zip(*ends(epsilon, dtype), strict=True))
    x = np.array([*itertools.product(p, p if JIT else p[:3], [dtype(0.25)])])
    y = np.arange(len(x)) % 3
    target = (0.5 * np.eye(3) + 0.25 * np.roll(np.eye(3), 1, 0) + 0.125)[y].astype(dtype) if dense else y
    for axis in (1, 0):
        loss = cls(epsilon=epsilon, label_smoothing=smoothing, axis=axis)
        rows = (target, x) if axis else (target.T.copy() if dense else target, x.T.copy())
        want = plain.rows(loss, *rows)
        losses, grad = loss(*rows, reduction="none")
        hess = loss.gradient_hessian(*rows, reduction="none").hessian
        assert ((grad == 0) == (want.gradient == 0)).all()
        assert ((hess == 0) == (want.hessian == 0)).all()
        np.testing.assert_allclose(losses, want.loss, rtol=2e-5 if dtype is np.float32 else 1e-9)
        for got, true in ((grad, want.gradient), (hess, want.hessian)):
            np.testing.assert_allclose(got, true, rtol=1e-4 if dtype is np.float32 else 1e-8)


@per_dtype
@pytest.mark.parametrize("cls", CLIPPED, ids=name_of)
def test_the_loss_stays_level_beyond_an_end(cls, dtype):
    """What is clipped has the loss of the end itself, to the bit."""
    for epsilon in EPSILONS:
        loss, low = cls(epsilon=epsilon), dtype(epsilon)
        high = dtype(1) - low
        beyond = [(low, p) for p in (dtype(0), low / dtype(2), np.nextafter(low, dtype(-1)))]
        beyond += [(high, p) for p in (dtype(1), np.nextafter(high, dtype(2)))]
        for end, p in beyond:
            pair = np.array([end, p], dtype)
            for label in (0, 1):
                if issubclass(cls, Binary):
                    a, b = loss.loss(np.full(2, label, dtype), pair, reduction="none")
                else:
                    x = np.stack([pair, pair], 1)
                    a, b = loss.loss(np.full(2, label), x, reduction="none")
                assert a == b, (epsilon, end, p, label)


@per_dtype
@pytest.mark.parametrize("epsilon", [None, 0.0])
@pytest.mark.parametrize("cls", CLIPPED, ids=name_of)
def test_without_a_clip_both_ends_have_a_gradient(cls, epsilon, dtype):
    """Clamps instead: log at -100, divisors at 1e-12."""
    loss, tiny = cls(epsilon=epsilon, **{"gamma": 0.0} if "Focal" in cls.__name__ else {}), dtype(1e-13)
    for p, want in ((dtype(0), (100, -1e12)), (tiny, (-np.log(float(tiny)), -float(tiny < 1) * 1e12)),
                    (dtype(1e-11), (-np.log(float(dtype(1e-11))), -1 / float(dtype(1e-11))))):  # fmt: skip
        if issubclass(cls, Binary):
            value, grad = loss(np.ones(1, dtype), np.array([p]))
            value_down, grad_down = loss(np.zeros(1, dtype), dtype(1) - np.array([p]))
            exact = dtype(1) - p == 1
            assert not exact or (value_down, -grad_down[0]) == pytest.approx((100, -1e12), rel=1e-6)
        else:
            value, grad = loss(np.zeros(1, int), np.array([[p, 0.5]], dtype))
            grad = grad[0]
        assert (value, grad[0]) == pytest.approx(want, rel=1e-5)


@per_dtype
@pytest.mark.parametrize("epsilon", [None, 1e-7, 0.01, 3.0])
def test_poisson_adds_its_epsilon(epsilon, dtype):
    """No end and no zero gradient: log p is log(p + epsilon)."""
    loss = fl.Poisson(epsilon=epsilon)
    rates = np.array([0.5, 1, 7] if epsilon is None else [0, 1e-20, epsilon / 2, epsilon, 2 * epsilon, 1, 50], dtype)
    y = np.full_like(rates, 2)
    want = plain.elementwise(dataclasses.replace(loss, epsilon=epsilon and float(dtype(epsilon))), y, rates)
    losses, grad = loss(y, rates, reduction="none")
    hess = loss.gradient_hessian(y, rates, reduction="none").hessian
    rtol = 64 * float(np.finfo(dtype).eps)
    for got, true in zip((losses, grad, hess), want, strict=True):
        np.testing.assert_allclose(got, true, rtol=rtol, atol=rtol)


def test_every_loss_with_an_epsilon_is_here():
    assert {c.__name__ for c in CLIPPED} == {"BinaryCrossentropy", "BinaryFocalCrossentropy",
                                             "CategoricalCrossentropy", "CategoricalFocalCrossentropy"}  # fmt: skip


@per_dtype
@pytest.mark.parametrize("cls", CLIPPED, ids=name_of)
def test_what_rounding_has_put_beyond_the_ends_is_clipped(cls, dtype):
    """1 + 2e-16 comes of a softmax or a sum; without epsilon, and further away, it is an error with all its digits."""
    above, below = np.nextafter(dtype(1), dtype(2)), -np.nextafter(dtype(0), dtype(1))
    p = np.array([above, below, below, above], dtype).reshape((2, 2) if hasattr(cls, "axis") else (4,))
    y = np.array([1, 0] if hasattr(cls, "axis") else [1, 0, 0, 1])
    for epsilon in (1e-7, 0.1):
        loss = cls(epsilon=epsilon)
        for got, want in zip(loss(y, p), loss(y, np.clip(p, 0, 1)), strict=True):
            np.testing.assert_array_equal(got, want)
        with pytest.raises(ValueError, match=r"y_pred\[0(, 0)?\] is 1.25, expected a probability in \[0, 1\]"):
            loss(y, np.where(p == above, dtype(1.25), p))
    digits = "1.00000012" if dtype is np.float32 else "1.0000000000000002"
    with pytest.raises(ValueError, match=rf"y_pred\[0(, 0)?\] is {digits}, expected a probability in \[0, 1\]"):
        cls()(y, p)
