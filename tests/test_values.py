"""Values that other libraries drop or let pass in silence: masks, weights of any size, targets that are no shares."""

import dataclasses

import ml_dtypes
import numpy as np
import pytest

import fastloss as fl
from tests.support import JIT, VARIANTS, categorical, name_of, sample

every_loss = pytest.mark.parametrize("loss", VARIANTS, ids=name_of)
DTYPES = [np.float32, np.float64]


def shape_of(loss):
    return (23, 5) if categorical(loss) else (23,)


@every_loss
@pytest.mark.parametrize("where", ["y_true", "y_pred", "sample_weight", "all"])
def test_what_is_masked_counts_like_weight_0(loss, where):
    """Whatever lies under the mask: a label that is no class, a probability of 7, NaN."""
    y, p = sample(loss, shape_of(loss), np.float64)
    w = np.linspace(1, 2, 23)
    off = np.zeros(23, bool)
    arrays = {"y_true": y.copy(), "y_pred": p.copy(), "sample_weight": w.copy()}
    for k, name in enumerate(arrays):
        if where in (name, "all"):
            array = arrays[name]
            rows = np.zeros(23, bool)
            rows[[k, 7 + k, 22 - k]] = True
            off |= rows
            array[rows] = 77
            mask = np.zeros(array.shape, bool)
            mask[(rows, 2) if array.ndim == 2 else rows] = True  # one class is enough
            arrays[name] = np.ma.MaskedArray(array, mask)
    weights = np.where(off, 0, w)
    for reduction in ("mean", "sum", "sum_over_batch_size", "none"):
        want = loss(y, p, sample_weight=weights, reduction=reduction)
        got = loss(**arrays, reduction=reduction)
        np.testing.assert_array_equal(got.loss, want.loss)
        np.testing.assert_array_equal(got.gradient, want.gradient)
        assert type(got.gradient) is np.ndarray
    pair = loss.gradient_hessian(**arrays)
    for one, other in zip(pair, loss.gradient_hessian(y, p, sample_weight=weights), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_masks_of_an_example():
    y, p = np.ma.array([1.0, 0], mask=[0, 1]), np.array([0.9, 0.9])
    assert fl.bce.loss(y, p) == fl.bce.loss(y[:1].data, p[:1])
    assert fl.mse.loss(np.ma.masked_all(3), np.zeros(3)) == 0.0
    assert fl.mse.loss(np.ones(3), np.zeros(3), sample_weight=np.ma.masked) == 0.0
    assert fl.mse.loss(np.ma.array([1.0, 2]), np.zeros(2)) == 2.5, "no mask at all"
    out = np.ma.array([1.0, 2], mask=[0, 1])
    loss, gradient = fl.mse(np.zeros(2), out, out=out)
    assert loss == 1.0
    assert gradient is out
    assert out.mask.tolist() == [False, True]
    assert out.data.tolist() == [2.0, 0.0]


def test_dense_targets_and_weights_with_masks():
    loss = fl.CategoricalCrossentropy(from_logits=True, class_weight=(1, 2, 3))
    y, z = np.eye(3)[[0, 1, 2, 0]], np.arange(12.0).reshape(4, 3)
    hidden = np.ma.array(y, mask=np.arange(12).reshape(4, 3) == 4)
    want = loss(y, z, sample_weight=np.array([1.0, 0, 1, 1]))
    got = loss(hidden, z)
    assert got.loss == want.loss
    np.testing.assert_array_equal(got.gradient, want.gradient)
    column = np.ma.array(np.ones((4, 1)), mask=[[0], [1], [0], [1]])
    two = np.arange(8.0).reshape(4, 2)
    np.testing.assert_array_equal(fl.mse.gradient(two * 0, two, sample_weight=column)[1::2], 0)


def test_activations_keep_the_mask():
    z = np.ma.array([[1.0, 2], [3, 4]], mask=[[0, 1], [0, 0]])
    sigmoid = fl.BinaryCrossentropy(from_logits=True).activate(z)
    assert sigmoid.mask.tolist() == z.mask.tolist()
    softmax = fl.CategoricalCrossentropy(from_logits=True).activate(z)
    assert softmax.mask.tolist() == [[True, True], [False, False]]
    assert softmax[1].sum() == pytest.approx(1)
    softmax[0, 0] = 0.5
    assert not softmax.mask[0, 0], "the mask is the result's own"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [5e-324, 1e-310, 1e-40, 1e-30, 1e30, 1e39, 1e308])
def test_means_do_not_depend_on_the_size_of_weights(size, dtype):
    """Class weights, sample weights of an array and of a number; their sum may overflow or have no inverse."""
    y, z = sample(fl.CategoricalCrossentropy(from_logits=True), (12, 3), dtype)
    dense = np.eye(3, dtype=dtype)[y]
    w = np.arange(1.0, 13)
    for options in ({}, {"label_smoothing": 0.1}):
        plain = fl.CategoricalCrossentropy(from_logits=True, class_weight=(1, 0, 2), **options)
        sized = dataclasses.replace(plain, class_weight=(size / 2, 0, size))
        if size > 1e-300:
            for labels in (y, dense):
                for weights in (None, w):
                    check(sized(labels, z, sample_weight=weights), plain(labels, z, sample_weight=weights), dtype)
        for labels in (y, dense):
            check(plain(labels, z, sample_weight=np.full(12, size)), plain(labels, z), dtype)
            check(plain(labels, z, sample_weight=size), plain(labels, z), dtype)
    for loss in (fl.mse, fl.BinaryCrossentropy(from_logits=True)):
        check(loss(dense, z, sample_weight=np.full((12, 1), size)), loss(dense, z), dtype)
        check(loss(dense, z, sample_weight=size), loss(dense, z), dtype)


def check(got, want, dtype):
    tolerance = 8 * float(np.finfo(dtype).eps)
    assert got.loss == pytest.approx(want.loss, rel=tolerance)
    np.testing.assert_allclose(got.gradient, want.gradient, rtol=tolerance, atol=tolerance / 100)


def test_weights_that_are_all_zero_or_below():
    z, y = np.ones((2, 3)), np.array([0, 1])
    loss = fl.CategoricalCrossentropy(from_logits=True, class_weight=(0, 0, 1e-320))
    assert loss.loss(y, z) == 0.0
    assert not loss.gradient(y, z).any()
    with pytest.raises(ValueError, match=r"sample_weight for element \[1\] is -1e-40"):
        fl.mse(np.zeros(2), np.ones(2), sample_weight=np.array([1e-40, -1e-40]))
    assert np.isnan(fl.mse.loss(np.zeros(2), np.ones(2), sample_weight=np.array([np.nan, 1])))


SIZES = [(3, 1), (3, 100), (10, 1), (10, 300), (64, 20), (65, 20), (100, 40), (300, 3)] if JIT else [(3, 2), (10, 1)]


@pytest.mark.parametrize("bad", [-1.0, 255.0, np.inf, -np.inf, 1.0001, -1e-30])
@pytest.mark.parametrize(("classes", "rows"), SIZES)
def test_dense_targets_outside_the_unit_interval(classes, rows, bad):
    """Among one-hot rows and soft ones, with every kernel that reads them; the first is named."""
    rows += 2
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(classes), rows)
    for soft in (False, True):
        y = np.zeros((rows, classes))
        y[:, 0] = 1
        y[0, :2] = (0.5, 0.5) if soft else (1, 0)
        y[-2, 1], y[-1, 2] = bad, bad
        for logits in (True, False):
            for smoothing in (0.0, 0.1):
                for cls in (fl.CategoricalCrossentropy, fl.CategoricalFocalCrossentropy):
                    loss = cls(from_logits=logits, label_smoothing=smoothing)
                    words = rf"y_true\[{rows - 2}, 1\] is {np.float64(bad):.9g}, expected a target in \[0, 1\]"
                    for method in (loss.loss, loss, loss.gradient_hessian):
                        with pytest.raises(ValueError, match=words.replace("+", r"\+")):
                            method(y, p)
                    with pytest.raises(ValueError, match=rf"y_true\[1, {rows - 2}\] is"):
                        dataclasses.replace(loss, axis=0)(y.T, p.T)
                    w = np.ones(rows)
                    w[-2:] = 0  # does not count, whatever it is
                    assert np.isfinite(loss.loss(y, p, sample_weight=w))


@pytest.mark.skipif(not JIT, reason="plain Python is too slow for so many rows")
@pytest.mark.parametrize("logits", [True, False])
@pytest.mark.parametrize("row", [10, 65_535, 65_536, 150_000])
def test_a_bad_target_of_a_large_strided_array(logits, row):
    """Such arrays are computed in pieces; the row is counted from the first one."""
    z = np.full((200_000, 3, 2), 1 / 3)[..., 0]
    y = np.repeat(np.eye(3)[np.arange(200_000) % 3][..., None], 2, 2)[..., 0]
    y[row, 1] = -1
    y[row + 5, 0] = 2
    with pytest.raises(ValueError, match=rf"y_true\[{row}, 1\] is -1,"):
        fl.CategoricalCrossentropy(from_logits=logits)(y, z)


def test_the_targets_of_a_policy_gradient():
    """Advantages times one-hot actions: any sign and size, where it is said that they are meant."""
    loss = fl.CategoricalCrossentropy(from_logits=True, signed_targets=True)
    advantages = np.array([[2.0, 0, 0], [0, -3, 0], [0, 0, 255], [1, -1, 0]])
    z = np.array([[0.1, 0.2, 0.3], [1, 2, 3], [3, 2, 1], [0, 0, 1]])
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    for classes in (3, 100):  # more of them take another kernel
        far = np.full((4, classes - 3), -np.inf)
        targets = np.concatenate([advantages, np.zeros_like(far)], 1)
        got = loss(targets, np.concatenate([z, far], 1), reduction="sum")
        assert got.loss == pytest.approx(-(advantages * np.log(p)).sum(), rel=1e-14)
        slopes = p * advantages.sum(1, keepdims=True) - advantages
        np.testing.assert_allclose(got.gradient[:, :3], slopes, rtol=1e-12, atol=1e-13)
    assert loss.loss(np.array([0, 1, 2, 0]), z) == fl.CategoricalCrossentropy(from_logits=True).loss([0, 1, 2, 0], z)
    with pytest.raises(ValueError, match="signed_targets is 2, expected True or False"):
        fl.CategoricalCrossentropy(signed_targets=2)


@pytest.mark.parametrize("classes", [3, 100])
@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_that_do_not_count_among_signed_targets(classes, dtype):
    """Weight 0, ignored, or without any target: zeros, whatever their values."""
    loss = fl.CategoricalCrossentropy(from_logits=True, signed_targets=True)
    y, z = np.zeros((3, classes), dtype), np.zeros((3, classes), dtype)
    y[:2, 0], y[0, 1] = 1, np.inf
    z[2] = np.nan
    gradient, hessian = loss.gradient_hessian(y, z, sample_weight=[0, 1, 1])
    assert not gradient[[0, 2]].any()
    assert not hessian[[0, 2]].any()
    assert gradient[1].any()
    ignoring = dataclasses.replace(loss, label_smoothing=0.1, ignore_index=-1)
    gradient, hessian = ignoring.gradient_hessian([0, 0, -1], z)
    assert not gradient[2].any()
    assert not hessian[2].any()


@pytest.mark.parametrize("classes", [3, 100])
def test_the_mean_of_signed_targets_divides_by_the_weights_of_rows(classes):
    """Advantages add up to anything: they are no weights."""
    rng = np.random.default_rng(0)
    y, z, w = rng.normal(size=(6, classes)), rng.normal(size=(6, classes)), np.arange(1.0, 7)
    plain = fl.CategoricalCrossentropy(from_logits=True, signed_targets=True)
    classed = dataclasses.replace(plain, class_weight=(1.0,) * classes)
    for weights in (None, w):
        want, got = plain(y, z, sample_weight=weights), classed(y, z, sample_weight=weights)
        assert got.loss == pytest.approx(want.loss, rel=1e-14)
        np.testing.assert_allclose(got.gradient, want.gradient, rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("bad", [np.inf, -5.0])
def test_a_bad_target_is_named_where_weights_and_class_weights_are_given(bad):
    loss = fl.CategoricalCrossentropy(from_logits=True, class_weight=(1, 1, 1))
    y = np.array([[1, 0, 0], [0, bad, 0]])
    for weights in (None, np.ones(2)):
        with pytest.raises(ValueError, match=r"y_true\[1, 1\] is"):
            loss(y, np.zeros((2, 3)), sample_weight=weights)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("least", [1e-320, 1e-50, 1e-40])
def test_the_class_weights_that_are_used_are_tiny_beside_the_others(least, dtype):
    z = np.random.default_rng(0).normal(size=(6, 3)).astype(dtype)
    y = np.array([0, 0, 7, 0, 0, 0])
    plain = fl.CategoricalCrossentropy(from_logits=True, ignore_index=7)
    loss = dataclasses.replace(plain, class_weight=(least, 1, 1))
    check(loss(y, z), plain(y, z), dtype)
    check(loss(y, z, sample_weight=np.arange(1.0, 7)), plain(y, z, sample_weight=np.arange(1.0, 7)), dtype)
    with pytest.raises(ValueError, match=r"y_true\[2\] is 8"):
        loss(y + (y == 7), z)


def test_the_digits_of_a_target_just_above_1():
    with pytest.raises(ValueError, match=r"y_true\[0, 0\] is 1.0000000000000002, expected"):
        fl.cce([[np.nextafter(1, 2), 0]], np.full((1, 2), 0.5))


OTHER = [getattr(ml_dtypes, name) for name in ("float8_e5m2", "float8_e4m3fn", "float8_e4m3", "float8_e3m4", "int4")
         if hasattr(ml_dtypes, name)]  # fmt: skip


@pytest.mark.parametrize("dtype", OTHER, ids=name_of)
def test_dtypes_of_8_bits_are_refused_everywhere(dtype):
    """ml_dtypes calls some of them floats and others void."""
    x, odd = np.zeros(3), np.zeros(3, dtype)
    for call in (
        lambda: fl.mse(odd, x),
        lambda: fl.mse(x, odd),
        lambda: fl.mse(x, x, sample_weight=odd),
        lambda: fl.mse(x, x, out=odd),
        lambda: fl.CategoricalCrossentropy()(np.zeros((1, 3), dtype), np.ones((1, 3)) / 3),
        lambda: fl.mse.activate(odd),
    ):
        with pytest.raises(TypeError, match=r"MeanSquaredError|CategoricalCrossentropy"):
            call()
