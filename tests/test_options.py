"""Options of the categorical losses in pairs: targets, axes, reductions, weights and methods, against plain NumPy."""

import dataclasses

import numpy as np
import pytest

import fastloss as fl
from tests import plain
from tests.support import JIT, name_of, pairs, sample

CCE, FOCAL = fl.CategoricalCrossentropy, fl.CategoricalFocalCrossentropy
REDUCTIONS = ["mean", "sum", "sum_over_batch_size", "none"]
BY_CLASS = "a number for each class"
OPTIONS = [(CCE, {}), (CCE, {"class_weight": BY_CLASS}), (CCE, {"label_smoothing": 0.2}),
           (CCE, {"class_weight": BY_CLASS, "label_smoothing": 0.2}), (FOCAL, {"gamma": 1.5}),
           (FOCAL, {"alpha": BY_CLASS}), (FOCAL, {"alpha": 0.25, "label_smoothing": 0.2}),
           (FOCAL, {"alpha": BY_CLASS, "gamma": 0.5, "label_smoothing": 0.2})]  # fmt: skip
TARGETS = ["index", "ignoring", "one-hot", "soft", "some soft", "soft, of sums other than 1"]
SHAPES = [(4, 3, 5), (3, 70, 2), (300, 2, 3)] if JIT else [(4, 3, 5), (3, 9, 2)]
"""Any of their axes may be that of the classes."""


def option_id(value):
    if isinstance(value, tuple) and isinstance(value[1], dict):
        return "-".join([value[0].__name__[11:16], *value[1]])
    return name_of(value)


def built(option, classes, **others):
    """The loss of an option, with numbers for so many classes, one of which is 0."""
    cls, given = option
    by_class = np.linspace(0.5, 3, classes)
    by_class[-1] = 0
    return cls(**{k: tuple(by_class) if v == BY_CLASS else v for k, v in given.items()}, **others)


def targets(kind, loss, shape, dtype):
    """(loss, y_true, y_pred): classes on the loss's axis."""
    last = dataclasses.replace(loss, axis=-1)
    there = (*np.delete(shape, loss.axis), shape[loss.axis])
    y, p = sample(last, there, dtype, soft="soft" in kind)
    if kind == "ignoring":
        loss = dataclasses.replace(loss, ignore_index=1)
    elif kind == "one-hot":
        y = np.eye(there[-1], dtype=dtype)[y]
    elif kind == "some soft":
        y[::2] = np.eye(there[-1], dtype=dtype)[y[::2].argmax(-1)]
    elif kind.endswith("1"):
        y = y * np.linspace(0.25, 1, there[0], dtype=dtype).reshape(-1, *(1,) * (len(there) - 1))
    dense = y.ndim == p.ndim
    return loss, np.ascontiguousarray(np.moveaxis(y, -1, loss.axis)) if dense else y, np.moveaxis(p, -1, loss.axis)


def check(loss, y, p, w, reduction, dtype):
    """Every method, in C order and in place, and where nothing lies as the kernels want it."""
    want = plain.result(loss, y, p, w, reduction)
    how = {"sample_weight": w, "reduction": reduction}
    for target, x in ((y, np.ascontiguousarray(p)), (y, np.asfortranarray(p)), (y[::-1].copy()[::-1], p)):
        value, grad = loss(target, x, **how)
        plain.close(value, want.loss, dtype)
        plain.close(grad, want.gradient, dtype)
        np.testing.assert_array_equal(loss.loss(target, x, **how), value)
        np.testing.assert_array_equal(loss.gradient(target, x, **how), grad)
        pair = loss.gradient_hessian(target, x, **how)
        np.testing.assert_array_equal(pair.gradient, grad)
        plain.close(pair.hessian, want.hessian, dtype, 512)
    place = np.array(p)
    assert loss.gradient(y, place, out=place, **how) is place
    plain.close(place, want.gradient, dtype)


@pytest.mark.parametrize("logits", [True, False], ids=["logits", "probabilities"])
@pytest.mark.parametrize(("option", "target", "axis", "reduction", "weighted", "shape"), pairs(
    OPTIONS, TARGETS, [0, 1, 2, -1], REDUCTIONS, [False, True], SHAPES[:2]), ids=option_id)  # fmt: skip
def test_in_pairs(option, target, axis, reduction, weighted, shape, logits):
    """Every two of these options meet."""
    for dtype in (np.float32, np.float64):
        loss, y, p = targets(target, built(option, shape[axis], axis=axis, from_logits=logits), shape, dtype)
        w = np.linspace(0, 2, p.size // p.shape[axis]).reshape(np.delete(p.shape, axis)) if weighted else None
        check(loss, y, p, w, reduction, dtype)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_mean_by_class_weights(target, axis, shape):
    """On every axis the divisor is the sum of the weights of the classes that are there, dense targets or not."""
    for option in (OPTIONS[1], OPTIONS[3], OPTIONS[5]):
        loss, y, p = targets(target, built(option, shape[axis], axis=axis, from_logits=True), shape, np.float32)
        w = np.random.default_rng(0).uniform(0.5, 2, np.delete(p.shape, axis)).astype(np.float32)
        for weight in (None, w, w[:, :1]):
            want = plain.result(loss, y, p, weight)
            value, grad = loss(y, p, sample_weight=weight)
            assert value == pytest.approx(want.loss, rel=2e-6)
            plain.close(grad, want.gradient, np.float32)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_dense_target_weighs_by_its_classes_alone(axis):
    """By hand: two examples of the weights 2 and 0.5, in a mean and in a sum."""
    c, z = np.array([2.0, 0.5, 4.0]), np.zeros((3, 2))
    shape = [1, 1, 1]
    shape[axis], shape[(axis + 1) % 3] = 3, 2
    y, x = np.eye(3)[:, :2], z
    order = (y if axis < (axis + 1) % 3 else y.T).reshape(shape), (x if axis < (axis + 1) % 3 else x.T).reshape(shape)
    loss = CCE(from_logits=True, class_weight=c, axis=axis)
    assert loss.loss(*order) == pytest.approx(np.log(3))
    assert loss.loss(*order, reduction="sum") == pytest.approx(2.5 * np.log(3))
    assert loss.loss(*order, sample_weight=3.0) == pytest.approx(np.log(3))
