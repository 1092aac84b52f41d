"""What holds for every loss: the methods agree, and shapes, strides, dtypes, weights and reductions mean one thing."""

import dataclasses
import itertools
import math
import pickle

import ml_dtypes
import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import fastloss as fl
from tests.devices import SIMULATED
from tests.reference import reference_of
from tests.support import CLASSES, JIT, VARIANTS, categorical, name_of, pairs, sample

REDUCTIONS = ["mean", "sum", "sum_over_batch_size", "none"]
EXAMPLES = 25 if JIT else 5
SHAPE = (3, 11) if SIMULATED else (37, 40)
"""Several blocks, and a last one that is not full."""
every_loss = pytest.mark.parametrize("loss", VARIANTS, ids=name_of)
FEW = [fl.MeanSquaredError(), fl.BinaryCrossentropy(from_logits=True), fl.CategoricalCrossentropy(),
       fl.CategoricalFocalCrossentropy(from_logits=True)]  # fmt: skip
every_way = pytest.mark.parametrize("loss", FEW if SIMULATED else VARIANTS, ids=name_of)
"""For what is the same for all losses that share a loop, where the simulator would take minutes."""
FLOATS = [np.float32] if SIMULATED else [np.float32, np.float64]


def reference_losses(loss, y, p):
    """The per-example losses by the reference."""
    reference = reference_of(loss)
    if categorical(loss):
        p = np.moveaxis(p, loss.axis, -1)
        result = np.empty(p.shape[:-1])
        for i in np.ndindex(result.shape):
            target = (
                [mp.mpf(int(k == y[i])) for k in range(p.shape[-1])]
                if y.ndim < p.ndim
                else [*map(mp.mpf, map(float, y[i]))]
            )
            result[i] = reference.value(loss, target, [mp.mpf(float(x)) for x in p[i]])
        return result
    return np.vectorize(lambda a, b: float(reference.value(loss, mp.mpf(float(a)), mp.mpf(float(b)))))(y, p)


@pytest.mark.cpu
def test_every_loss_has_a_reference():
    for cls in CLASSES:
        reference_of(cls())


@every_loss
def test_against_the_reference(loss):
    with mp.workdps(50):
        for dtype, rtol in ((np.float32, 2e-6), (np.float64, 4e-15)):
            y, p = sample(loss, (6, 4), dtype)
            want = reference_losses(loss, y, p)
            np.testing.assert_allclose(loss.loss(y, p, reduction="none"), want, rtol=rtol)
            assert loss.loss(y, p) == pytest.approx(want.mean(), rel=rtol)


@every_loss
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_the_methods_agree(loss, reduction):
    y, p = sample(loss, (5, 4), np.float32)
    w = np.linspace(0, 2, 5, dtype=np.float32)
    for weight in (None, w):
        options = {"sample_weight": weight, "reduction": reduction}
        both = loss.loss_gradient(y, p, **options)
        assert isinstance(both, fl.LossGradient)
        again = loss(y, p, **options)
        value, grad = loss.loss(y, p, **options), loss.gradient(y, p, **options)
        pair = loss.gradient_hessian(y, p, **options)
        assert isinstance(pair, fl.GradientHessian)
        np.testing.assert_array_equal(both.loss, value)
        np.testing.assert_array_equal(both.loss, again.loss)
        for other in (again.gradient, grad, pair.gradient):
            np.testing.assert_array_equal(both.gradient, other)
        if reduction != "none":
            assert type(value) is float


@every_loss
def test_reductions(loss):
    y, p = sample(loss, (6, 4))
    shape = (6,) if categorical(loss) else (6, 4)
    w = np.random.default_rng(1).random(shape)
    w[2] = 0
    each, grads = loss(y, p, sample_weight=w, reduction="none")
    plain = loss.loss(y, p, reduction="none")
    np.testing.assert_allclose(each, plain * w, rtol=1e-12)
    assert each.shape == shape
    divisors = {"sum": 1.0, "mean": w.sum(), "sum_over_batch_size": w.size}
    for reduction, divisor in divisors.items():
        value, grad = loss(y, p, sample_weight=w, reduction=reduction)
        assert value == pytest.approx(each.sum() / divisor, rel=1e-12)
        np.testing.assert_allclose(grad, grads / divisor, rtol=1e-12)


@every_way
def test_weights_of_every_shape(loss):
    y, p = sample(loss, (6, 2, 4))
    examples = (6, 2) if categorical(loss) else (6, 2, 4)
    rng = np.random.default_rng(2)
    for shape in {(6,), (6, 1), (1, 2), examples, (1,) * len(examples), ()}:
        w = rng.random(shape)
        padded = w.reshape(w.shape + (1,) * (len(examples) - w.ndim))
        full = np.ascontiguousarray(np.broadcast_to(padded, examples))
        got, want = loss(y, p, sample_weight=w), loss(y, p, sample_weight=full)
        assert got.loss == pytest.approx(want.loss, rel=1e-14)
        np.testing.assert_allclose(got.gradient, want.gradient, rtol=1e-14)
    for w in (2, 2.0, np.float32(2), [2.0] * 6, np.full(6, 2), np.full(6, 2, np.float16)):
        got = loss(y, p, sample_weight=w, reduction="sum")
        want = loss(y, p, reduction="sum")
        assert got.loss == pytest.approx(2 * want.loss, rel=1e-14)
        np.testing.assert_allclose(got.gradient, 2 * want.gradient, rtol=1e-14)


@every_loss
def test_nothing_to_average(loss):
    y, p = sample(loss, (5, 4))
    value, grad = loss(y[:0], p[:0])
    assert value == 0.0
    assert grad.shape == (0, 4)
    out = np.full_like(p, 7)
    for reduction in ("mean", "sum"):
        value, grad = loss(y, p, sample_weight=0.0, reduction=reduction, out=out)
        assert value == 0.0
        assert grad is out
        assert not out.any()


@every_loss
def test_zero_weight_hides_any_value(loss):
    y, p = sample(loss, (5, 4))
    bad, label = p.copy(), y.copy()
    bad[2] = np.nan
    label[2] = 99
    w = np.array([1.0, 2.0, 0.0, 1.0, 1.0])
    want = loss(y, p, sample_weight=w)
    got = loss(label, bad, sample_weight=w)
    assert got.loss == want.loss
    np.testing.assert_array_equal(got.gradient, want.gradient)
    assert not got.gradient[2].any()


@every_loss
def test_nan_in_nan_out(loss):
    y, p = sample(loss, (5, 4), np.float32)
    p[3, 1] = np.nan
    value, grad = loss(y, p)
    each, _ = loss(y, p, reduction="none")
    assert math.isnan(value)
    assert np.isnan(each[3]).any()
    assert not np.isnan(np.delete(each, 3, 0)).any()
    assert np.isnan(grad[3]).any()
    assert not np.isnan(np.delete(grad, 3, 0)).any()
    assert np.isnan(loss.gradient_hessian(y, p).hessian[3]).any()


def layouts(array):
    """The same values in other memory: strided, reversed, Fortran order, read-only, a memory map's alignment."""
    spaced = np.zeros(tuple(2 * n for n in array.shape), array.dtype)[tuple(slice(None, None, 2) for _ in array.shape)]
    spaced[...] = array
    flipped = array[::-1].copy()[::-1]
    locked = array.copy()
    locked.flags.writeable = False
    packed = np.zeros(array.shape, np.dtype([("skip", "u1"), ("x", array.dtype)]))["x"]
    packed[...] = array
    return {"spaced": spaced, "flipped": flipped, "fortran": np.asfortranarray(array), "locked": locked,
            "packed": packed, "swapped": array.astype(array.dtype.newbyteorder())}  # fmt: skip


@every_way
@pytest.mark.parametrize("dtype", FLOATS, ids=name_of)
def test_strides_do_not_change_a_bit(loss, dtype):
    y, p = sample(loss, SHAPE, dtype)
    want, hess = loss(y, p), loss.gradient_hessian(y, p).hessian
    for kind, view in layouts(p).items():
        for target in (y, layouts(y)[kind]):
            got = loss(target, view)
            assert got.loss == want.loss, kind
            np.testing.assert_array_equal(got.gradient, want.gradient, err_msg=kind)
            np.testing.assert_array_equal(loss.gradient_hessian(target, view).hessian, hess, err_msg=kind)


@pytest.mark.parametrize("loss", [fl.CategoricalCrossentropy(from_logits=True),
                                  fl.CategoricalFocalCrossentropy(from_logits=True)], ids=name_of)  # fmt: skip
@pytest.mark.cpu
@pytest.mark.parametrize("classes", [3, 20, 100])
def test_one_hot_rows_have_the_bits_of_indices(loss, classes):
    rows = 300
    y, p = sample(loss, (rows, classes), np.float32)
    dense = np.eye(classes, dtype=np.float32)[y]
    same, want = loss.gradient_hessian(dense, p), loss.gradient_hessian(y, p)
    assert loss.loss(dense, p) == loss.loss(y, p)
    np.testing.assert_array_equal(same.gradient, want.gradient)
    soft = [*range(0, 300, 7), *range(256, 300)]  # alone among others, and a run to the end
    dense[soft] = sample(loss, (len(soft), classes), np.float32, soft=True)[0]
    hard = np.setdiff1d(np.arange(rows), soft)
    mixed = loss.gradient_hessian(dense, p)
    np.testing.assert_array_equal(loss.loss(dense, p, reduction="none")[hard], loss.loss(y, p, reduction="none")[hard])
    for got, full, part in zip(mixed, want, loss.gradient_hessian(dense[soft], p[soft]), strict=True):
        np.testing.assert_array_equal(got[hard], full[hard])
        np.testing.assert_allclose(got[soft], part * np.float32(len(soft) / rows), rtol=1e-6)
    out = p.copy()
    assert loss.loss_gradient(dense, out, out=out).loss == loss.loss(dense, p)
    np.testing.assert_array_equal(out, loss.gradient(dense, p))


def shared(classes):
    """Losses whose targets have more than one class."""
    weights = tuple(np.linspace(0.5, 2, classes).tolist())
    yield fl.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    yield fl.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1, class_weight=weights)
    yield fl.CategoricalFocalCrossentropy(from_logits=True, label_smoothing=0.3, gamma=1.5, alpha=weights)


@pytest.mark.cpu
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=name_of)
@pytest.mark.parametrize("classes", [2, 10, 64, 65] if JIT else [2, 17])
def test_no_row_of_shared_targets_knows_of_another(classes, dtype):
    """Many rows at a time, on any axis, in place, and from every method: the bits of one row by itself."""
    count = 300 if JIT else 140
    for loss, soft in itertools.product(shared(classes), (False, True)):
        y, p = sample(loss, (count, classes), dtype, soft=soft)
        p[0], p[3, 0], p[5, 1], p[7, 1] = np.nan, -np.inf, np.nan, np.inf
        w = np.linspace(0, 2, count).astype(dtype)  # the first row has none
        how = {"sample_weight": w, "reduction": "none"}
        losses, grad = loss(y, p, **how)
        assert losses[0] == 0
        assert not grad[0].any()
        np.testing.assert_array_equal(loss.loss(y, p, **how), losses)
        again, hess = loss.gradient_hessian(y, p, **how)
        np.testing.assert_array_equal(again, grad)
        for r in (0, 1, 3, 5, 7, 127, 128, count - 1):
            target, row, one = y[r : r + 1], p[r : r + 1], how | {"sample_weight": w[r : r + 1]}
            alone = (*loss(target, row, **one), loss.gradient_hessian(target, row, **one).hessian)
            for got, want in zip(alone, (losses, grad, hess), strict=True):
                np.testing.assert_array_equal(got, want[r : r + 1])
        upright, x = dataclasses.replace(loss, axis=0), np.ascontiguousarray(p.T)
        turned = upright(np.ascontiguousarray(y.T) if soft else y, x, out=(np.empty(count, dtype), x), **how)
        np.testing.assert_array_equal(turned.loss, losses)
        np.testing.assert_array_equal(x.T, grad)
        double = np.repeat(p, 2, axis=1)[:, ::2]
        np.testing.assert_array_equal(loss.gradient(y, double, **how), grad)
        if np.isfinite(losses).all():
            assert loss.loss(y, p, sample_weight=w, reduction="sum") == pytest.approx(losses.sum(dtype=float), rel=1e-6)


@pytest.mark.cpu
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=name_of)
@pytest.mark.parametrize("loss", [fl.CategoricalCrossentropy(from_logits=True),
                                  fl.CategoricalFocalCrossentropy(from_logits=True)], ids=name_of)  # fmt: skip
def test_soft_targets_are_the_same_among_masked_classes(loss, dtype):
    """Few classes and many go different ways; classes that cannot be change nothing but the way."""
    y, p = sample(loss, (40, 10), dtype, soft=True)
    p[1], p[2, 3], p[3, 4], p[4, 5], p[5, 5:7], p[6] = -np.inf, np.nan, -np.inf, np.inf, np.inf, 0
    p[7, 2], p[8, 2], p[9], y[10], y[11, 1:] = 3e38, -3e38, p[9] * 1e4, 0, 0
    wide_y, wide_p = np.zeros((40, 70), dtype), np.full((40, 70), -np.inf, dtype)
    wide_y[:, :10], wide_p[:, :10] = y, p
    few = (*loss(y, p, reduction="none"), loss.gradient_hessian(y, p, reduction="none").hessian)
    many = (*loss(wide_y, wide_p, reduction="none"), loss.gradient_hessian(wide_y, wide_p, reduction="none").hessian)
    for got, want in zip(few, many, strict=True):
        want = want if want.ndim == 1 else want[:, :10]
        np.testing.assert_allclose(got, want, rtol=20 * np.finfo(dtype).eps, atol=4 * np.finfo(dtype).eps)


HARD = [fl.BinaryCrossentropy(from_logits=True), fl.BinaryCrossentropy(pos_weight=3.0),
        fl.BinaryFocalCrossentropy(alpha=0.3, from_logits=True), fl.BinaryFocalCrossentropy()]  # fmt: skip


@pytest.mark.parametrize("odd", [0.25, np.nan])
@pytest.mark.parametrize("loss", HARD, ids=name_of)
def test_a_soft_label_changes_no_bit_of_others(loss, odd):
    y, p = sample(loss, (3, 11), np.float32)
    p[0, :3] = [0, 1, np.nan]
    mixed = y.copy()
    mixed[2, 10] = odd
    want, got = (loss.gradient_hessian(labels, p, reduction="none") for labels in (y, mixed))
    losses, others = (loss.loss(labels, p, reduction="none") for labels in (y, mixed))
    for a, b in zip((losses, *want), (others, *got), strict=True):
        np.testing.assert_array_equal(a.ravel()[:-1], b.ravel()[:-1])


@every_way
def test_out(loss):
    y, p = sample(loss, SHAPE, np.float32)
    want, each = loss(y, p), loss(y, p, reduction="none")
    hess = loss.gradient_hessian(y, p).hessian
    for dtype, order in ((np.float32, "C"), (np.float32, "F"), (np.float64, "C"), (np.float16, "F")):
        with np.errstate(over="ignore"):
            out, out2 = np.empty(p.shape, dtype, order), np.empty(p.shape, dtype, order)
            got = loss(y, p, out=out)
            assert got.gradient is out
            assert got.loss == want.loss
            np.testing.assert_array_equal(out, want.gradient.astype(dtype))
            assert loss.gradient(y, p, out=out2) is out2
            np.testing.assert_array_equal(out, out2)
            pair = loss.gradient_hessian(y, p, out=(out, out2))
            assert pair.gradient is out
            assert pair.hessian is out2
            np.testing.assert_array_equal(out2, hess.astype(dtype))
    losses, grad = np.empty_like(each.loss), np.empty_like(p)
    got = loss(y, p, reduction="none", out=(losses, grad))
    assert got.loss is losses
    assert got.gradient is grad
    np.testing.assert_array_equal(losses, each.loss)
    assert loss.loss(y, p, reduction="none", out=losses) is losses


@every_way
@pytest.mark.parametrize("dtype", [np.float16, *FLOATS], ids=name_of)
def test_in_place(loss, dtype):
    y, p = sample(loss, SHAPE, dtype)
    want, pair = loss(y, p), loss.gradient_hessian(y, p)
    for change in (lambda a: a.copy(), np.asfortranarray, lambda a: layouts(a)["spaced"]):
        q = change(p)
        got = loss(y, q, out=q)
        assert got.gradient is q
        assert got.loss == want.loss
        np.testing.assert_array_equal(q, want.gradient)
        q, hess = change(p), np.empty_like(p)
        loss.gradient_hessian(y, q, out=(q, hess))
        np.testing.assert_array_equal(q, pair.gradient)
        np.testing.assert_array_equal(hess, pair.hessian)
        q = change(p)
        each = loss.loss(y, p, reduction="none")
        if each.shape == q.shape and each.dtype == q.dtype:
            assert loss.loss(y, q, reduction="none", out=q) is q
            np.testing.assert_array_equal(q, each)


@every_loss
@pytest.mark.parametrize("half", [np.float16, ml_dtypes.bfloat16], ids=name_of)
def test_half_precision(loss, half, place):
    """16-bit inputs give what their float32 values give, and a 16-bit gradient."""
    y, p = sample(loss, (9, 4), np.float32)
    p = p.astype(half)
    if not categorical(loss):
        y = y.astype(half)
    wide = p.astype(np.float32), (y if categorical(loss) else y.astype(np.float32))
    got, want = loss(y, p), loss(wide[1], wide[0])
    on_a_gpu = place is not None  # vectors of 16 bytes hold twice as many: the order of the sum is another
    assert got.loss == pytest.approx(want.loss, rel=1e-6) if on_a_gpu else got.loss == want.loss
    assert got.gradient.dtype == half
    np.testing.assert_array_equal(got.gradient, want.gradient.astype(half))
    assert loss.loss(y, p, reduction="none").dtype == np.float32


LABELS = [np.bool_, np.int8, np.uint8, np.int32, np.int64, np.uint64, np.float16, np.float64]


@pytest.mark.parametrize(("loss", "label", "dtype"), pairs(VARIANTS, LABELS, [np.float32, np.float64]), ids=name_of)
def test_labels_of_every_dtype(loss, label, dtype):
    y, p = sample(loss, (9, 4), dtype)
    if categorical(loss):
        if label in (np.bool_, np.float16, np.float64):
            y = np.eye(4)[y]
    elif reference_of(loss).domain.signs:
        if label in (np.bool_, np.uint8, np.uint64):
            pytest.skip("a hinge label is -1 or 1; this dtype has no -1")
    else:
        y = (y > 0.5) * 1.0
    given = y.astype(label)
    got, want = loss(given, p), loss(y if categorical(loss) and y.ndim == 1 else y.astype(dtype), p)
    assert got.loss == want.loss
    np.testing.assert_array_equal(got.gradient, want.gradient)


@every_way
@settings(max_examples=EXAMPLES, deadline=None)
@given(data=st.data())
def test_any_shape(loss, data):
    """The result for any number of dimensions is that of the flattened arrays."""
    shape = tuple(data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=4)))
    y, p = sample(loss, shape, np.float64, seed=data.draw(st.integers(0, 99)))
    got = loss(y, p)
    flat = (-1, shape[-1]) if categorical(loss) else (-1,)
    want = loss(y.reshape(-1), p.reshape(flat))
    assert got.loss == want.loss
    np.testing.assert_array_equal(got.gradient, want.gradient.reshape(shape))


@every_loss
@pytest.mark.parametrize("dtype", FLOATS, ids=name_of)
def test_activation(loss, dtype):
    _, z = sample(type(loss)(), SHAPE, np.float64)
    z = (np.random.default_rng(3).normal(size=z.shape) * 4).astype(dtype)
    wide = z.astype(np.float64)
    softmax = np.exp(wide) / np.exp(wide).sum(-1, keepdims=True)
    want = {
        "sigmoid": 1 / (1 + np.exp(-wide)),
        "softmax": softmax,
        "tanh": np.tanh(wide),
        "exp": np.exp(wide),
        None: wide,
    }
    got = loss.activate(z)
    assert got.dtype == dtype
    np.testing.assert_allclose(got, want[loss.activation], rtol=8 * np.finfo(dtype).eps, atol=0)
    out = np.empty_like(z)
    assert loss.activate(z, out=out) is out
    np.testing.assert_array_equal(out, got)
    loss.activate(z, out=z)
    np.testing.assert_array_equal(z, got)


@pytest.mark.cpu
@every_loss
def test_objects(loss):
    assert pickle.loads(pickle.dumps(loss)) == loss
    assert hash(loss) == hash(pickle.loads(pickle.dumps(loss)))
    assert {loss: 1}[loss] == 1
    assert loss.task
    assert loss.activation in ("sigmoid", "softmax", "tanh", "exp", None)
    with pytest.raises(AttributeError):
        loss.from_logits = True
