"""Infinite logits, masked classes, clamps, exact identities and the numbers that other libraries get wrong."""

import math

import numpy as np
import pytest

import fastloss as fl

inf, nan = math.inf, math.nan
DTYPES = [np.float32, np.float64]
per_dtype = pytest.mark.parametrize("dtype", DTYPES)


def single(loss, y, x, dtype):
    """Loss, gradient and Hessian of one element."""
    y, x = np.array([y], dtype), np.array([x], dtype)
    value, grad = loss(y, x)
    return value, float(grad[0]), float(loss.gradient_hessian(y, x).hessian[0])


def test_the_numbers_of_the_contract():
    bce = fl.BinaryCrossentropy(from_logits=True)
    y, z = np.array([0, 1], np.float32), np.array([-17, 17], np.float32)
    losses, grads = bce(y, z, reduction="none")
    np.testing.assert_allclose(losses, 4.1399377e-08, rtol=3e-7)
    np.testing.assert_allclose(grads, [4.1399377e-08, -4.1399377e-08], rtol=3e-7)


@per_dtype
def test_infinite_logits(dtype):
    bce = fl.BinaryCrossentropy(from_logits=True)
    assert single(bce, 1, inf, dtype) == (0, 0, 0)
    assert single(bce, 0, -inf, dtype) == (0, 0, 0)
    assert single(bce, 0, inf, dtype) == (inf, 1, 0)
    assert single(bce, 1, -inf, dtype) == (inf, -1, 0)
    for gamma in (0.0, 2.0, 3.7) if dtype is np.float32 else (0.5, 1.0):
        focal = fl.BinaryFocalCrossentropy(from_logits=True, gamma=gamma)
        assert single(focal, 1, inf, dtype) == (0, 0, 0)
        assert single(focal, 0, -inf, dtype) == (0, 0, 0)
        assert single(focal, 1, -inf, dtype) == (inf, -1, 0)
        assert single(focal, 0, inf, dtype) == (inf, 1, 0)
    poisson = fl.Poisson(from_logits=True)
    assert single(poisson, 0, -inf, dtype) == (0, 0, 0)
    assert single(poisson, 2, -inf, dtype) == (inf, -2, 0)
    assert single(poisson, 2, inf, dtype) == (inf, inf, inf)
    assert single(poisson, 2, 1e5, dtype) == (inf, inf, inf)
    hinge = fl.SquaredHinge(from_logits=True)
    assert single(hinge, 1, inf, dtype) == (0, 0, 0)
    assert single(hinge, 1, -inf, dtype) == (4, 0, 0)


@per_dtype
@pytest.mark.parametrize("cls", [fl.CategoricalCrossentropy, fl.CategoricalFocalCrossentropy])
@pytest.mark.parametrize("dense", [False, True])
def test_infinite_rows(dtype, cls, dense):
    loss = cls(from_logits=True)

    def row(y, *z):
        target = np.eye(len(z), dtype=dtype)[[y]] if dense else np.array([y])
        z = np.array([z], dtype)
        value, grad = loss(target, z)
        return value, grad[0].tolist(), loss.gradient_hessian(target, z).hessian[0].tolist()

    value, grad, hess = row(0, 0.0, -inf, 0.0)
    alone = row(0, 0.0, 0.0)
    assert value == alone[0]
    assert (grad[0], grad[2], grad[1]) == (*alone[1], 0)
    assert (hess[0], hess[2], hess[1]) == (*alone[2], 0)
    value, grad, _ = row(0, -inf, 0.0, 1.0)  # the true class is masked
    assert value == inf
    assert grad[0] == -1
    assert grad[1] + grad[2] == pytest.approx(1)
    assert row(1, 0.0, inf, 5.0) == (0, [0, 0, 0], [0, 0, 0])
    value, grad, _ = row(0, 0.0, inf, 5.0)
    assert value == inf
    assert grad == [-1, 1, 0]
    for bad in ((inf, inf, 0.0), (-inf, -inf, -inf), (nan, 1.0, 2.0)):
        value, grad, _ = row(0, *bad)
        assert math.isnan(value)
        assert np.isnan(grad).all()


@per_dtype
def test_softmax_gradients(dtype):
    """Rows sum to zero, and the true class has minus the sum of the others where p - 1 would round to 0."""
    loss = fl.CategoricalCrossentropy(from_logits=True)
    z = np.zeros((1, 5), dtype)
    z[0, 2] = 60 if dtype is np.float32 else 300
    for y in (np.array([2]), np.eye(5)[[2]].astype(dtype)):
        grad = loss(y, z).gradient[0].astype(float)
        others = np.delete(grad, 2)
        assert (others > 0).all()
        assert grad[2] == pytest.approx(-others.sum(), rel=1e-6)


def test_large_logits_are_shifted_exactly():
    loss = fl.CategoricalCrossentropy(from_logits=True)
    z = np.array([[1.0, 2.0, 4.0]], np.float32)
    want = loss(np.array([0]), z)
    for offset in (1024.0, -1024.0, 2.0**21, -(2.0**21)):
        got = loss(np.array([0]), z + np.float32(offset))
        assert got.loss == pytest.approx(want.loss, rel=2e-7)
        np.testing.assert_allclose(got.gradient, want.gradient, rtol=1e-6)


@per_dtype
def test_clamps_from_probabilities(dtype):
    assert single(fl.bce, 1, 0.0, dtype) == pytest.approx((100, -1e12, 1e24), rel=1e-6)
    assert single(fl.bce, 0, 1.0, dtype) == pytest.approx((100, 1e12, 1e24), rel=1e-6)
    assert single(fl.bce, 1, 1.0, dtype)[:2] == (0, 0)
    assert single(fl.bce, 0, 0.0, dtype)[:2] == (0, 0)
    assert single(fl.poisson, 0, 0.0, dtype) == (0, 0, 0)
    assert single(fl.poisson, 3, 0.0, dtype)[:2] == pytest.approx((300, -3e12), rel=1e-6)
    assert single(fl.poisson, 3, inf, dtype) == (inf, 1, 0)
    clip = fl.BinaryCrossentropy(epsilon=1e-7)
    value, grad, hess = single(clip, 1, 0.0, dtype)
    assert value == pytest.approx(16.118096, rel=1e-6)
    assert (grad, hess) == (0, 0)
    p = np.array([[0.0, 1.0]], dtype)
    value, grad = fl.cce(np.array([0]), p)
    assert value == 100
    assert grad[0].tolist() == pytest.approx([-1e12, 0], rel=1e-6)
    value, grad = fl.CategoricalCrossentropy(epsilon=1e-7)(np.array([0]), p)
    assert value == pytest.approx(16.118096, rel=1e-6)
    assert not grad.any()


@per_dtype
@pytest.mark.parametrize("logits", [False, True])
def test_focal_with_gamma_0_is_crossentropy(dtype, logits):
    rng = np.random.default_rng(0)
    if logits == (dtype is np.float64):
        pytest.skip("logits in float32 and probabilities in float64 cover both; each kernel costs a second to compile")
    z = (rng.normal(size=(50, 4)) * 5).astype(dtype)
    p = z if logits else 1 / (1 + np.exp(-z))
    pairs = [(fl.BinaryFocalCrossentropy, fl.BinaryCrossentropy, (rng.random((50, 4)) < 0.5).astype(dtype)),
             (fl.CategoricalFocalCrossentropy, fl.CategoricalCrossentropy, rng.integers(0, 4, 50))]  # fmt: skip
    for focal, plain, y in pairs:
        a, b = focal(gamma=0, from_logits=logits), plain(from_logits=logits)
        np.testing.assert_allclose(a.loss(y, p), b.loss(y, p), rtol=1e-6)
        np.testing.assert_allclose(a.gradient(y, p), b.gradient(y, p), rtol=3e-6)
        np.testing.assert_allclose(
            a.gradient_hessian(y, p).hessian, b.gradient_hessian(y, p).hessian, rtol=1e-5
        )  # fmt: skip


@per_dtype
def test_dense_one_hot_is_class_index(dtype):
    rng = np.random.default_rng(0)
    z, y, w = (rng.normal(size=(40, 5)) * 20).astype(dtype), rng.integers(0, 5, 40), rng.random(40)
    c = (1.0, 2.0, 0.5, 0.0, 3.0)
    for logits in (True, False) if dtype is np.float32 else (True,):
        p = z if logits else (np.exp(z / 9) / np.exp(z / 9).sum(1, keepdims=True)).astype(dtype)
        for loss in (
            fl.CategoricalCrossentropy(from_logits=logits, class_weight=c),
            fl.CategoricalCrossentropy(from_logits=logits, class_weight=c, label_smoothing=0.1),
            fl.CategoricalFocalCrossentropy(from_logits=logits, alpha=c, gamma=1.5),
        )[:: 1 if dtype is np.float32 else 2]:
            a = loss(y, p, sample_weight=w)
            b = loss(np.eye(5, dtype=np.uint8)[y], p, sample_weight=w)
            assert a.loss == pytest.approx(b.loss, rel=1e-6)
            np.testing.assert_allclose(a.gradient, b.gradient, rtol=2e-5, atol=1e-30)


def test_weighted_mean_is_torchs():
    """class_weight and ignore_index in the divisor; 1.92 in the issue trackers, where one-hot gives 3.85 elsewhere."""
    z = np.array([[1.0, 2.0, 3.0], [1.0, 0.0, 0.0], [0.0, 5.0, 0.0]])
    y, c = np.array([0, 2, -100]), np.array([0.5, 1.0, 3.0])
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    each = [-0.5 * np.log(p[0, 0]), -3.0 * np.log(p[1, 2]), 0.0]
    loss = fl.CategoricalCrossentropy(from_logits=True, class_weight=c, ignore_index=-100)
    value, grad = loss(y, z)
    assert value == pytest.approx(sum(each) / 3.5, rel=1e-14)
    assert not grad[2].any()
    np.testing.assert_allclose(loss.loss(y, z, reduction="none"), each, rtol=1e-14)
    assert loss.loss(y, z, reduction="sum_over_batch_size") == pytest.approx(sum(each) / 3, rel=1e-14)
    assert loss(np.full(3, -100), z).loss == 0
    assert not loss(np.full(3, -100), z).gradient.any()
    dense = fl.CategoricalCrossentropy(from_logits=True, class_weight=c)
    assert dense.loss(np.eye(3)[y[:2]], z[:2]) == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
def test_classes_on_any_axis(axis):
    rng = np.random.default_rng(0)
    z = rng.normal(size=(4, 5, 6))
    y = rng.integers(0, 4, size=np.delete(z.shape, axis))
    last = fl.CategoricalCrossentropy(from_logits=True)
    want = last(y, np.ascontiguousarray(np.moveaxis(z, axis, -1)))
    loss = fl.CategoricalCrossentropy(from_logits=True, axis=axis)
    for view in (z, np.asfortranarray(z)):
        got = loss(y, view)
        assert got.loss == want.loss
        np.testing.assert_array_equal(np.moveaxis(got.gradient, axis, -1), want.gradient)
    np.testing.assert_array_equal(
        np.moveaxis(loss.activate(z), axis, -1), last.activate(np.ascontiguousarray(np.moveaxis(z, axis, -1)))
    )


def test_a_scalar_and_one_row():
    assert fl.mse(np.array(1.0), np.array(3.0)).loss == 4.0
    value, grad = fl.CategoricalCrossentropy(from_logits=True)(np.array(1), np.array([0.0, 0.0]))
    assert value == pytest.approx(math.log(2))
    np.testing.assert_allclose(grad, [0.5, -0.5])
