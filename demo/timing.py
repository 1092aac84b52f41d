"""One fused call against the plain NumPy expression of the same loss and gradient, on the same arrays."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter_ns
from typing import Any, TypeVar

import numpy as np

from fastloss import Loss

from .data import Array, Target

ROUNDS = 500
Found = TypeVar("Found")


def timed(train: Callable[[], Found]) -> tuple[Found, float]:
    """What a function gives, and the seconds that it took."""
    start = perf_counter_ns()
    found = train()
    return found, (perf_counter_ns() - start) / 1e9


@dataclass(frozen=True)
class Timing:
    """Median microseconds of one call of each."""

    fused: float
    plain: float

    def __str__(self) -> str:
        return f"{self.fused:.1f} / {self.plain:.1f} us\n= {self.plain / self.fused:.1f}x"


def compare(loss: Loss, plain: Callable[[Any, Array], tuple[Any, Array]], y: Target, z: Array) -> Timing:
    """Time loss(y, z) against plain(y, z) in turns, after a check that they agree."""
    value, gradient = loss(y, z)
    plain_value, plain_gradient = plain(y, z)
    np.testing.assert_allclose(value, plain_value, rtol=1e-9)
    np.testing.assert_allclose(gradient, plain_gradient, rtol=1e-6, atol=1e-12)
    fused_ns, plain_ns = [], []
    for _ in range(ROUNDS):  # in turns: whatever else slows the machine down meets both
        start = perf_counter_ns()
        loss(y, z)
        middle = perf_counter_ns()
        plain(y, z)
        fused_ns.append(middle - start)
        plain_ns.append(perf_counter_ns() - middle)
    return Timing(median(fused_ns) / 1e3, median(plain_ns) / 1e3)
