"""Every kind of kernel once, on arrays that end where their elements do: `python -m tests.sanitized [--few]`.

compute-sanitizer sees each access outside an array and each race while this runs.
"""

import sys

import numpy as np

import fastloss as fl
from tests.devices import SIMULATED, libraries
from tests.support import categorical, name_of, sample

LOSSES = [
    fl.MeanSquaredError(),
    fl.BinaryFocalCrossentropy(gamma=3.7, from_logits=True),
    *(
        cls(from_logits=logits, label_smoothing=smoothing)
        for cls in (fl.CategoricalCrossentropy, fl.CategoricalFocalCrossentropy)
        for logits in (True, False)
        for smoothing in (0.0, 0.1)
    ),
    fl.CategoricalCrossentropy(from_logits=True, class_weight=(1, 2, 3), ignore_index=2),
    fl.CategoricalCrossentropy(from_logits=True, axis=0),
]
SHAPES = [(5, 3), (4, 8)] if SIMULATED else [(5, 3), (5, 16), (700, 33), (3, 5000)]
"""Rows of whole vectors or not, shared by a few threads or by a block."""
DTYPES = [np.float32] if SIMULATED else [np.float16, np.float32, np.float64]
FAR = (-1, 2**40, -(2**62))


FEW = (fl.MeanSquaredError(), fl.BinaryCrossentropy(from_logits=True), fl.CategoricalCrossentropy(from_logits=True),
       fl.CategoricalCrossentropy(from_logits=True, class_weight=(1, 2, 3), ignore_index=2))  # fmt: skip


def run(library, few=False):
    """All of it, or a few losses in float32; how many calls there were.

    An AssertionError where a label that is no class does not give NaN.
    """
    calls = 0
    for loss in FEW if few else LOSSES:
        for shape in SHAPES:
            if getattr(loss, "class_weight", None) and shape[-1] != len(loss.class_weight):
                continue
            for dtype in [np.float32] if few else DTYPES:
                for y, p in targets(loss, shape, dtype):
                    w = np.linspace(0, 2, len(y)).astype(dtype)
                    labels, predictions, weights = (library.put(a) for a in (y, p, w))
                    value, grad = loss(labels, predictions, sample_weight=weights)
                    loss.gradient_hessian(labels, predictions, reduction="sum")
                    loss(labels, predictions, reduction="none")
                    loss.gradient(labels, predictions, out=predictions)
                    calls += 4
                    if y.dtype == np.int64:
                        rows = np.isnan(library.get(grad)).all(loss.axis)
                        wrong = (y < 0) | (y >= p.shape[loss.axis])
                        np.testing.assert_array_equal(rows, wrong & (w != 0), err_msg=f"{name_of(loss)} {shape}")
                        assert np.isnan(library.get(value)) == rows.any()
    for z in (np.zeros((5, 3), np.float32), np.zeros((5, 16), np.float32)[:, ::2]):
        fl.CategoricalCrossentropy(from_logits=True).activate(library.put(z))
        fl.mse(library.put(z), library.put(z), out=library.put(np.zeros_like(z, np.float64)))
        calls += 2
    return calls


def targets(loss, shape, dtype):
    """Targets and predictions: class indices, some of which are none, and dense ones."""
    y, p = sample(loss, shape, dtype)
    if not categorical(loss):
        yield y.ravel()[:-1], p.ravel()[:-1]  # does not end with a vector
        yield y, p
        return
    y = y.astype(np.int64)
    y[: len(FAR)] = FAR[: len(y)]
    yield y, p
    if loss.ignore_index is None and loss.axis == -1:
        yield sample(loss, shape, dtype, soft=True)


if __name__ == "__main__":
    print(run(libraries()[0], "--few" in sys.argv), "calls")
