"""The weights of a call: masked elements have weight 0, and the sum that a mean divides by fits the compute dtype."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .arrays import is_number

LARGEST = 1e30
"""Weights whose sum lies between this and its inverse are computed as they are."""


def in_range(total: float) -> bool:
    """Whether a sum of weights and its inverse are far from the ends of float32."""
    return 1 / LARGEST <= total <= LARGEST


def relative(factors: tuple[float, ...]) -> tuple[float, ...]:
    """Class weights as shares of the largest."""
    largest = max(factors)
    return tuple(factor / largest for factor in factors)


def evened(w: Any, total_of: Callable[[Any], float]) -> tuple[Any, float]:
    """Weights of a mean and their sum, total_of(w); where that is not in range, weights in float64 whose sum is 1."""
    total = total_of(w)
    if w is None or in_range(total):
        return w, total
    largest = float(w.max())
    if not 0 < largest < math.inf or w.min() < 0:
        return w, total
    w = np.asarray(w.astype(np.float64) / largest)  # of no dimensions it would become a scalar
    total = total_of(w)
    return (np.asarray(w / total), 1.0) if 0 < total < math.inf else (w, total)


def alike(weight: Any) -> bool:
    """Whether it is one number that weighs all the same: a mean is then that of no weights."""
    return is_number(weight) and 0 < float(weight) < math.inf


def is_masked(array: Any) -> bool:
    """Whether it is an array of numpy.ma."""
    return type(array) is not np.ndarray and isinstance(array, np.ma.MaskedArray)


def hidden(examples: tuple[int, ...], axis: int, y: Any, p: Any, w: Any) -> Any:
    """Which examples have a masked element in any of their arrays; None where none has. axis: that of the classes."""
    found: Any = np.False_
    for array in filter(is_masked, (y, p, w)):
        mask: Any = np.ma.getmaskarray(array)
        if array is w:
            mask = mask.reshape(mask.shape + (1,) * (len(examples) - mask.ndim))
        elif mask.ndim > len(examples):
            mask = mask.any(axis)
        found = np.logical_or(found, mask)
    return np.broadcast_to(found, examples) if found.any() else None


def without(examples: Any, w: Any, dtype: Any) -> Any:
    """The weights, 0 for these examples."""
    return np.where(examples, 0, 1 if w is None else w).astype(dtype if w is None else w.dtype)


def masked_like(z: Any, result: Any, axis: int | None) -> Any:
    """The activation of a masked array: masked where it is; a row of classes as a whole."""
    mask = np.ma.getmaskarray(z)
    rows = mask if axis is None else mask.any(axis, keepdims=True)
    return np.ma.MaskedArray(result, np.broadcast_to(rows, mask.shape).copy())


def repeated(w: Any, examples: tuple[int, ...]) -> int:
    """How many consecutive losses each weight serves, or 0 where that is not the same for all."""
    shape, known = w.shape, len(examples)
    while known and shape[known - 1] == 1:
        known -= 1
    return math.prod(examples[known:]) if shape[:known] == examples[:known] else 0
