"""A weight for each label, and targets that do not count: by label or because they are NaN."""

import dataclasses
import itertools
import re

import numpy as np
import pytest

import fastloss as fl
from tests import formulas
from tests.support import JIT, VARIANTS, categorical, name_of, sample

ELEMENTWISE = [loss for loss in VARIANTS if not categorical(loss)]
BINARY = [loss for loss in ELEMENTWISE if hasattr(loss, "ignore_index")]
REDUCTIONS = ["mean", "sum", "sum_over_batch_size", "none"]
SHAPES = [(7, 3), (1000, 5), (3, 2000), (30000, 3)] if JIT else [(7, 3), (210, 5)]
"""One block, several, rows longer than a block, and more than is staged at once."""


def some(shape):
    """Which targets do not count."""
    return np.random.default_rng(5).random(shape) < 0.3


def equal(got, want):
    for a, b in zip(got, want, strict=True):
        np.testing.assert_array_equal(a, b)


def results(loss, y, p, **options):
    return (*loss(y, p, **options), *loss.gradient_hessian(y, p, **options))


@pytest.mark.parametrize("loss", BINARY, ids=name_of)
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=name_of)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_an_ignored_label_has_weight_0(loss, dtype, shape):
    y, p = sample(loss, shape, dtype)
    left_out = some(shape)
    p[left_out] = np.nan
    weight, ignoring = (~left_out).astype(dtype), dataclasses.replace(loss, ignore_index=-100)
    for reduction, label in itertools.product(REDUCTIONS, (dtype, np.int8)):
        given = np.where(left_out, -100, y).astype(label)
        equal(results(ignoring, given, p, reduction=reduction), results(loss, y, p, sample_weight=weight,
                                                                         reduction=reduction))  # fmt: skip
    bytes_too = np.where(left_out, 255, y).astype(np.uint8)
    equal(dataclasses.replace(loss, ignore_index=255)(bytes_too, p), loss(y, p, sample_weight=weight))


@pytest.mark.parametrize("loss", ELEMENTWISE, ids=name_of)
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_missing_target_has_weight_0(loss, order):
    count = 400 if JIT else 210
    y, p = sample(loss, (count, 5), np.float32)
    left_out = some(y.shape)
    given, p = np.where(left_out, np.nan, y), np.asarray(p, order=order)
    ignoring = dataclasses.replace(loss, missing="ignore")
    w = np.random.default_rng(6).integers(0, 4, (count, 1))
    for reduction, rows in itertools.product(REDUCTIONS, (None, w)):
        weight = (~left_out * (1 if rows is None else rows)).astype(np.float32)
        want = results(loss, y, p, sample_weight=weight, reduction=reduction)
        options = {"reduction": reduction} | ({} if rows is None else {"sample_weight": rows})
        equal(results(ignoring, given, p, **options), want)
    assert np.isnan(loss(given, p).loss), "without the option NaN comes out"


@pytest.mark.parametrize("loss", ELEMENTWISE, ids=name_of)
def test_nothing_counts(loss):
    y, p = sample(loss, (6, 3), np.float32)
    ignoring = dataclasses.replace(loss, missing="ignore")
    for got in results(ignoring, np.full_like(y, np.nan), p):
        np.testing.assert_array_equal(got, np.zeros_like(got))


def test_negative_weights_are_refused_at_targets_that_do_not_count_too():
    p = np.array([0.1, 0.2])
    for loss, y in (
        (fl.BinaryCrossentropy(ignore_index=-1), [0, -1]),
        (fl.MeanSquaredError(missing="ignore"), [0, np.nan]),
    ):
        for weight, place in (([1.0, -1.0], 1), (-1.0, 0)):
            with pytest.raises(
                ValueError, match=rf"sample_weight for element \[{place}\] is -1, expected a weight >= 0"
            ):
                loss(np.array(y), p, sample_weight=weight)
        assert loss(np.array(y), p, sample_weight=[1.0, np.nan]).loss == loss(np.array(y), p).loss


def test_both_at_once_and_weights_far_from_1():
    loss = fl.BinaryCrossentropy(from_logits=True, ignore_index=-1, missing="ignore", pos_weight=(1.0, 2.0, 3.0))
    y, z = np.array([[1.0, -1.0, np.nan], [0.0, 1.0, 1.0]]), np.ones((2, 3))
    kept = np.array([[1, 0, 0], [1, 1, 1]])
    plain = fl.BinaryCrossentropy(from_logits=True, pos_weight=(1.0, 2.0, 3.0))
    for scale in (1.0, 1e-200, 1e200):
        equal(loss(y, z, sample_weight=scale), plain(np.where(kept, y, 0), z, sample_weight=kept * scale))


@pytest.mark.parametrize("loss", [fl.BinaryCrossentropy(), fl.BinaryCrossentropy(from_logits=True)], ids=name_of)
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=name_of)
@pytest.mark.parametrize("shape", [*SHAPES, (5,)], ids=str)
def test_a_weight_of_yes_for_each_label(loss, dtype, shape):
    weights = np.random.default_rng(7).uniform(0.1, 4, shape[-1]).astype(dtype)
    own = dataclasses.replace(loss, pos_weight=weights)
    for soft in (False, True):
        y, p = sample(loss, shape, dtype, soft=soft)
        want = formulas.binary(own, y.astype(np.float64), p)
        losses, grads = own(y, p, reduction="none")
        hess = own.gradient_hessian(y, p, reduction="sum").hessian
        tol = {"rtol": 1e-4, "atol": 1e-6} if dtype is np.float32 else {"rtol": 1e-10, "atol": 1e-14}
        for got, by_formula in zip((losses, grads, hess), want, strict=True):
            np.testing.assert_allclose(got, by_formula, **tol)
        for k in range(min(shape[-1], 4)):  # every label alone has the same bits
            alone = dataclasses.replace(loss, pos_weight=float(weights[k]))
            column = np.ascontiguousarray(y[..., k]), np.ascontiguousarray(p[..., k])
            equal((losses[..., k], grads[..., k]), alone(*column, reduction="none"))
        equal(own(y, np.asfortranarray(p)), own(y, p))
        assert own.loss(y, p) == pytest.approx(want.loss.mean(), rel=1e-5 if dtype is np.float32 else 1e-12)


def test_weights_of_labels_that_do_not_fit():
    for p, shown in ((np.array([0.1, 0.2, 0.3]), "(3,)"), (np.float64(0.5), "()")):
        said = f"BinaryCrossentropy: pos_weight has 2 values, y_pred has shape {shown}; expected one per label"
        with pytest.raises(ValueError, match=re.escape(said)):
            fl.BinaryCrossentropy(pos_weight=[1, 2])(np.zeros_like(p), p)
    assert fl.BinaryCrossentropy(pos_weight={0: 1, 1: 2}) == fl.BinaryCrossentropy(pos_weight=np.array([1, 2]))
    for wrong in ([1, -2], [], "balanced", [1, np.nan], -1):
        with pytest.raises(ValueError, match=r"BinaryCrossentropy: pos_weight is .*, expected"):
            fl.BinaryCrossentropy(pos_weight=wrong)
    with pytest.raises(ValueError, match="MeanSquaredError: missing is 'drop', expected 'ignore' or None"):
        fl.MeanSquaredError(missing="drop")


def test_a_label_that_looks_ignored_names_the_option():
    p = np.array([0.1, 0.2])
    with pytest.raises(
        ValueError, match=r"y_true\[1\] is -100, expected a label in \[0, 1\]; ignore_index=-100 leaves"
    ):
        fl.bce(np.array([0, -100]), p)
    with pytest.raises(ValueError, match=r"y_true\[1\] is 7, expected a label in \[0, 1\] or ignore_index=-100$"):
        fl.BinaryCrossentropy(ignore_index=-100)(np.array([-100, 7]), p)
