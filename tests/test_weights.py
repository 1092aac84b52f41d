"""Weights of every shape, at sizes that cross blocks of 1024 elements, tiles of 256 rows and pieces of 65,536."""

import dataclasses
import itertools

import numpy as np
import pytest

import fastloss as fl
from tests import plain
from tests.support import JIT, VARIANTS, categorical, name_of, pairs, sample

ELEMENTWISE = [loss for loss in VARIANTS if not categorical(loss)]
EXACT = fl.MeanSquaredError()
"""Of whole numbers and weights that are powers of two: every bit of its results is known."""


def shapes(examples):
    """Every shape that fits: from the left, each dimension's size or 1; and numbers."""
    found = [()]
    for n in examples:
        found += [(*s, size) for s in found if len(s) == max(map(len, found)) for size in {n, 1}]
    return sorted(set(found), key=lambda s: (len(s), s))


def weights(shape, dtype=np.float64, exact=False):
    """Weights with zeros among them where there are many."""
    rng = np.random.default_rng(3)
    w = 2.0 ** rng.integers(-1, 3, shape) if exact else rng.uniform(0.5, 2, shape)
    return np.where(rng.random(shape) < 0.1, 0, w).astype(dtype) if np.size(w) > 2 else np.asarray(w, dtype)


def layouts(w):
    """In C order; in another; as what is no array."""
    yield w
    if w.ndim > 1:
        yield np.asfortranarray(w)
    if w.ndim and w.size > 1:
        yield np.repeat(w, 2, axis=-1)[..., ::2]
        yield w[::-1].copy()[::-1]
    if w.ndim == 0:
        yield float(w)


MANY = [(4, 700), (3, 20000), (2, 3, 700), (5, 1, 1030), (2, 36, 950), (1025, 3), (65537, 2)] if JIT else [(4, 30)]


@pytest.mark.parametrize("examples", MANY, ids=str)
def test_elements(examples):
    """Every bit: a weight serves the elements that are its own, wherever a block or a piece begins."""
    p = np.random.default_rng(0).integers(1, 5, examples).astype(np.float32)
    y = np.zeros_like(p)
    for shape in shapes(examples):
        w = weights(shape, exact=True)
        full = plain.spread(w, examples)
        for given in layouts(w):
            losses, grad = EXACT(y, p, sample_weight=given, reduction="none")
            np.testing.assert_array_equal(losses, p * p * full, err_msg=str(shape))
            np.testing.assert_array_equal(grad, 2 * p * full, err_msg=str(shape))
            assert EXACT.loss(y, p, sample_weight=given, reduction="sum") == (p * p * full).sum()
        value, (_, hess) = EXACT.loss(y, p, sample_weight=w), EXACT.gradient_hessian(y, p, sample_weight=w)
        assert value == pytest.approx((p * p * full).sum() / full.sum(), rel=1e-14)
        np.testing.assert_allclose(hess, 2 * full / full.sum(), rtol=1e-6)


@pytest.mark.parametrize(("loss", "shape", "reduction", "weight"), pairs(
    ELEMENTWISE, [(4,), (4, 1), (1, 700), (4, 700), (1, 1), ()], ["mean", "sum", "sum_over_batch_size", "none"],
    [np.float32, np.float64, np.float16, np.int64]), ids=name_of)  # fmt: skip
def test_every_loss(loss, shape, reduction, weight):
    examples = (4, 700) if JIT else (4, 30)
    shape = tuple(min(n, examples[-1]) for n in shape)
    for dtype in (np.float32, np.float64):
        y, p = sample(loss, examples, dtype)
        w = weights(shape, weight) + (weight is np.int64)
        want = plain.result(loss, y, p, w, reduction)
        value, grad = loss(y, p, sample_weight=w, reduction=reduction)
        plain.close(value, want.loss, dtype)
        plain.close(grad, want.gradient, dtype)
        plain.close(loss.gradient_hessian(y, p, sample_weight=w, reduction=reduction).hessian, want.hessian, dtype, 512)


KINDS = [fl.CategoricalCrossentropy(from_logits=True), fl.CategoricalFocalCrossentropy(from_logits=True),
         fl.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1), fl.CategoricalCrossentropy(),
         fl.CategoricalFocalCrossentropy(from_logits=True, alpha=2.0, ignore_index=0)]  # fmt: skip
ROWS = [(2, 300), (3, 500), (600, 2), (2, 2, 150), (1, 257)] if JIT else [(2, 20), (2, 3, 7)]
"""Examples whose weights cross tiles of 256 and lines of 128 rows."""
CASES = [*itertools.product(ROWS, [3, 20]), ((2, 30), 260)] if JIT else [*itertools.product(ROWS, [3]), ((2, 2), 260)]


@pytest.mark.parametrize(("examples", "classes"), CASES, ids=str)
@pytest.mark.parametrize("loss", KINDS, ids=["plain", "focal", "smoothed", "probabilities", "ignoring"])
def test_rows(loss, examples, classes):
    """Tiles, shared targets and long rows; and the same on another axis, in strided memory and from one-hot targets."""
    y, p = sample(loss, (*examples, classes), np.float32)
    upright = dataclasses.replace(loss, axis=-2)
    turned = np.ascontiguousarray(np.moveaxis(p, -1, -2))
    dense = np.eye(classes, dtype=np.float32)[y] if loss.ignore_index is None else y
    known = plain.points(loss, y, p)
    for shape in shapes(examples):
        w = weights(shape, np.float32)
        want = plain.result(loss, y, p, w, "mean", known)
        losses = known.loss * plain.spread(w, examples)
        for one, target, x in ((loss, y, p), (loss, dense, p), (loss, y, np.repeat(p, 2, -1)[..., ::2]),
                               (upright, y, turned)):  # fmt: skip
            for given in (w, np.asfortranarray(w)) if one is loss and x is p else (w,):
                value, grad = one(target, x, sample_weight=given)
                plain.close(value, want.loss, np.float32)
                plain.close(grad if one is loss else np.moveaxis(grad, -2, -1), want.gradient, np.float32)
                plain.close(one.loss(target, x, sample_weight=given, reduction="none"), losses, np.float32)
        hess = upright.gradient_hessian(y, turned, sample_weight=w).hessian
        plain.close(np.moveaxis(hess, -2, -1), want.hessian, np.float32, 512)
        plain.close(loss.gradient_hessian(y, p, sample_weight=w).hessian, want.hessian, np.float32, 512)


@pytest.mark.skipif(not JIT, reason="plain Python is too slow for thousands of rows")
@pytest.mark.parametrize("classes", [2, 10])
def test_rows_in_pieces(classes):
    """Strided rows of more than a piece of 65,536 elements, and rows for all threads."""
    loss, examples = KINDS[0], (3, 20000)
    y, p = sample(loss, (*examples, classes), np.float32)
    known = plain.points(loss, y, p)
    for shape in ((3,), (1, 20000), (3, 20000)):
        w = weights(shape, np.float32)
        want = plain.result(loss, y, p, w, "none", known)
        for x in (p, np.repeat(p, 2, -1)[..., ::2]):
            losses, grad = loss(y, x, sample_weight=w, reduction="none")
            plain.close(losses, want.loss, np.float32)
            plain.close(grad, want.gradient, np.float32)


SINGLE = [
    fl.mse, fl.MeanSquaredError(missing="ignore"), fl.BinaryCrossentropy(from_logits=True, ignore_index=-1),
    fl.CategoricalCrossentropy(from_logits=True, class_weight=(1.0, 2.0, 3.0)),
    fl.CategoricalCrossentropy(from_logits=True, class_weight=(1.0, 2.0, 3.0), ignore_index=5),
    fl.CategoricalCrossentropy(from_logits=True, class_weight=(1.0, 2.0, 3.0), label_smoothing=0.1),
    fl.CategoricalFocalCrossentropy(from_logits=True),
]  # fmt: skip
"""Losses whose means look at the weights."""


@pytest.mark.cpu
@pytest.mark.parametrize("loss", SINGLE, ids=str)
@pytest.mark.parametrize("weight", [0.0, 1e-320, 2.0, 1e35])
def test_an_example_of_no_dimensions(loss, weight):
    """What is made of its weight stays an array: the address of NumPy's scalar was read as one."""
    p = np.zeros(3) if hasattr(loss, "axis") else np.array(0.5)
    for y in (np.array(1), np.ma.masked_array(1, mask=False), np.ma.masked_array(1, mask=True)):
        for reduction in ("mean", "sum"):
            got = loss(y, p, weight, reduction=reduction)
            want = loss(y[None], p[None], np.array([weight]), reduction=reduction)
            assert got.loss == pytest.approx(want.loss)
            np.testing.assert_array_equal(got.gradient, want.gradient[0])
            if hasattr(loss, "axis"):
                matrix = loss.gradient_hessian_matrix(y, p, weight, reduction=reduction).hessian
                assert matrix.shape == (3, 3)


@pytest.mark.cpu
def test_a_kernel_takes_arrays_only():
    from fastloss._cpu.call import Call, Operand

    with pytest.raises(TypeError, match=r"a kernel was given .*float64.*, expected an array"):
        Call(weight=Operand(np.float64(1))).pack()


@pytest.mark.cpu
@pytest.mark.parametrize("loss", SINGLE, ids=str)
def test_one_weight_for_all_leaves_a_mean_as_it_is(loss):
    """Bit for bit: 0.375 / (0.375 * n) is not always 1 / n."""
    p = np.linspace(0.1, 0.9, 300).reshape(100, 3)
    y = np.arange(100) % 2 if hasattr(loss, "axis") else np.tile([0, 1], 150).reshape(p.shape)
    weighted, plain = loss(y, p, 0.375, reduction="mean"), loss(y, p, reduction="mean")
    assert weighted.loss == plain.loss
    np.testing.assert_array_equal(weighted.gradient, plain.gradient)
