"""Every size around what the loops are cut into, against plain NumPy and math.fsum.

Lanes of 16 and 64, blocks of 1024, tiles of 256 rows, segments of 3072 elements, lines of 128 rows, spans of up to 1024
columns, parallel calls from 16,384 elements on, pieces of 65,536 elements for what is strided or of a foreign dtype.
"""

import dataclasses
import math

import numpy as np
import pytest

import fastloss as fl
from tests import plain
from tests.support import JIT, VARIANTS, categorical, name_of, sample

ELEMENTWISE = [loss for loss in VARIANTS if not categorical(loss)]
SMALL = [*range(1031)] if JIT else [*range(19), 63, 64, 65, 129]
LARGE = [2048, 2049, 4097, 16383, 16384, 16385, 32769, 65535, 65536, 65537, 66561, 131071, 131073]
large = pytest.mark.skipif(not JIT, reason="plain Python is too slow for thousands of elements")
by_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=name_of)


def strided(array):
    """The same values, two apart in every dimension."""
    view = np.full(tuple(2 * n for n in array.shape), 7, array.dtype)[(slice(None, None, 2),) * array.ndim]
    view[...] = array
    return view


def foreign(array):
    """The same values in another dtype."""
    if array.dtype.kind in "iu":
        return array.astype(np.int32)
    return array.astype(np.float64 if array.dtype == np.float32 else np.float32)


def data(loss, shape, dtype, soft=False):
    """Labels that float32 has too, so that another dtype loses nothing."""
    y, p = sample(loss, shape, dtype, soft=soft)
    return y.astype(np.float32).astype(dtype) if y.dtype.kind == "f" else y, p


def check(loss, y, p, sizes, ways=("contiguous", "strided", "foreign", "both"), columns=False):
    """What is computed of the first n rows (or columns) is the sum, and the part, of what all give."""
    losses, grads, hesses = plain.points(loss, y, p)
    eps, each = float(np.finfo(p.dtype).eps), abs(losses)
    bounds = [eps * k * (abs(a) + abs(a).max()) for k, a in ((64, losses), (64, grads), (512, hesses))]
    for way in ways:
        target = foreign(y) if way in ("foreign", "both") else y
        target, x = (strided(target), strided(p)) if way in ("strided", "both") else (target, p)
        for n in sizes:
            part = (..., slice(n)) if columns else slice(n)
            yn, pn = target[part], x[part]
            if way in ("contiguous", "foreign"):
                yn, pn = np.ascontiguousarray(yn), np.ascontiguousarray(pn)
            value, grad = loss(yn, pn, reduction="sum")
            where = f"{way}, {n} of {p.shape}"
            error = abs(value - math.fsum(losses[part].ravel().tolist()))
            assert error <= 16 * eps * each[part].sum(), where
            assert loss.loss(yn, pn, reduction="sum") == value, where
            assert (abs(grad - grads[part]) <= bounds[1][part]).all(), where
            if n % 32 < 2 or n > 1030:
                hess = loss.gradient_hessian(yn, pn, reduction="sum").hessian
                assert (abs(hess - hesses[part]) <= bounds[2][part]).all(), where
                alone = loss.loss(yn, pn, reduction="none")
                assert (abs(alone - losses[part]) <= bounds[0][part]).all(), where


@by_dtype
@pytest.mark.parametrize("loss", ELEMENTWISE, ids=name_of)
def test_elements(loss, dtype):
    check(loss, *data(loss, (max(SMALL),), dtype), SMALL)


@large
@by_dtype
@pytest.mark.parametrize("loss", ELEMENTWISE, ids=name_of)
def test_many_elements(loss, dtype):
    check(loss, *data(loss, (max(LARGE),), dtype), LARGE if loss == fl.mse else LARGE[::4])


@by_dtype
@pytest.mark.parametrize("loss", [fl.mse, fl.mae], ids=name_of)
def test_no_element_is_lost(loss, dtype):
    """Whole numbers, whose sums are exact: every bit is right, however small a part of the sum an element is."""
    sizes = SMALL + LARGE * JIT
    p = np.random.default_rng(0).integers(1, 5, max(sizes)).astype(dtype)
    y, w = np.zeros_like(p), 2.0 ** np.random.default_rng(1).integers(0, 3, max(sizes)).astype(dtype)
    each = plain.points(loss, y, p).loss
    for a, b, c in ((y, p, w), (strided(y), strided(p), strided(w)), (foreign(y), p, foreign(w))):
        for n in sizes:
            assert loss.loss(a[:n], b[:n], reduction="sum") == each[:n].sum(), n
            assert loss.loss(a[:n], b[:n], sample_weight=c[:n], reduction="sum") == (each * w)[:n].sum(), n


SHAPES = [(7, 20000), (100, 700), (3, 5, 9001), (70001, 2), (2, 65537), (65537, 3)]


@large
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_pieces_that_begin_and_end_inside_rows(shape):
    """Strided arrays of more than a piece: no part of a row is lost, in reading and in writing."""
    p = np.random.default_rng(0).integers(1, 5, shape).astype(np.float32)
    y = np.zeros_like(p)
    w = 2.0 ** np.random.default_rng(1).integers(0, 3, shape)
    for change in (strided, np.asfortranarray, lambda a: a[::-1].copy()[::-1], lambda a: strided(a).swapaxes(0, -1)):
        a, b, c = change(y), change(p), change(w)
        like = (lambda t: t.swapaxes(0, -1)) if b.shape != shape else (lambda t: t)
        losses, grad = fl.mse(a, b, sample_weight=c, reduction="none", out=(np.zeros_like(b), change(y)))
        np.testing.assert_array_equal(losses, like(p * p * w))
        np.testing.assert_array_equal(grad, like(2 * p * w))
        assert fl.mse.loss(a, b, reduction="sum") == (p * p).sum(dtype=float)


CATEGORICAL = [fl.CategoricalCrossentropy(from_logits=True), fl.CategoricalFocalCrossentropy(from_logits=True),
               fl.CategoricalCrossentropy(), fl.CategoricalFocalCrossentropy()]  # fmt: skip
both_targets = pytest.mark.parametrize("soft", [False, True], ids=["index", "soft"])


def around(classes):
    """Rows around lanes, lines, tiles and segments, around a parallel call, and around a piece of strided rows."""
    cuts = [16, 64, 128, 256, 3072 // classes, 2 * (3072 // classes), 512]
    if JIT:
        cuts += [16384 // classes, 65536 // classes, 65536 // classes // 256 * 256]
    found = {max(0, cut + d) for cut in cuts for d in (-1, 0, 1)} | {0, 1, 2, 3}
    return sorted(n for n in found if JIT or n < 20)


@both_targets
@pytest.mark.parametrize("loss", CATEGORICAL, ids=name_of)
def test_rows(loss, soft):
    sizes = SMALL if JIT and loss == CATEGORICAL[0] else SMALL[::5]
    check(loss, *data(loss, (max(sizes), 3), np.float32, soft), sizes)


@both_targets
@by_dtype
@pytest.mark.parametrize("classes", [2, 10, 17, 64, 65, 100, 256, 257])
def test_rows_of_many_classes(classes, soft, dtype):
    for loss in CATEGORICAL[: 1 + (classes in (10, 65))]:
        sizes = around(classes)
        ways = ("contiguous", "both") if JIT else ("both",)
        check(loss, *data(loss, (max(sizes), classes), dtype, soft), sizes, ways)


@both_targets
@pytest.mark.parametrize("classes", [2, 5, 64, 100, 300])
def test_columns(classes, soft):
    """Classes on another axis: columns around a vector, a line, a tile and a span, in planes that share tiles."""
    span = max(256, min(1024, 65536 // classes))
    sizes = sorted({n + d for n in (16, 128, 256, span) for d in (-1, 0, 1)} | {1, 2 * span + 1} | {700})
    sizes = sizes if JIT else [1, 15, 17]
    for loss in CATEGORICAL[:2]:
        turned = dataclasses.replace(loss, axis=1)
        y, p = data(loss, (3, max(sizes), classes), np.float32, soft)
        y, p = np.moveaxis(y, -1, 1) if soft else y, np.moveaxis(p, -1, 1)
        check(turned, y, p, sizes, ("contiguous", "both") if JIT else ("both",), columns=True)


@large
@both_targets
@pytest.mark.parametrize("shape", [(3, 2500, 10), (2, 5, 100, 70), (300, 300), (700, 300)], ids=str)
def test_pieces_of_rows(shape, soft):
    """Strided rows of more than a piece, whose examples lie in several dimensions."""
    loss = CATEGORICAL[0]
    y, p = data(loss, shape, np.float32, soft)
    want = plain.result(loss, y, p, None, "none")
    for change in (strided, np.asfortranarray):
        losses, grad = loss(change(y), change(p), reduction="none", out=(strided(want.loss), strided(p)))
        plain.close(losses, want.loss, np.float32)
        plain.close(grad, want.gradient, np.float32)


CLASSES = [*range(1, 300), 511, 512, 513, *range(1020, 1045), 2047, 2048, 2049, 4097, 65537]
"""Of a row that is taken by itself, too: lanes of 64, and blocks of 1024 classes."""


@both_targets
@pytest.mark.parametrize("loss", CATEGORICAL, ids=name_of)
def test_every_number_of_classes(loss, soft):
    """Few rows, on both axes; the largest logit and the true class in every lane, and last."""
    sizes = CLASSES if JIT else [*range(1, 20), 63, 64, 65, 257]
    for classes in sizes if loss.from_logits else sizes[::3]:
        y, p = data(loss, (3, classes), np.float32, soft)
        if not soft:
            y[:] = classes - 1, classes // 2, 0
        if loss.from_logits:
            p[1, classes - 1] = p[2, 7 * classes // 8] = 9
        want = plain.points(loss, y, p)
        for one, target, x in ((loss, y, p), (dataclasses.replace(loss, axis=0), y.T if soft else y, p.T.copy())):
            losses, grad = one(target, x, reduction="none")
            error = np.finfo(np.float32).eps * 64 * (abs(want.loss) + abs(want.loss).mean())
            assert (abs(losses - want.loss) <= error).all(), classes
            grad = grad if one is loss else grad.T
            size = abs(want.gradient).max(-1, keepdims=True) * 4
            assert (abs(grad - want.gradient) <= np.finfo(np.float32).eps * 64 * size).all(), classes
