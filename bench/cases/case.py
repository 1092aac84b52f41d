"""One case on the CPU: a loss, a shape, dtypes, and the arrays that belong to them."""

import contextlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

with contextlib.suppress(ImportError):
    import ml_dtypes  # noqa: F401 - gives NumPy its bfloat16

Array = np.ndarray[Any, Any]

HALVES = ("float16", "bfloat16")
"""The 16-bit floats."""


def size_of(shape: Sequence[int]) -> str:
    """A shape as it is printed: 2^20, 2^17x100."""
    return "x".join(
        f"2^{n.bit_length() - 1}" if n.bit_count() == 1 and (len(shape) == 1 or n > 2**16) else str(n) for n in shape
    )


@dataclass(frozen=True)
class Case:
    """One loss on one shape of y_pred, with the dtypes of y_pred and y_true."""

    loss: str
    shape: tuple[int, ...]
    dtype: str
    label: str

    @property
    def size(self) -> str:
        """The shape as it is printed: 2^20, 2^17x100."""
        return size_of(self.shape)

    @property
    def id(self) -> str:
        """The name of the case in pytest, whose -k takes no ^: 2p20 for 2^20."""
        labels = "" if self.label in (self.dtype, "int64") else f"-{self.label}"
        return f"{self.loss}-{self.size.replace('^', 'p')}-{self.dtype}{labels}"

    @property
    def dense(self) -> bool:
        """Whether each element has a label of its own; else there are class indices, one for each row."""
        return self.label != "int64"

    @property
    def bytes(self) -> int:
        """What has to be read and written once; class indices are left out."""
        n, real = math.prod(self.shape), np.dtype(self.dtype).itemsize
        return n * (2 * real + (np.dtype(self.label).itemsize if self.dense else 0))

    @property
    def baseline(self) -> "Case | None":
        """The case in float32 alone that one with uint8 labels or 16-bit floats is compared with."""
        wide = replace(self, dtype="float32", label="float32")
        return wide if self.label == "uint8" or self.dtype in HALVES else None

    def data(self) -> tuple[Array, Array]:
        """y_true and y_pred: the same for every contender and every run."""
        rng = np.random.default_rng(0)
        y, p = _arrays(self, rng)
        return y.astype(self.label, copy=False), p.astype(self.dtype, copy=False)


def _arrays(case: Case, rng: np.random.Generator) -> tuple[Array, Array]:
    """y_true and y_pred in the domain of the loss; 16-bit floats are drawn as float32."""
    T: Any = np.float32 if case.dtype in HALVES else np.dtype(case.dtype).type
    n = case.shape

    def normal() -> Array:
        return rng.standard_normal(n, dtype=T)

    def uniform(low: float, high: float) -> Array:
        return rng.random(n, dtype=T) * T(high - low) + T(low)

    def coin() -> Array:
        return rng.integers(0, 2, n, dtype=np.uint8).astype(T)

    match case.loss:
        case "mse" if case.label == "uint8":
            return rng.integers(0, 256, n, dtype=np.uint8), uniform(0, 255)
        case "mse" | "mae":
            y, p = normal(), normal()
            y[y == p] += 1  # the subgradient of |y - p| at 0 is a matter of taste: sklearn -1, JAX +1, others 0
            return y, p
        case "msle":
            return uniform(0, 10), uniform(0, 10)
        case "poisson_rates":
            return rng.integers(0, 6, n, dtype=np.uint8), uniform(0.1, 6)
        case "poisson_logits":
            return rng.integers(0, 6, n, dtype=np.uint8), normal()
        case "squared_hinge" | "squared_hinge_tanh":
            return 2 * coin() - 1, normal()
        case "bce_probabilities":
            return coin(), uniform(0.01, 0.99)
        case "bce_logits" | "binary_focal_logits":
            return coin(), 3 * normal()
        case "softmax_axis_1":
            return rng.integers(0, n[1], (n[0], *n[2:])), 3 * normal()
        case "softmax_one_hot":
            true = np.zeros(n, T)
            true[np.arange(n[0]), rng.integers(0, n[1], n[0])] = 1
            return true, 3 * normal()
        case _:
            return rng.integers(0, n[1], n[0]), 3 * normal()
