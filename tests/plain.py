"""What a call should give, in plain NumPy: the formulas of the losses, sums by math.fsum. For moderate values.

`tests/reference.py` says what is right to the last digit, at a few points; this is for arrays of any size and layout.
"""

import math
from typing import Any

import numpy as np

from tests.formulas import Points, rows, wide
from tests.reference import reference_of


def elementwise(loss: Any, y: Any, x: Any) -> Points:
    return reference_of(loss).plain(loss, wide(y), x)


def points(loss: Any, y: Any, p: Any) -> Points:
    return (rows if hasattr(loss, "axis") else elementwise)(loss, y, p)


def total(loss: Any, y: Any, p: Any, w: Any, reduction: str, shape: tuple[int, ...]) -> float:
    """What loss and gradient are divided by; shape is that of the losses."""
    if reduction in ("sum", "none"):
        return 1.0
    if reduction == "sum_over_batch_size":
        return float(np.prod(shape))
    counted = np.ones(shape) if w is None else spread(w, shape)
    if hasattr(loss, "axis"):
        given = getattr(loss, "class_weight", None)
        c = np.ones(p.shape[loss.axis]) if given is None else np.asarray(given)
        if np.ndim(y) < p.ndim:
            kept = np.asarray(y) != loss.ignore_index
            counted = np.where(kept, counted * c[np.where(kept, y, 0)], 0)
        elif given is not None:
            counted = counted * np.tensordot(wide(y), c, (loss.axis, 0))
    return math.fsum(counted.ravel().tolist())


def spread(w: Any, shape: tuple[int, ...]) -> Any:
    """A weight for every example: dimensions are matched from the left."""
    w = wide(w)
    return np.broadcast_to(w.reshape(w.shape + (1,) * (len(shape) - w.ndim)), shape)


def result(loss: Any, y: Any, p: Any, w: Any = None, reduction: str = "mean", known: Any = None) -> Points:
    """What a call should give, with all three; known are the points, where they have been computed."""
    losses, grad, hess = points(loss, y, p) if known is None else known
    divisor = total(loss, y, p, w, reduction, losses.shape)
    if w is not None:
        weights = spread(w, losses.shape)
        by_element = np.expand_dims(weights, loss.axis) if hasattr(loss, "axis") else weights
        losses, grad, hess = losses * weights, grad * by_element, hess * by_element
    value = losses if reduction == "none" else math.fsum(losses.ravel().tolist()) / divisor
    return Points(value, grad / divisor, hess / divisor)


def close(got: Any, want: Any, dtype: Any, units: float = 64, size: Any = None) -> None:
    """Equal to some rounding errors of the largest value of a row (of everything, where there are no rows)."""
    got, want = wide(got), wide(want)
    assert got.shape == want.shape
    size = np.max(abs(want), initial=0.0) if size is None else size
    far = ~(abs(got - want) <= units * float(np.finfo(dtype).eps) * np.maximum(abs(want), size))
    if far.any():
        at = tuple(map(int, np.argwhere(far)[0]))
        raise AssertionError(f"{int(far.sum())} of {far.size} differ, first {list(at)}: {got[at]!r}, not {want[at]!r}")
