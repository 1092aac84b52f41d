"""Gradient boosting by XGBoost with a custom objective, beside XGBoost's own for the same loss."""

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.metrics import d2_tweedie_score
from xgboost import XGBRegressor

import fastloss as fl

from . import data
from .data import Array, Target

ROUNDS = (0, 1, 10, 100, 300)
"""After which the loss is shown."""
SETTINGS: dict[str, Any] = {"n_estimators": ROUNDS[-1], "max_depth": 3, "learning_rate": 0.05, "max_delta_step": 0.7}


@dataclass(frozen=True)
class Boosting:
    """What a run showed."""

    losses: dict[int, float]
    """Of the examples that are held out, after so many rounds."""
    score: float
    reference_score: float
    seconds: float
    reference_seconds: float
    objective_seconds: float
    """Of these, what gradients and Hessians took."""

    def __str__(self) -> str:
        course = ", ".join(f"{loss:.4f} after {rounds}" for rounds, loss in self.losses.items())
        return (
            f"Boosting of RAND doctor visits by XGBoost, fastloss.Poisson as its objective: loss {course} rounds.\n"
            f"Training {self.seconds:.2f} s, of which gradients and Hessians {self.objective_seconds:.3f} s; "
            f"D2 {self.score:.4f}.\nXGBoost's own count:poisson: {self.reference_seconds:.2f} s; "
            f"D2 {self.reference_score:.4f}."
        )


def visits() -> Boosting:
    """Visits to a doctor by 300 trees."""
    d, loss, spent = data.doctor_visits(), fl.Poisson(from_logits=True), 0.0

    def objective(y: Target, z: Array) -> tuple[Array, Array]:
        nonlocal spent
        start = perf_counter()
        gradient, hessian = loss.gradient_hessian(y, z, reduction="sum")
        spent += perf_counter() - start
        return gradient, hessian

    loss.gradient_hessian(np.zeros(1, np.float32), np.zeros(1, np.float32))  # compiled, or read from disk
    level = float(d.y.mean())
    start = perf_counter()
    model = XGBRegressor(objective=objective, base_score=np.log(level), **SETTINGS).fit(d.x, d.y)
    middle = perf_counter()
    theirs = XGBRegressor(objective="count:poisson", base_score=level, **SETTINGS).fit(d.x, d.y)
    end = perf_counter()

    def logits(rounds: int) -> Array:
        if rounds == 0:
            return np.full(len(d.test_y), np.log(level))
        found: Array = model.predict(d.test_x, output_margin=True, iteration_range=(0, rounds))
        return found

    return Boosting(
        {rounds: loss.loss(d.test_y, logits(rounds)) for rounds in ROUNDS},
        d2_tweedie_score(d.test_y, loss.activate(logits(ROUNDS[-1])), power=1),
        d2_tweedie_score(d.test_y, theirs.predict(d.test_x), power=1),
        middle - start,
        end - middle,
        spent,
    )
