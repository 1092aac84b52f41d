"""The cases on the CPU, and what else a whole run measures there."""

from collections.abc import Iterator

import numpy as np

from .case import HALVES, Case
from .losses import ELEMENTWISE, ROWWISE

CPU_SIZES = ((2**10, "float32"), (2**20, "float32"), (2**24, "float32"), (2**23, "float64"))
CPU_SHAPES = ((2**20, 10), (2**17, 100), (16384, 1000), (512, 32000), (128, 128256))
ONE_HOT = ((2**20, 10), (16384, 1000))
AXIS_1 = (16, 21, 256, 256)
UINT8_LABELS = ("mse", "bce_probabilities", "bce_logits")
"""Losses that are measured with uint8 labels too."""
IN_HALVES = ("mse", "bce_logits")
"""Losses that are measured with 16-bit floats too."""

SMALL_LOSSES = ("mse", "bce_probabilities")
SMALL_SIZES = (10, 100, 1000)
"""Small calls: fastloss beside NumPy."""
LATENCY_LOSSES = ("mse", "bce_logits")
LATENCY_SIZES = tuple(4**k for k in range(14))
"""Time per call over sizes."""
THREADED = (
    Case("mse", (2**24,), "float32", "float32"),
    Case("bce_logits", (2**24,), "float32", "float32"),
    Case("softmax_crossentropy", (2**17, 100), "float32", "int64"),
)
"""All threads beside one."""


def cpu_cases(quick: bool = False) -> Iterator[Case]:
    """All cases, or one size of each loss."""
    large = (2**20,) if quick else (2**24,)
    for loss in ELEMENTWISE:
        for size, dtype in ((2**20, "float32"),) if quick else CPU_SIZES:
            yield Case(loss, (size,), dtype, dtype)
        if loss in UINT8_LABELS:
            yield Case(loss, large, "float32", "uint8")
        for half in HALVES if loss in IN_HALVES else ():
            if half != "bfloat16" or "bfloat16" in np.sctypeDict:
                yield Case(loss, large, half, half)
    for loss in ROWWISE:
        for shape in ((16384, 1000),) if quick else CPU_SHAPES:
            yield Case(loss, shape, "float32", "int64")
    for shape in ONE_HOT[:1] if quick else ONE_HOT:
        yield Case("softmax_one_hot", shape, "float32", "float32")
        yield Case("softmax_smoothed", shape, "float32", "int64")
    yield Case("softmax_axis_1", (2, *AXIS_1[1:]) if quick else AXIS_1, "float32", "int64")
