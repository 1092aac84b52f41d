"""Elementwise losses: every loss in every dtype, with weights of every shape, at sizes around vectors and tiles."""

import dataclasses
import itertools

import numpy as np
import pytest

import fastloss as fl
from tests.ptx.cases import ALL, BF16, F16, F32, F64, WEIGHTS, elements, losses, name, some, weights
from tests.ptx.compare import RESULTS, check

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
LABELS = [F32, np.uint8, np.int64, np.bool_, BF16, np.int16, F64]
OFFSETS = [(0, 0, 0), (1, 0, 0), (0, 0, 1), (0, 1, 2), (0, 0, 3), (3, 2, 1)]
"""Where y_true, y_pred and weights begin, in elements; beside the weights' every other is aligned."""
SHAPES = [(1,), (7,), (17, 61), (8, 512), (4097,), (3, 1367), (2, 3, 683)]
OPTIONS = some(WEIGHTS, ["mean", "sum", "sum_over_batch_size", "none"], SHAPES, [F32, F64, np.uint8])
CHANGES = [{}, {"label_smoothing": 0.1}, {"alpha": 0.3}, {"pos_weight": 2.5}, {"epsilon": 1e-3}]


def kernels():
    """Loss, label, prediction, method and offsets: each loss with each prediction, the rest in turn."""
    found = []
    for n, (loss, pred) in enumerate(itertools.product(losses(False), (F32, BF16, F64, F16))):
        turn = n + n // 4
        if ALL or getattr(loss, "gamma", 2.0) == 2.0 or turn % 4 == 0:
            choices = [(LABELS, n), (list(RESULTS), turn)]
            labels, methods = (c if ALL else [c[k % len(c)]] for c, k in choices)
            for k, (label, method) in enumerate(itertools.product(labels, methods)):
                found.append((loss, label, pred, method, OFFSETS[(n // 3 + k) % len(OFFSETS)]))
    return found


def changed(loss, n):
    """The loss with another of its hyperparameters, which are no part of a kernel."""
    clips = not getattr(loss, "from_logits", False)
    known = [c for c in CHANGES if all(hasattr(loss, field) and (clips or field != "epsilon") for field in c)]
    return dataclasses.replace(loss, **known[n % len(known)])


@pytest.mark.parametrize(("loss", "label", "pred", "method", "offsets"), kernels(), ids=name)
def test_elements(loss, label, pred, method, offsets, card, request):
    n = request.node.callspec.indices["loss"]
    sizes = (np.dtype(label).itemsize, np.dtype(pred).itemsize)
    *at, shift = (o * size for o, size in zip(offsets, (*sizes, 1), strict=True))
    y, p, special = elements(loss, (4101,), label, pred, n)
    check(loss, y, special, method, (*at, 0), **({} if method == "gradient_hessian" else {"reduction": "none"}))
    for k in range(2):
        form, reduction, shape, kind = OPTIONS[(2 * n + k) % len(OPTIONS)]
        y, p, _ = elements(loss, shape, label, pred, n + k)
        w = weights(form, shape, kind, n)
        check(changed(loss, n + k), y, p, method, (*at, shift * np.dtype(kind).itemsize), reduction=reduction,
              **({} if w is None else {"sample_weight": w}))  # fmt: skip


LEFT_OUT = [fl.BinaryCrossentropy(from_logits=True, pos_weight=(1.0, 2.5, 0.5), ignore_index=-1),
            fl.BinaryFocalCrossentropy(ignore_index=-1), fl.MeanSquaredError(missing="ignore"),
            fl.BinaryCrossentropy(missing="ignore", ignore_index=-1, pos_weight=(1.0, 2.5, 0.5))]  # fmt: skip


@pytest.mark.parametrize("loss", LEFT_OUT, ids=name)
@pytest.mark.parametrize(("label", "pred"), [(F32, F32), (np.int8, BF16), (F64, F64)], ids=name)
def test_targets_that_do_not_count_and_weights_of_labels(loss, label, pred, card):
    if loss.missing and label is np.int8:
        pytest.skip("no integer is NaN")
    for n, (shape, reduction) in enumerate(itertools.product([(5, 3), (1367, 3)], ["mean", "sum", "none"])):
        y, p, _ = elements(loss, shape, label, pred, n)
        left_out = np.random.default_rng(n).random(shape) < 0.3
        y[left_out], p[left_out] = np.nan if loss.missing else -1, np.nan
        w = weights("first", shape, F32, n) if n % 2 else None
        check(loss, y, p, "__call__", (0, 0, 0, 0), reduction=reduction,
              **({} if w is None else {"sample_weight": w}))  # fmt: skip
