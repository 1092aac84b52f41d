"""`python -m bench.adapters.linear`: fitting beside scikit-learn, cross-entropy without logits, and a metric.

Fits end at coefficients that agree to 1e-6. Peaks of memory are of processes of their own, above the arrays.
"""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import fastloss as fl
from fastloss.linear import LinearObjective, linear_cross_entropy

from .boosting import in_turns
from .criterion import memory

ROWS, FEATURES, CLASSES = 2048, 512, 32000


def fits() -> None:
    """Binary, multinomial and Poisson regression."""
    from scipy.optimize import minimize
    from sklearn.linear_model import LogisticRegression, PoissonRegressor

    rng = np.random.default_rng(0)
    x = rng.normal(size=(200_000, 50))
    z = x @ rng.normal(size=(50, 10)) / 5
    kinds = (z + rng.gumbel(size=z.shape)).argmax(axis=1)
    n = len(x)
    cases = {
        "binary": (fl.BinaryCrossentropy(from_logits=True), (kinds > 4) * 1, 1 / n, LogisticRegression(tol=1e-7)),
        "10 classes": (fl.CategoricalCrossentropy(from_logits=True), kinds, 1 / n,
                       LogisticRegression(tol=1e-7, max_iter=1000)),
        "Poisson": (fl.Poisson(from_logits=True), rng.poisson(np.exp(z[:, 0])), 1e-4,
                    PoissonRegressor(alpha=1e-4, tol=1e-7, max_iter=1000)),
    }  # fmt: skip
    print("| 200,000 x 50 | LinearObjective, L-BFGS | scikit-learn, L-BFGS | largest difference |")
    print("| --- | ---: | ---: | ---: |")
    for name, (loss, y, l2, model) in cases.items():
        objective = LinearObjective(loss, x, y, l2=l2)

        def fit(objective: Any = objective) -> Any:
            settings = {"maxiter": 1000, "gtol": 1e-7, "ftol": 0}
            start = np.zeros(objective.size)
            return minimize(objective.value_and_gradient, start, jac=True, method="L-BFGS-B", options=settings)

        times = in_turns({"ours": fit, "theirs": lambda m=model, y=y: m.fit(x, y)}, 3)
        off = abs(objective.coefficients(fit().x).coef.T - np.reshape(model.coef_, (-1, 50)).squeeze()).max()
        print(f"| {name} | {times['ours']:.2f} s | {times['theirs'] / times['ours']:.2f}x | {off:.1e} |", flush=True)


def contender(name: str) -> Any:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, FEATURES)).astype(np.float32)
    w = (0.02 * rng.normal(size=(FEATURES, CLASSES))).astype(np.float32)
    y = rng.integers(0, CLASSES, ROWS)
    if name == "linear_cross_entropy":
        return lambda: linear_cross_entropy(x, w, None, y)
    if name == "all logits, fastloss":
        cce = fl.CategoricalCrossentropy(from_logits=True)

        def whole() -> Any:
            z = x @ w
            loss, g = cce(y, z, out=z)
            return loss, g @ w.T, x.T @ g

        return whole
    if name == "all logits, NumPy":

        def plain() -> Any:
            z = x @ w
            p = np.exp(z - z.max(axis=1, keepdims=True))
            p /= p.sum(axis=1, keepdims=True)
            loss = -np.log(p[np.arange(ROWS), y]).mean()
            p[np.arange(ROWS), y] -= 1
            p /= ROWS
            return loss, p @ w.T, x.T @ p

        return plain
    import torch

    tx, tw, ty = (
        torch.from_numpy(x).requires_grad_(),
        torch.from_numpy(w.T.copy()).requires_grad_(),
        torch.from_numpy(y),
    )
    F = torch.nn.functional

    def step() -> Any:
        tx.grad = tw.grad = None
        if name == "torch, linear_cross_entropy":
            F.linear_cross_entropy(tx, tw, ty).backward()
        else:
            F.cross_entropy(F.linear(tx, tw), ty).backward()

    return step


NAMES = ("linear_cross_entropy", "all logits, fastloss", "all logits, NumPy", "torch, linear and cross_entropy",
         "torch, linear_cross_entropy")  # fmt: skip


def peak(name: str) -> None:
    """How far the peak of memory lies above the arrays, in multiples of the logits."""
    run = contender(name)
    np.ones((500, 500), np.float32) @ np.ones((500, 500), np.float32)
    fl.CategoricalCrossentropy(from_logits=True)(np.zeros(4, int), np.zeros((4, 40), np.float32))
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = memory()
    run()
    print(f"{1024 * (memory() - before) / (4 * ROWS * CLASSES):.2f}")


def without_logits() -> None:
    times = in_turns({name: contender(name) for name in NAMES}, 5)
    print(f"| {ROWS} x {FEATURES} by {FEATURES} x {CLASSES} | time | memory, in multiples of the logits |")
    print("| --- | ---: | ---: |")
    for name in NAMES:
        code = f"from bench.adapters.linear import peak; peak({name!r})"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        print(f"| {name} | {times[name]:.2f} s | {done.stdout.strip()} |", flush=True)


def metric() -> None:
    from sklearn.metrics import log_loss

    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 2, 10**7), rng.uniform(0.01, 0.99, 10**7)
    times = in_turns({"fl.bce.loss": lambda: fl.bce.loss(y, p), "log_loss": lambda: log_loss(y, p)}, 3)
    print(f"10^7 predictions: fl.bce.loss {1e3 * times['fl.bce.loss']:.3g} ms, sklearn.metrics.log_loss "
          f"{times['log_loss'] / times['fl.bce.loss']:.3g} times as long")  # fmt: skip


if __name__ == "__main__":
    begin = time.perf_counter()
    for part in (metric, fits, without_logits):
        part()
    print(f"{time.perf_counter() - begin:.0f} s")
