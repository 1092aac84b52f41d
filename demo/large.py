"""One large array: the cross-entropy of sixteen million predictions."""

from dataclasses import dataclass
from statistics import median
from time import perf_counter

import numpy as np
from sklearn.metrics import log_loss

import fastloss as fl

from . import plain

SIZE = 2**24
ROUNDS = 5


@dataclass(frozen=True)
class Large:
    """Seconds of one call by each."""

    metric: float
    sklearn_metric: float
    gradient: float
    numpy_gradient: float

    def __str__(self) -> str:
        return (
            f"One large array, {SIZE:,} predictions in float32, labels of one byte:\n"
            f"cross-entropy of probabilities: fastloss {1e3 * self.metric:.1f} ms, "
            f"sklearn.metrics.log_loss {self.sklearn_metric:.2f} s = {self.sklearn_metric / self.metric:.0f}x\n"
            f"loss and gradient from logits: fastloss {1e3 * self.gradient:.1f} ms, "
            f"NumPy {1e3 * self.numpy_gradient:.0f} ms = {self.numpy_gradient / self.gradient:.0f}x"
        )


def predictions() -> Large:
    """The metric that scikit-learn has, and a step of training."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=SIZE).astype(np.float32)
    y = (rng.random(SIZE, np.float32) < 0.5).astype(np.uint8)
    from_logits, gradient = fl.BinaryCrossentropy(from_logits=True), np.empty_like(z)
    p = from_logits.activate(z)
    np.testing.assert_allclose(fl.bce.loss(y, p), log_loss(y, p), rtol=1e-5)
    times: dict[str, list[float]] = {name: [] for name in ("metric", "gradient", "numpy")}
    for _ in range(ROUNDS):  # in turns: whatever else slows the machine down meets all
        for name, call in (
            ("metric", lambda: fl.bce.loss(y, p)),
            ("gradient", lambda: from_logits(y, z, out=gradient)),
            ("numpy", lambda: plain.binary_crossentropy(y, z)),
        ):
            start = perf_counter()
            call()
            times[name].append(perf_counter() - start)
    start = perf_counter()
    log_loss(y, p)
    slow = perf_counter() - start
    return Large(median(times["metric"]), slow, median(times["gradient"]), median(times["numpy"]))
