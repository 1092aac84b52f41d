"""Values outside the domain, infinite logits, and what must not be read: NaN where the guide promises it."""

import dataclasses

import numpy as np
import pytest

import fastloss as fl
from tests.ptx.card import put
from tests.ptx.cases import BF16, F16, F32, F64, name, some
from tests.ptx.compare import check, close, same

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
BAD = {
    fl.BinaryCrossentropy(): ([1, 2, 0, 1], [0.5, 0.5, 1.2, 0.5]),
    fl.BinaryFocalCrossentropy(): ([1, 2, 0, 1], [0.5, 0.5, 1.2, 0.5]),
    fl.BinaryCrossentropy(from_logits=True): ([1, 2, -1, 1], [0.5, 0.5, 1.2, 0.5]),
    fl.MeanSquaredLogarithmicError(): ([1, -2, 3, 1], [0.5, 0.5, -1, 0.5]),
    fl.Poisson(): ([1, -1, 3, 1], [0.5, 0.5, -1, 0.5]),
    fl.SquaredHinge(): ([1, 0, 2, -1], [0.5, 0.5, -1, 0.5]),
}


@pytest.mark.parametrize("loss", BAD, ids=name)
def test_elements_outside_the_domain(loss, card):
    y, p = (put(np.array(a, F32)) for a in BAD[loss])
    losses, grad = loss(y, p, reduction="none")
    for part in (losses, grad, loss.gradient_hessian(y, p).hessian):
        same(loss, np.isnan(part.get()), [False, True, True, False])
    assert np.isnan(loss.loss(y, p).get())


Z = np.random.default_rng(0).random((5, 3), F32)
FAR = {np.int8: [-1, 3, 127], np.uint8: [255, 3, 128], np.int16: [-1, 3, 2**15 - 1], np.uint16: [2**16 - 1, 3, 5],
       np.int32: [-1, 3, 2**31 - 1], np.uint32: [2**32 - 1, 3, 2**31], np.int64: [-1, 3, 2**40],
       np.uint64: [2**64 - 1, 3, 2**63]}  # fmt: skip


@pytest.mark.parametrize(("kind", "logits", "smoothing", "weights"),
                         some(list(FAR), [True, False], [0.0, 0.1], [None, (1, 2, 3)]), ids=name)  # fmt: skip
def test_labels_that_are_no_class(kind, logits, smoothing, weights, card):
    loss = fl.CategoricalCrossentropy(from_logits=logits, class_weight=weights, label_smoothing=smoothing)
    y = put(np.array([1, *FAR[kind], 2], kind))
    losses, grad = loss(y, put(Z), reduction="none")
    same("losses", np.isnan(losses.get()), [False, True, True, True, False])
    same("gradient", np.isnan(grad.get()).all(1), [False, True, True, True, False])
    same("the others", np.isfinite(grad.get()[[0, 4]]), np.ones((2, 3), bool))
    loss(y, put(Z))  # the sum of the weights reads no class weight that is not there
    good = np.array([1, 0, 2, 0, 2], kind)
    close("gradient", loss.gradient(put(good), put(Z)).get(), loss.gradient(good, Z), 16.0)


def test_uint64_labels_from_2_63_are_not_ignored(card):
    loss = fl.CategoricalCrossentropy(from_logits=True, ignore_index=2**63 - 1)
    losses, _ = loss(put(np.array([1, 2**63, 2**64 - 1, 0, 2], np.uint64)), put(Z), reduction="none")
    same("losses", np.isnan(losses.get()), [False, True, True, False, False])


@pytest.mark.parametrize("logits", [True, False], ids=["logits", "probabilities"])
def test_negative_weights(logits, card):
    w = np.array([1, -1, 1, 1, 1], F32)
    for y in (np.zeros(5, np.int64), np.full((5, 3), 1 / 3, F32)):
        loss = fl.CategoricalCrossentropy(from_logits=logits)
        losses, grad = loss(put(y), put(Z), reduction="none", sample_weight=put(w))
        same("losses", np.isnan(losses.get()), w < 0)
        same("gradient", np.isnan(grad.get()).all(1), w < 0)
    losses, grad = fl.mse(put(Z[:, 0].copy()), put(Z[:, 1].copy()), reduction="none", sample_weight=put(w))
    same("elements", np.isnan(losses.get()) & np.isnan(grad.get()), w < 0)


def test_probabilities_outside_0_and_1(card):
    p = np.array([[0.2, 0.8], [1.2, -0.2], [np.nan, 1], [0, 1]], F32)
    losses, grad = fl.CategoricalCrossentropy()(put(np.array([0, 0, 1, 1])), put(p), reduction="none")
    same("losses", np.isnan(losses.get()), [False, True, True, False])
    same("gradient", np.isnan(grad.get()), [[False, False], [True, True], [True, False], [False, False]])


@pytest.mark.parametrize("logits", [True, False], ids=["logits", "probabilities"])
def test_nothing_to_average(logits, card):
    p = np.full((4, 3), np.nan, F32)
    loss = fl.CategoricalCrossentropy(from_logits=logits, class_weight=(0, 1, 1))
    found = [loss(put(y), put(p)) for y in (np.zeros(4, np.int64), np.zeros((4, 3), F32))]
    found += [fl.mse(put(p), put(p), sample_weight=put(w)) for w in (np.zeros(4, F32), np.zeros((4, 1), F32))]
    for value, grad in found:
        same("loss", value.get(), 0.0)
        same("gradient", grad.get(), np.zeros((4, 3), F32))
    same("empty", fl.mse(put(np.empty((0, 3), F32)), put(np.empty((0, 3), F32))).loss.get(), 0.0)


INF, NAN = np.inf, np.nan
LOGITS = np.array([[INF, 0, 1], [-INF, 0, 1], [-INF, -INF, 2], [-INF] * 3, [INF, INF, 0], [NAN, 0, 1], [INF, NAN, 0],
                   [100, -100, 0], [3e38, -3e38, 0], [1e-40, 0, 0], [300, 299, -300], [-3e38] * 3,
                   [700, -700, 0]])  # fmt: skip
WIDE = np.concatenate([LOGITS, np.full((len(LOGITS), 9), -INF), np.zeros((len(LOGITS), 4))], 1)
LOSSES = [fl.CategoricalCrossentropy(from_logits=True), fl.CategoricalFocalCrossentropy(from_logits=True)]


CASES = some(LOSSES, [0.0, 0.1], ["__call__", "gradient_hessian"], [F32, F64, BF16, F16], [False, True])


@pytest.mark.parametrize(("loss", "smoothing", "method", "pred", "wide"), CASES, ids=name)
def test_infinite_logits(loss, smoothing, method, pred, wide, card):
    loss = dataclasses.replace(loss, label_smoothing=smoothing)
    p = ((WIDE if wide else LOGITS) / (3 if smoothing else 1)).astype(pred)  # the device adds 3e38 and 3e38 there: inf
    for true in range(3):
        check(loss, np.full(len(p), true), p, method, reduction="none")
