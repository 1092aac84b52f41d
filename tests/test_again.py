"""Bad calls after good ones: what a loss remembers of a call is no reason to check the next one less.

A good call comes first, of the same loss, method, reduction and dtypes; the error must then be what a loss that has
computed nothing yet says.
"""

import copy
import dataclasses
import math

import numpy as np
import pytest

import fastloss as fl
from fastloss._math.forms import nothing_outside
from tests import plain
from tests.reference import reference_of
from tests.support import JIT, VARIANTS, categorical, name_of, pairs, sample

MANY = 4000 if JIT else 200
"""Rows side by side, enough for all threads; in plain Python there is one."""

METHODS = ["loss", "loss_gradient", "__call__", "gradient", "gradient_hessian"]
REDUCTIONS = ["mean", "sum", "sum_over_batch_size", "none"]
ELEMENTWISE = [loss for loss in VARIANTS if not categorical(loss)]
CATEGORICAL = [loss for loss in VARIANTS if categorical(loss)]
SIZES = [12, 1100, 20000] if JIT else [12]
"""Less than a block, more, and enough for all threads."""
DTYPES = [np.float32, np.float64]


def fresh(loss):
    """An equal loss that remembers nothing."""
    return copy.deepcopy(loss)


def caller(loss, method, reduction):
    """call(y, p, out=...) of a method; out is the gradient's, whatever else the method writes."""

    def call(y, p, out=None, **options):
        options["reduction"] = options.get("reduction", reduction)
        if out is not None and method == "gradient_hessian":
            out = (out, np.empty(p.shape))
        elif out is not None and reduction == "none" and method in ("loss_gradient", "__call__"):
            losses = p.shape[:-1] if categorical(loss) else p.shape
            out = (np.empty(losses), out)
        elif method == "loss":
            out = None
        return getattr(loss, method)(y, p, out=out, **options)

    return call


def good(loss, method, reduction, y, p):
    """Two calls: the second may already go a short way, with and without a buffer of its own."""
    call = caller(loss, method, reduction)
    call(y.copy(), p.copy())
    call(y.copy(), p.copy(), np.empty_like(p))
    return call


def refuse(loss, method, reduction, y, p, bad):
    """Every bad call raises what a fresh loss raises; bad gives pairs of an error and a function of call."""
    call = good(loss, method, reduction, y, p)
    for error, function in bad:
        messages = []
        for one in (caller(fresh(loss), method, reduction), call):
            with pytest.raises(error) as caught:
                function(one)
            messages.append(str(caught.value))
        assert messages[0] == messages[1]


def bad_arrays(y, p):
    """Shapes, dtypes and options that do not fit: for every loss. Sizes fit, dimensions do not, and the reverse."""
    n, few = len(p), p[:3]
    return [
        (ValueError, lambda call: call(y[:3], p)),
        (ValueError, lambda call: call(y, few)),
        (ValueError, lambda call: call(y, np.concatenate([p, p]))),
        (ValueError, lambda call: call(np.concatenate([y, y]), p)),
        (ValueError, lambda call: call(y[:1], p)),
        (ValueError, lambda call: call(y[:0], p)),
        (ValueError, lambda call: call(y.reshape(2, n // 2, *y.shape[1:], 1), p)),
        (ValueError, lambda call: call(y, p.reshape(2, n // 2, *p.shape[1:], 1))),
        (TypeError, lambda call: call(y.astype(str), p)),
        (TypeError, lambda call: call(y.astype(complex), p)),
        (TypeError, lambda call: call(y, p.astype(np.int64))),
        (TypeError, lambda call: call(y, p.view(f"i{p.itemsize}"))),
        (TypeError, lambda call: call(y, p.astype(object))),
        (ValueError, lambda call: call(y, p, reduction="average")),
        (ValueError, lambda call: call(y, p, sample_weight=np.ones(n + 1))),
        (ValueError, lambda call: call(y, p, sample_weight=np.float32(-1))),
        (TypeError, lambda call: call(y, p, sample_weight="heavy")),
    ]


def bad_outputs(y, p):
    """Buffers that cannot be written, or that lie where an input does."""
    n, width = len(p), p[:1].size
    memory = np.concatenate([p, p])
    locked = np.empty_like(p)
    locked.flags.writeable = False
    inside = memory[n // 2 : n // 2 + n]
    bad = [
        (ValueError, lambda call: call(y, p, np.empty(p.size + 1, p.dtype))),
        (ValueError, lambda call: call(y, p, np.empty((n // 2, 2 * width), p.dtype))),
        (ValueError, lambda call: call(y, p, np.empty((*p.shape, 1), p.dtype))),
        (ValueError, lambda call: call(y, p, np.empty_like(p[:-1]))),
        (ValueError, lambda call: call(y, p, locked)),
        (TypeError, lambda call: call(y, p, np.empty(p.shape, f"i{p.itemsize}"))),
        (TypeError, lambda call: call(y, p, np.empty(p.shape, complex))),
        (TypeError, lambda call: call(y, p, [0.0] * n)),
        (ValueError, lambda call: call(y, memory[:n], inside)),
        (ValueError, lambda call: call(y, inside, memory[:n])),
        (ValueError, lambda call: call(y, inside, memory[n // 2 + n - 1 : n // 2 - 1 : -1])),
        (ValueError, lambda call: call(y, memory[1 : n + 1], memory[:n])),
        (ValueError, lambda call: call(y, memory[:n], memory[1 : n + 1])),
    ]
    if y.shape == p.shape and y.dtype == p.dtype:  # y_true lies in front of out, behind it, and in the same place
        labels = np.concatenate([y, y])
        bad += [
            (ValueError, lambda call: call(labels[:n], p, labels[:n])),
            (ValueError, lambda call: call(p, p, p)),
            (ValueError, lambda call: call(labels[:n], p, labels[n - 1 : 2 * n - 1])),
            (ValueError, lambda call: call(labels[n - 1 : 2 * n - 1], p, labels[:n])),
        ]
    return bad


def bad_values(loss, y, p):
    """A value outside the domain, first, last or in the middle."""
    domain = reference_of(loss).domain
    refused = domain.refused_logits if getattr(loss, "from_logits", False) else domain.refused
    assert refused or loss._maths().outside is nothing_outside, (
        f"{name_of(loss)} refuses values, but the Domain of its Reference in tests/reference.py has none")  # fmt: skip
    for label, prediction in refused:
        for at in (0, len(p) // 2, -1):
            y_bad, p_bad = y.copy(), p.copy()
            y_bad[at], p_bad[at] = label, prediction
            yield ValueError, lambda call, y=y_bad, p=p_bad: call(y, p)
            yield ValueError, lambda call, y=y_bad, p=p_bad: call(y, p, p.copy())


def outputs(method):
    return method != "loss"


@pytest.mark.parametrize(("loss", "method", "reduction"), pairs(ELEMENTWISE, METHODS, REDUCTIONS), ids=name_of)
def test_elements(loss, method, reduction):
    for size in SIZES:
        for dtype in DTYPES:
            y, p = (a.ravel() for a in sample(loss, (size, 1), dtype))
            bad = [*bad_arrays(y, p), *bad_values(loss, y, p)] + bad_outputs(y, p) * outputs(method)
            refuse(fresh(loss), method, reduction, y, p, bad)


@pytest.mark.parametrize("method", ["loss", "__call__", "gradient", "loss_gradient"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_every_dimension_counts(method, reduction):
    """One size, other dimensions; dimensions that differ in one place; more of them."""
    for shape, other in [((12,), (3, 4)), ((3, 4), (4, 3)), ((2, 3, 2), (2, 2, 3)), ((3, 4), (3, 5)), ((3, 4), (2, 4)),
                         ((3, 4), (3, 4, 1)), ((3,), (1000,)), ((1,), ()), ((2, 0), (3, 0))]:  # fmt: skip
        a, b = np.zeros(shape), np.zeros(other)
        bad = [(ValueError, lambda call, a=a, b=b: call(a, b)), (ValueError, lambda call, a=a, b=b: call(b, a))]
        if outputs(method):
            bad += [(ValueError, lambda call, a=a, b=b: call(a, a.copy(), b))]
        refuse(fl.MeanSquaredError(), method, reduction, np.zeros((4, 3)), np.ones((4, 3)), bad)


@pytest.mark.parametrize(("loss", "method", "reduction"), pairs(CATEGORICAL, METHODS, REDUCTIONS), ids=name_of)
@pytest.mark.parametrize("dense", [False, True])
@pytest.mark.parametrize("classes", [3, 70, 300])
def test_rows(loss, method, reduction, dense, classes):
    """In tiles of rows, among shared targets, and row by row."""
    y, p = sample(loss, (40 if JIT else 6, classes), np.float32, soft=dense)
    bad = [(error, call) for error, call in bad_arrays(y, p)] + bad_outputs(y, p) * outputs(method)
    if not dense:
        bad += [(TypeError, lambda call: call(y.astype(bool), p)), (ValueError, lambda call: call(y + 0.5, p))]
        for label, at in ((classes, 0), (-1, len(y) // 2), (2**40, -1)):
            labels = y.copy()
            labels[at] = label
            bad += [(ValueError, lambda call, labels=labels: call(labels, p))]
            bad += [(ValueError, lambda call, labels=labels: call(labels.astype(np.uint64), p))]
    if not loss.from_logits:
        for value, at in ((1.5, (0, 0)), (-0.5, (-1, -1))):
            wrong = p.copy()
            wrong[at] = value
            bad += [(ValueError, lambda call, wrong=wrong: call(y, wrong))]
    refuse(fresh(loss), method, reduction, y, p, bad)


@pytest.mark.parametrize("label", [np.int64, np.int16, np.uint8], ids=name_of)
def test_labels_of_another_size_overlap_too(label):
    """The last byte of the labels in the first of out, and the reverse."""
    n, width = 600, np.dtype(label).itemsize
    memory = np.zeros(8192, np.uint8)
    p, y = np.zeros(n, np.float32), np.ones(n, label)
    before, behind = memory[: n * width].view(label), memory[4 * n - width :][: n * width].view(label)
    bad = [(ValueError, lambda call: call(before, p, memory[n * width - 4 :][: 4 * n].view(np.float32))),
           (ValueError, lambda call: call(behind, p, memory[: 4 * n].view(np.float32)))]  # fmt: skip
    for method in ("__call__", "gradient"):
        refuse(fl.MeanSquaredError(), method, "mean", y, p, bad if width >= 4 else bad[1:])


@pytest.mark.parametrize("loss", [fl.mse, fl.bce, fl.Poisson(from_logits=True)], ids=name_of)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_other_good_calls_are_as_right_as_the_first(loss, reduction):
    """What the short way cannot take after a good call: other strides, dtypes, byte orders, no elements."""
    y, p = sample(loss, (6, 4), np.float32)
    for method in ("__call__", "gradient"):
        call = good(fresh(loss), method, reduction, y, p)
        for a, b in ((y[::2], p[::2]), (y.T, p.T), (y, p.astype(np.float64)), (y.astype(np.float64), p),
                     (y.astype(">f4"), p.astype(">f4")), (y.astype(np.int32), p), (y[:1], p[:1])):  # fmt: skip
            result = call(a, b)
            want = plain.result(loss, a, b, None, reduction)
            plain.close(result if method == "gradient" else result.gradient, want.gradient, np.float32)
            if method != "gradient":
                plain.close(result.loss, want.loss, np.float32)
        for out in (np.empty((6, 8), np.float32)[:, ::2], np.empty((6, 4)), np.empty((4, 6), np.float32).T):
            call(y, p, out)
            plain.close(out, plain.result(loss, y, p, None, reduction).gradient, np.float32)
        assert call(y[:0], p[:0], np.empty((0, 4), np.float32)) is not None


@pytest.mark.parametrize("loss", CATEGORICAL, ids=name_of)
@pytest.mark.parametrize(("axis", "first", "second"), [
    (0, (3, 1), (5, 3)),  # the class axis is also the last one in memory, but not in the second call
    (1, (4, 3), (4, 5, 3)),  # the same number has another place
    (-1, (4, 3), (2, 4, 3)),
    (1, (2, 4, 20), (3, 4, 17)),  # rows side by side
    (1, (2, 4, 20), (2, 5, 16)),
    (1, (2, 4, 20), (2, 4, 5)),  # too few of them for that
    (1, (2, 4, 20), (2, 20, 4)),
    (1, (2, 4, 5), (2, 4, 20)),
    (1, (2, 4, 20), (40, 4)),  # none
    (1, (40, 4), (2, 4, 20)),
    (1, (2, 4, 1), (2, 4, 20)),
    (1, (2, 4, 20), (2, 4, 4, 5)),
    (-2, (2, 4, 20), (2, 3, 4, 20)),
    (1, (2, 3, MANY), (3, 3, MANY + 1)),  # by all threads
], ids=str)  # fmt: skip
@pytest.mark.parametrize("dense", [False, True])
def test_the_class_axis_of_another_shape(loss, axis, first, second, dense):
    loss = dataclasses.replace(loss, axis=axis)
    rng = np.random.default_rng(0)
    for shape in (first, second):
        p = rng.uniform(0.1, 0.9, shape)
        y = p[::-1] / p[::-1].sum(axis, keepdims=True) if dense else p[::-1].argmax(axis)
        value, gradient = loss(y, p)
        want = fresh(loss)(y, p)
        assert value == want.loss
        np.testing.assert_array_equal(gradient, want.gradient)
        assert loss(y, p).loss == want.loss


@pytest.mark.parametrize("loss", CATEGORICAL, ids=name_of)
def test_labels_of_another_shape_with_the_classes_on_axis_1(loss):
    """Behind the labels lie others, which would be valid."""
    loss = dataclasses.replace(loss, axis=1)
    p, labels = np.random.default_rng(0).uniform(0.1, 0.9, (2, 3, 20)), np.ones(64, int)
    bad = [(ValueError, lambda call, shape=shape: call(labels[: math.prod(shape)].reshape(shape), p))
           for shape in ((2, 20, 1), (2, 21), (3, 20), (1, 20), (2, 3), (40,), (20, 2), (2,))]  # fmt: skip
    bad += [(ValueError, lambda call: call(np.ones((2, 20), int), p, np.empty((2, 20, 3))))]
    refuse(loss, "gradient", "mean", np.ones((2, 20), int), p, bad)


@pytest.mark.parametrize("loss", VARIANTS, ids=name_of)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_hessians_on_the_short_way(loss, reduction):
    """The same values as before; and outputs that overlap, cannot be written or have another shape."""
    loss = fresh(loss)
    y, p = sample(loss, (300, 5) if categorical(loss) else (1500,), np.float64)
    want = loss.gradient_hessian(y, p, reduction=reduction)
    first, second = np.empty_like(p), np.empty_like(p)
    got = loss.gradient_hessian(y, p, reduction=reduction, out=(first, second))
    assert got.gradient is first
    assert got.hessian is second
    for a, b, c in zip(want, got, loss.gradient_hessian(y, p, reduction=reduction), strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)
    locked = np.empty_like(p)
    locked.flags.writeable = False
    shared = np.empty(2 * p.size - 1)
    left, right = (shared[k : k + p.size].reshape(p.shape) for k in (0, p.size - 1))
    labels = y if y.dtype == p.dtype else second[:-1]
    for out in ((first, first), (left, right), (first, locked), (locked, second), (first, second[:-1]),
                (first, labels), (first, second.ravel()[::2]), (first,), first):  # fmt: skip
        with pytest.raises(ValueError, match=type(loss).__name__):
            loss.gradient_hessian(y, p, reduction=reduction, out=out)
    bad = p.copy()
    bad[0] = np.nan
    assert np.isnan(loss.gradient_hessian(y, bad, reduction=reduction).hessian[0]).any()
