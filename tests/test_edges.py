"""Infinite logits, masked classes, clamps, exact identities and the numbers that other libraries get wrong."""

import itertools
import math

import numpy as np
import pytest

import fastloss as fl
from tests.devices import SIMULATED
from tests.support import JIT, VARIANTS, categorical, name_of, sample

inf, nan = math.inf, math.nan
DTYPES = [np.float32, np.float64]
per_dtype = pytest.mark.parametrize("dtype", DTYPES)
FEW = 10 if SIMULATED else 50
"""Examples that are drawn at random."""


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


@pytest.mark.parametrize("loss", VARIANTS, ids=name_of)
def test_negative_zeros_are_zeros(loss):
    y, p = sample(loss, (12, 4), np.float32, 3)
    p[::2, 1] = 0
    if y.dtype == np.float32 and not isinstance(loss, fl.SquaredHinge):
        y[1::2] = 0
    results = []
    for zero in (0.0, -0.0):
        p[p == 0] = zero
        if y.dtype == np.float32:
            y[y == 0] = zero
        results.append([*loss(y, p, reduction="none"), *loss.gradient_hessian(y, p)])
    for plus, minus in zip(*results, strict=True):
        np.testing.assert_array_equal(minus, plus)


LARGE = [v for v in VARIANTS if not categorical(v) and (v.takes.high > 1 or getattr(v, "from_logits", False))]


@pytest.mark.parametrize("loss", LARGE, ids=name_of)
def test_the_largest_predictions(loss):
    """Those that float32 just has room for, and float64 has much."""
    p = np.ldexp(np.float32([1, 1.4, 1.5, 2 - 2.0**-23]), np.arange(120, 128)[:, None]).astype(np.float32).ravel()
    if getattr(loss, "from_logits", False) or loss.takes.low == -inf:
        p = np.concatenate([p, -p])
    y = np.resize(np.float32([1, -1] if isinstance(loss, fl.SquaredHinge) else [1, 0, 1]), p.shape)
    wide = y.astype(np.float64), p.astype(np.float64)
    with np.errstate(over="ignore"):
        want = [
            np.float32(a) for a in (loss(*wide, reduction="none").loss, *loss.gradient_hessian(*wide, reduction="sum"))
        ]
    got = [loss(y, p, reduction="none").loss, *loss.gradient_hessian(y, p, reduction="sum")]
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-6, atol=1e-44)


@pytest.mark.skipif(SIMULATED, reason="the rates of the CPU's float64")
def test_the_largest_rate_of_float64():
    top = np.finfo(np.float64).max
    assert single(fl.poisson, 1, top, np.float64) == pytest.approx((top, 1, 0), rel=1e-15)


@per_dtype
def test_focal_loss_of_a_soft_label_mixes_first(dtype):
    """0.1666 would be y times the loss of yes and 1 - y times that of no; a label of 0 or 1 among soft ones has the
    bits that it has alone."""
    z, p = np.array([2.0], dtype), 1 / (1 + np.exp(np.array([-2.0], dtype)))
    y = np.array([0.9], dtype)
    for tiny, gamma in ((1e-25, 2.0), (0.05, 40.0)):  # (1 - p)^gamma underflows
        focal = fl.BinaryFocalCrossentropy(from_logits=True, gamma=gamma)
        assert focal(np.array([tiny], dtype), np.array([-np.inf], dtype)).loss == np.inf
        assert np.isfinite(focal.gradient(np.array([tiny], dtype), np.array([-np.inf], dtype))).all()
    for loss, x in ((fl.BinaryFocalCrossentropy(from_logits=True), z), (fl.BinaryFocalCrossentropy(), p)):
        assert abs(loss.loss(y, x) - 0.01247768) < 1e-8
        rng = np.random.default_rng(4)
        many = rng.normal(size=50).astype(dtype) if loss.from_logits else rng.random(50).astype(dtype)
        hard = (rng.random(50) < 0.5).astype(dtype)
        some = np.where(np.arange(50) % 5 == 0, 0.3, hard).astype(dtype)
        own = (*loss(hard, many, reduction="none"), loss.gradient_hessian(hard, many, reduction="sum").hessian)
        mixed = (*loss(some, many, reduction="none"), loss.gradient_hessian(some, many, reduction="sum").hessian)
        for a, b in zip(own, mixed, strict=True):
            np.testing.assert_array_equal(a[some == hard], b[some == hard])


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
    for offset in (2.0**25, -(2.0**25)):  # floats lie 4 apart
        got, far = loss(np.array([0]), 4 * z + np.float32(offset)), loss(np.array([0]), 4 * z)
        assert got.loss == pytest.approx(far.loss, rel=2e-7)
        np.testing.assert_allclose(got.gradient, far.gradient, rtol=1e-6)


@per_dtype
@pytest.mark.parametrize("classes", [3] if SIMULATED else [2, 4, 10, 300])
def test_a_true_class_far_below_the_others(dtype, classes):
    """Its exponential is lost, its logit is not: the loss is how far below it lies, and its gradient -1."""
    depths = [40, 87, 88.5, 88.8, 104, 1e4, 1e9] if dtype is np.float32 else [40, 708, 709.6, 710, 746, 1e4, 1e9]
    for loss, top in itertools.product((fl.CategoricalCrossentropy, fl.CategoricalFocalCrossentropy), (0, 25, 31, -10)):
        z = np.full((len(depths), classes), top, dtype)
        z[:, 0] -= np.array(depths, dtype)
        want = top - z[:, 0].astype(float) + np.log(classes - 1)
        slopes = np.full(z.shape, 1 / (classes - 1))
        slopes[:, 0] = -1
        index, one_hot = np.zeros(len(z), np.int64), np.eye(classes)[np.zeros(len(z), np.int64)].astype(dtype)
        for y, x, axis in ((index, z, 1), (one_hot, z, 1), (index, z.T.copy(), 0), (one_hot.T.copy(), z.T.copy(), 0)):
            losses, grad = loss(from_logits=True, axis=axis)(y, x, reduction="none")
            np.testing.assert_allclose(losses, want, rtol=4 * np.finfo(dtype).eps)
            np.testing.assert_allclose(grad if axis == 1 else grad.T, slopes, rtol=8 * np.finfo(dtype).eps)


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
    z = (rng.normal(size=(FEW, 4)) * 5).astype(dtype)
    p = z if logits else 1 / (1 + np.exp(-z))
    pairs = [(fl.BinaryFocalCrossentropy, fl.BinaryCrossentropy, (rng.random((FEW, 4)) < 0.5).astype(dtype)),
             (fl.CategoricalFocalCrossentropy, fl.CategoricalCrossentropy, rng.integers(0, 4, FEW))]  # fmt: skip
    for focal, plain, y in pairs:
        a, b = focal(gamma=0, from_logits=logits), plain(from_logits=logits)
        np.testing.assert_allclose(a.loss(y, p), b.loss(y, p), rtol=1e-6)
        np.testing.assert_allclose(a.gradient(y, p), b.gradient(y, p), rtol=3e-6)
        np.testing.assert_allclose(
            a.gradient_hessian(y, p).hessian, b.gradient_hessian(y, p).hessian, rtol=1e-5
        )  # fmt: skip


@per_dtype
def test_dense_one_hot_is_class_index(dtype):
    rng, n = np.random.default_rng(0), FEW
    z, y, w = (rng.normal(size=(n, 5)) * 20).astype(dtype), rng.integers(0, 5, n), rng.random(n)
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


@pytest.mark.parametrize("inner", [1, 32])
@pytest.mark.parametrize("classes", [4, 18, 40])
def test_rows_that_are_almost_one_hot(classes, inner):
    """Alone in a block: two ones, a single target that is no 1, a second one that is small."""
    z = np.linspace(-1, 2, classes)
    z = np.broadcast_to(z[:, None], (classes, inner)).copy() if inner > 1 else z
    for place, (first, second) in itertools.product((-1, 2), ((1, 1), (0.5, 0), (0, 0.25), (1, 1e-3), (0.5, 0.5))):
        y = np.zeros_like(z)
        y[1], y[place] = first, second
        loss, grad = fl.CategoricalCrossentropy(from_logits=True, axis=0)(y, z, reduction="sum")
        log_p = z - np.log(np.exp(z).sum(0))
        assert loss == pytest.approx(-(y * log_p).sum(), rel=1e-12)
        np.testing.assert_allclose(grad, np.exp(log_p) * y.sum(0) - y, rtol=1e-9, atol=1e-15)


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


@pytest.mark.parametrize("gamma", [0.5, 2.0, 3.7])
def test_the_focal_hessian_of_a_sure_row(gamma):
    """Where 1 - p is subnormal its inverse overflows."""
    loss = fl.CategoricalFocalCrossentropy(from_logits=True, gamma=gamma)
    margins = np.array([80.0, 87.0, 90.0, 100.0, 104.0, 200.0], np.float32)
    z = np.stack([margins, np.zeros_like(margins)], 1)
    for target in (np.zeros(6, int), np.eye(2, dtype=np.float32)[np.zeros(6, int)]):
        pair = loss.gradient_hessian(target, z)
        assert np.isfinite(pair.hessian).all()
        assert np.isfinite(pair.gradient).all()
        assert (np.abs(pair.hessian) < 1e-30).all()


@per_dtype
@pytest.mark.parametrize("smoothing", [1e-2, 1e-3, 1e-6])
def test_small_label_smoothing(dtype, smoothing):
    """The share of the other answer is a/2, not 1 minus a rounded number."""
    a = float(dtype(smoothing))
    loss = fl.BinaryCrossentropy(from_logits=True, label_smoothing=a)
    value, grad, _ = single(loss, 1, 50, dtype)
    assert value == pytest.approx(50 * a / 2, rel=8 * float(np.finfo(dtype).eps))
    assert grad == pytest.approx(a / 2, rel=8 * float(np.finfo(dtype).eps))


@per_dtype
def test_poisson_with_epsilon_near_one(dtype):
    p, y, eps = float(dtype(0.999)), 1e6, float(dtype(1e-7))
    want = p - y * math.log1p((p - 1) + eps)
    assert fl.Poisson(epsilon=eps).loss(np.array([y], dtype), np.array([p], dtype)) == pytest.approx(
        want, rel=8 * float(np.finfo(dtype).eps)
    )
    assert fl.Poisson(epsilon=1.0).loss(np.array([2.0], dtype), np.array([0.0], dtype)) == 0


def test_nan_labels_are_not_lost():
    for loss, p in ((fl.poisson, inf), (fl.Poisson(from_logits=True), 1e4), (fl.BinaryCrossentropy(epsilon=1e-3), 0.0)):
        value, grad, hess = single(loss, nan, p, np.float64)
        assert all(map(math.isnan, (value, grad, hess))), loss
    for loss in (fl.BinaryCrossentropy(from_logits=True, pos_weight=0.0), fl.BinaryCrossentropy(pos_weight=0.0)):
        value, grad, _ = single(loss, 1, nan, np.float64)
        assert math.isnan(value)
        assert math.isnan(grad)


@pytest.mark.parametrize("dense", [False, True])
def test_nan_probabilities_of_other_classes_are_not_lost(dense):
    p, y = np.array([[0.25, nan, 0.5], [0.5, 0.25, 0.25], [nan, 0.5, 0.5]]), np.array([0, 1, 1])
    target, w = (np.eye(3)[y] if dense else y), np.array([1.0, 1.0, 0.0])
    for loss in (fl.cce, fl.categorical_focal_crossentropy):
        losses, grad = loss(target, p, sample_weight=w, reduction="none")
        hess = loss.gradient_hessian(target, p, sample_weight=w).hessian
        np.testing.assert_array_equal(np.isnan(losses), [True, False, False])
        np.testing.assert_array_equal(np.isnan(grad), [[False, True, False], [False] * 3, [False] * 3])
        np.testing.assert_array_equal(np.isnan(hess), np.isnan(grad))
        assert math.isnan(loss.loss(target, p))


def test_infinite_predictions_of_msle():
    assert single(fl.msle, 0, inf, np.float64) == (inf, 0, 0)


@pytest.mark.parametrize("classes", [2, 30 if SIMULATED else 300])
@pytest.mark.parametrize("dense", [False, True])
def test_a_class_of_weight_0_hides_any_logits(classes, dense):
    z = np.random.default_rng(0).normal(size=(3, classes))
    c = np.ones(classes)
    c[0] = 0
    y = np.array([0, 1, 0])
    target = np.eye(classes)[y] if dense else y
    for loss in (
        fl.CategoricalCrossentropy(from_logits=True, class_weight=c),
        fl.CategoricalFocalCrossentropy(from_logits=True, alpha=c),
    ):
        want = loss.gradient_hessian(target, z), loss.loss(target, z)
        bad = z.copy()
        bad[0], bad[2, 0] = nan, -inf
        got = loss.gradient_hessian(target, bad), loss.loss(target, bad)
        assert got[1] == want[1]
        np.testing.assert_array_equal(got[0].gradient, want[0].gradient)
        np.testing.assert_array_equal(got[0].hessian, want[0].hessian)


# of a span of columns: less than one, more, ending in a tile, cut by the number of classes
SHAPES = [(2, 7)] if SIMULATED else [(2, 16), (5, 300), (21, 17), (200, 600)] if JIT else [(2, 16), (5, 90), (21, 17)]


@pytest.mark.parametrize("dtype", [np.float32] if SIMULATED else [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(("classes", "inner"), SHAPES)
def test_classes_that_are_not_on_the_last_axis(classes, inner, dtype):
    """Runs of columns that end with a tile, a row of columns or the array: the bits of rows, in place too."""
    rng = np.random.default_rng(classes)
    z = (6 * rng.normal(size=(3, inner, classes))).astype(dtype)
    z[0, 1], z[1, 2, 0], z[2, 5], z[2, 6, 1] = 200 * z[0, 1], -inf, nan, inf
    y, w = rng.integers(0, classes, (3, inner)), rng.integers(0, 3, (3, inner)).astype(dtype)
    y[1, 2], w[0, 1], y[0, :3] = 1, 1, -1
    upright = np.ascontiguousarray(np.moveaxis(z, -1, 1))
    options = {"from_logits": True, "ignore_index": -1}
    for weights in ({}, {"sample_weight": w}):
        for rows, loss in (
            (fl.CategoricalCrossentropy(**options), fl.CategoricalCrossentropy(**options, axis=1)),
            (fl.CategoricalFocalCrossentropy(**options), fl.CategoricalFocalCrossentropy(**options, axis=1)),
        ):
            want, got = rows(y, z, reduction="none", **weights), loss(y, upright, reduction="none", **weights)
            np.testing.assert_array_equal(got.loss, want.loss)
            np.testing.assert_array_equal(got.gradient, np.moveaxis(want.gradient, -1, 1))
            hess = loss.gradient_hessian(y, upright, **weights).hessian
            np.testing.assert_array_equal(hess, np.moveaxis(rows.gradient_hessian(y, z, **weights).hessian, -1, 1))
            place = upright.copy()
            assert loss.gradient(y, place, reduction="none", out=place, **weights) is place
            np.testing.assert_array_equal(place, got.gradient)
            other = np.float64 if dtype == np.float32 else np.float32  # the dtype that is computed in, for float16
            want = rows.gradient(y, z, reduction="none", out=np.empty(z.shape, other), **weights)
            out = loss.gradient(y, upright, reduction="none", out=np.empty(upright.shape, other), **weights)
            np.testing.assert_array_equal(out, np.moveaxis(want, -1, 1))


def test_unsigned_labels_of_64_bits_have_no_sign():
    large = np.array([2**64 - 1, 2**64 - 2**31, 2**63], np.uint64)
    p = np.zeros(3)
    assert fl.mse.loss(large, p) == fl.mse.loss(large.astype(float), p)
    assert fl.mse.loss(p.astype(np.uint64), p, sample_weight=large) == 0


@pytest.mark.cpu
def test_unsigned_labels_of_64_bits_are_no_class():
    large = np.array([2**64 - 1, 2**64 - 2**31, 2**63], np.uint64)
    p = np.zeros(3)
    with pytest.raises(ValueError, match=r"y_true\[0\]"):
        fl.squared_hinge(large, p)
    kept = fl.CategoricalCrossentropy(from_logits=True, ignore_index=-1)
    with pytest.raises(ValueError, match=r"y_true\[0\]"):
        kept(np.array([2**64 - 1, 1], np.uint64), np.zeros((2, 3)))


def test_single_numbers_by_way_of_a_buffer():
    """Without dimensions, and of another byte order, stride or dtype."""
    one, three = np.array(1.0), np.array(3.0)
    assert fl.mse(one, three.astype(">f8")).loss == 4
    out = np.zeros((), np.float16)
    assert fl.mse(one, three, out=out).gradient is out
    assert out == 4
    loss = fl.CategoricalCrossentropy(from_logits=True)
    assert loss.loss(np.array(0), np.zeros(6)[::2], reduction="none") == pytest.approx(math.log(3))
    assert fl.bce.activate(np.array(0.0, ">f8")) == 0.5


@pytest.mark.cpu
def test_a_dtype_that_no_kernel_reads():
    assert fl.mse(np.array(1.0, np.longdouble), np.array(3.0)).loss == 4


@pytest.mark.cpu  # on a device the sum of the weights is not known before they are rounded to the compute dtype
def test_weights_of_extreme_size():
    y, p = np.zeros(3, np.float32), np.array([1, 0, 2], np.float32)
    want = fl.mse(y, p)
    for size in (1e-40, 1e-300, 1e300):
        got = fl.mse(y, p, sample_weight=np.full(3, size))
        assert got.loss == pytest.approx(want.loss, rel=1e-6)
        np.testing.assert_allclose(got.gradient, want.gradient, rtol=1e-6)


@pytest.mark.parametrize(("gamma", "p", "want"), [(2.0, 1e-23, 4e-34), (3.7, 1e-13, 7.4e12 * 1e-13**3.7)])
def test_the_focal_hessian_of_a_small_probability(gamma, p, want):
    """p^gamma underflows in float32, its product with the clamped 1/p does not."""
    gamma = float(np.float32(gamma))
    _, _, hess = single(fl.BinaryFocalCrossentropy(gamma=gamma), 0, p, np.float32)
    assert hess == pytest.approx(want, rel=1e-4)
