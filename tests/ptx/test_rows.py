"""Losses of rows of classes: every loss, kind of target, dtype, layout and option."""

import dataclasses

import numpy as np
import pytest

import fastloss as fl
from tests.ptx.cases import BF16, F16, F32, F64, WEIGHTS, losses, name, rows, some, turned, weights
from tests.ptx.compare import check

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
KINDS = [(F32, "__call__"), (BF16, "gradient_hessian"), (F64, "__call__"), (F32, "gradient_hessian"), (F16, "__call__"),
         (F64, "gradient_hessian"), (BF16, "gradient"), (F32, "loss")]  # fmt: skip
TARGETS = ["index", "smoothed", "uint8", "soft"]
LAYOUTS = ["whole", "odd", "axis"]
"""Rows of whole vectors, rows that are not, classes on another axis."""
CLASSES = {True: [4, 8, 16, 64, 256], False: [1, 2, 3, 7, 10, 33, 100, 300]}
"""Whole vectors of 16 bytes or not; a row is shared by one thread, a few or a block."""
COUNTS = {1: 300, 2: 600, 3: 259, 4: 257, 100: 17, 256: 9, 300: 5}
"""How many rows of so many classes: more than a block's."""
USUAL = [loss for loss in losses(True) if getattr(loss, "gamma", 2.0) == 2.0]
GAMMAS = [loss for loss in losses(True) if loss not in USUAL]
KERNELS = some(USUAL, TARGETS, KINDS, LAYOUTS)
KERNELS += [(loss, TARGETS[3 * (n // 2 % 2)], KINDS[2 + n % 2], LAYOUTS[n // 2 % 2]) for n, loss in enumerate(GAMMAS)]
OPTIONS = some(WEIGHTS, ["mean", "sum", "none"], ["", "class weights", "ignored", "both", "epsilon"], [F32, F64])


def options(loss, y, p, n):
    """The n-th choice of options: (loss, y, options of the call)."""
    form, reduction, change, kind = OPTIONS[n % len(OPTIONS)]
    classes, examples = p.shape[loss.axis], np.delete(p.shape, loss.axis)
    rng = np.random.default_rng(n)
    fields = {}
    if change in ("class weights", "both"):
        w = np.round(rng.random(classes) + 0.1, 3)
        w[rng.integers(classes)] *= classes == 1
        fields["alpha" if hasattr(loss, "alpha") else "class_weight"] = tuple(w)
    if change in ("ignored", "both") and y.ndim < p.ndim:
        wanted = -1 if y.dtype.kind == "i" else 100
        fields["ignore_index"], y = wanted, y.copy()
        y[::2] = wanted
    if change == "epsilon" and not loss.from_logits:
        fields["epsilon"] = 1e-3
    w = weights(form, tuple(examples), kind, n)
    found = {"reduction": reduction} | ({} if w is None else {"sample_weight": w})
    return dataclasses.replace(loss, **fields), y, found


@pytest.mark.parametrize(("loss", "target", "kind", "layout"), KERNELS, ids=name)
def test_rows(loss, target, kind, layout, card, request):
    n = request.node.callspec.indices["loss"]
    pred, method = kind
    sizes = CLASSES[layout == "whole"]
    for k in range(2):
        classes = sizes[n % len(sizes)]  # the same kernel twice: most of the time goes into compiling it
        shape = (3, 41, classes) if layout == "axis" else (COUNTS.get(classes, 37), classes)
        changed, y, p = rows(loss, target, shape, pred, n + k)
        if layout == "axis":
            changed, y, p = turned(changed, y, p, k)
        changed, y, given = options(changed, y, p, 2 * n + k)
        at = (0, 0, 0) if k == 0 or layout == "whole" else (y.dtype.itemsize, p.dtype.itemsize, 8)
        check(changed, y, p, method, at, **given)


@pytest.mark.parametrize("pred", [F32, BF16], ids=name)
@pytest.mark.parametrize("loss", [fl.CategoricalCrossentropy(from_logits=True), fl.CategoricalCrossentropy()], ids=name)
def test_long_rows(loss, pred, card):
    loss, y, p = rows(loss, "index", (3, 5000), pred, 5)
    check(loss, y, p, bound=4.0)
    check(loss, y, p, "gradient_hessian", bound=4.0)
