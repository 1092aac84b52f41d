"""Which arrays a kernel reads: none that the call does not need, and no byte beside it.

An array that a kernel does not need may be of another dtype, or not be there at all.
"""

import itertools

import numpy as np
import pytest

import fastloss as fl
from tests.ptx.card import put
from tests.ptx.cases import ALL, BF16, F32, F64, elements, losses, name, rows, some, turned
from tests.support import categorical

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
ELEMENTS = [loss for loss in losses(False) if getattr(loss, "gamma", 2.0) == 2.0]


LABELS = [F32, np.uint8, np.bool_, BF16, F64]
LABELLED = [(fl.mse, label) for label in LABELS] + [(loss, LABELS[n % 3]) for n, loss in enumerate(ELEMENTS)]


@pytest.mark.parametrize(("loss", "label"), list(itertools.product(ELEMENTS, LABELS)) if ALL else LABELLED, ids=name)
def test_the_sum_of_the_weights_of_elements_reads_no_label(loss, label, card):
    """1000 labels of 4 bytes or fewer, that end where memory does, and a slice that begins 4 bytes into its memory."""
    y, p, _ = elements(loss, (1000,), label, F32, 0)
    w, size = np.linspace(0, 2, 1000, dtype=F32), np.dtype(label).itemsize
    want = loss.loss(y, p, sample_weight=w)
    for offset in (0, size):
        there, card.watch = put(y, offset), []
        got = loss.loss(there, put(p), sample_weight=put(w))
        assert float(got.get()) == pytest.approx(want, rel=1e-5)
        readers = {kernel.name.split("_")[0] for kernel, *_, reads in card.watch if there.room.address in reads}
        assert len(readers) == 1
        assert "totals" not in readers


def needed(kernel, loss, w):
    """The arrays that a kernel of a call may read, by name."""
    if not kernel.startswith("totals_"):
        return {"y", "p"} | ({"w"} if w is not None else set())
    classed = getattr(loss, "class_weight", None) is not None
    label = classed or getattr(loss, "ignore_index", None) is not None
    return ({"w"} if w is not None else set()) | ({"y"} if label else set())


OPTIONS = [fl.CategoricalCrossentropy(from_logits=True), fl.CategoricalCrossentropy(),
            fl.CategoricalCrossentropy(class_weight=(1.0, 0.0, 2.0)), fl.CategoricalCrossentropy(ignore_index=1),
            fl.CategoricalFocalCrossentropy(alpha=(1.0, 0.0, 2.0)), fl.mse, fl.BinaryCrossentropy()]  # fmt: skip


@pytest.mark.parametrize(("loss", "target", "axis", "weighted", "method"), some(OPTIONS,
                         ["index", "smoothed", "uint8", "soft"], [-1, 0], [False, True],
                         ["loss", "__call__", "gradient"]), ids=name)  # fmt: skip
def test_kernels_read_what_they_need(loss, target, axis, weighted, method, card):
    if categorical(loss):
        fields = {f: getattr(loss, f) for f in ("class_weight", "alpha", "ignore_index") if hasattr(loss, f)}
        if target in ("uint8", "soft"):
            fields.pop("ignore_index")
        loss, y, p = rows(type(loss)(from_logits=loss.from_logits, **fields), target, (70, 3), F32, 1)
        loss, y, p = turned(loss, y, p, axis)
    else:
        y, p, _ = elements(loss, (70, 3), np.uint8, F32, 1)
    w = np.linspace(0, 1, 70, dtype=F32) if weighted else None
    there = {"y": put(y), "p": put(p)} | ({"w": put(w)} if weighted else {})
    card.watch = []
    getattr(loss, method)(there["y"], there["p"], sample_weight=there.get("w"))
    for kernel, _, _, _, reads in card.watch:
        found = {k for k, a in there.items() if a.room.address in reads}
        if kernel.name.startswith("final"):
            assert not found, kernel.name
        else:
            assert found <= needed(kernel.name, loss, w), kernel.name


@pytest.mark.parametrize("label", [F32, np.uint8], ids=name)
def test_labels_of_weight_zero_may_be_anything(label, card):
    """They are read where they lie, and nowhere else."""
    y = np.full(4097, np.nan if label == F32 else 77, label)
    p, w = np.full(4097, np.nan, F32), np.zeros(4097, F32)
    value, grad = fl.BinaryCrossentropy()(put(y, y.itemsize), put(p, 4), sample_weight=put(w, 4))
    assert value.get() == 0
    assert not grad.get().any()
