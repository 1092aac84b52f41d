"""What is measured: losses, shapes, dtypes, and the data each loss gets."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import fastloss

Array = np.ndarray[Any, Any]

ELEMENTWISE: dict[str, fastloss.Loss] = {
    "mse": fastloss.MeanSquaredError(),
    "mae": fastloss.MeanAbsoluteError(),
    "msle": fastloss.MeanSquaredLogarithmicError(),
    "poisson_rates": fastloss.Poisson(),
    "poisson_logits": fastloss.Poisson(from_logits=True),
    "squared_hinge": fastloss.SquaredHinge(),
    "squared_hinge_tanh": fastloss.SquaredHinge(from_logits=True),
    "bce_probabilities": fastloss.BinaryCrossentropy(),
    "bce_logits": fastloss.BinaryCrossentropy(from_logits=True),
    "binary_focal_logits": fastloss.BinaryFocalCrossentropy(gamma=2.0, from_logits=True),
}
ROWWISE: dict[str, fastloss.Loss] = {
    "softmax_crossentropy": fastloss.CategoricalCrossentropy(from_logits=True),
    "softmax_focal": fastloss.CategoricalFocalCrossentropy(gamma=2.0, from_logits=True),
}
LOSSES = ELEMENTWISE | ROWWISE

SIZES = ((2**10, "float32"), (2**16, "float32"), (2**20, "float32"), (2**24, "float32"), (2**23, "float64"))
SHAPES = ((2**20, 10), (2**17, 100), (16384, 1000), (512, 32000), (128, 128256))


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
        return "x".join(
            f"2^{n.bit_length() - 1}" if n.bit_count() == 1 and (len(self.shape) == 1 or n > 2**16) else str(n)
            for n in self.shape
        )

    @property
    def id(self) -> str:
        """The name of the case in pytest, whose -k takes no ^: 2p20 for 2^20."""
        labels = "" if self.label in (self.dtype, "int64") else f"-{self.label}"
        return f"{self.loss}-{self.size.replace('^', 'p')}-{self.dtype}{labels}"

    @property
    def bytes(self) -> int:
        """What has to be read and written once; class indices, one per row, are left out."""
        n, real = math.prod(self.shape), np.dtype(self.dtype).itemsize
        return n * (2 * real + (np.dtype(self.label).itemsize if self.loss in ELEMENTWISE else 0))

    def data(self) -> tuple[Array, Array]:
        """y_true and y_pred: the same for every contender and every run."""
        rng = np.random.default_rng(0)
        y, p = _data(self, rng)
        return y.astype(self.label, copy=False), p.astype(self.dtype, copy=False)


def _data(case: Case, rng: np.random.Generator) -> tuple[Array, Array]:
    T: Any = np.dtype(case.dtype).type
    n = case.shape

    def normal() -> Array:
        return rng.standard_normal(n, dtype=T)

    def uniform(low: float, high: float) -> Array:
        return rng.random(n, dtype=T) * T(high - low) + T(low)

    def coin() -> Array:
        return rng.integers(0, 2, n, dtype=np.uint8).astype(case.label)

    match case.loss:
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
        case _:
            return rng.integers(0, n[1], n[0]), 3 * normal()


def cases(quick: bool = False) -> Iterator[Case]:
    """All cases, or one size of each loss."""
    for loss in ELEMENTWISE:
        for size, dtype in ((2**20, "float32"),) if quick else SIZES:
            yield Case(loss, (size,), dtype, dtype)
        if loss == "bce_logits" and not quick:
            yield Case(loss, (2**24,), "float32", "uint8")
    for loss in ROWWISE:
        for shape in SHAPES if loss == "softmax_crossentropy" and not quick else ((16384, 1000),):
            yield Case(loss, shape, "float32", "int64")
