"""Rare classes: focal losses beside the cross-entropies that they modify, both trained with fastloss.

The rare classes leave few examples to score on, so scores are means over many draws of data and split, and what they
differ by is told with its standard error.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, balanced_accuracy_score

import fastloss as fl

from . import data, plain
from .data import Array
from .result import Result
from .timing import Timing, compare, timed
from .training import Linear, fit_linear

DRAWS = 40


@dataclass(frozen=True)
class Comparison:
    """Scores of both losses, draw by draw."""

    title: str
    focal: Array
    plain: Array

    def __str__(self) -> str:
        gain = self.focal - self.plain
        error = gain.std(ddof=1) / np.sqrt(len(gain))
        better, worse = np.count_nonzero(gain > 0), np.count_nonzero(gain < 0)
        verdict = "no difference that these draws show"
        if abs(gain.mean()) > 2 * error:
            verdict = f"the {'focal loss' if gain.mean() > 0 else 'cross-entropy'} is better"
        return (f"{self.title}: {self.focal.mean():.3f} with the focal loss, {self.plain.mean():.3f} with the "
                f"cross-entropy; difference {gain.mean():+.3f} ± {error:.3f} (better in {better} draws of {len(gain)}, "
                f"worse in {worse}): {verdict}.")  # fmt: skip


def _compared(title: str, metric: str, draws: list[data.Split], focal: fl.Loss, crossentropy: fl.Loss,
              score: Callable[[data.Split, Linear], float], numpy: Callable[..., Any],
              classes: int | None = None) -> tuple[Result, Comparison]:  # fmt: skip
    """Train both losses on every draw."""

    def fit(loss: fl.Loss, d: data.Split) -> Linear:
        return fit_linear(lambda z: loss(d.y, z, reduction="sum"), d.x, classes=classes, l2=1.0)

    def train(loss: fl.Loss) -> list[Linear]:
        return [fit(loss, d) for d in draws]

    (ours, seconds), (theirs, reference) = timed(partial(train, focal)), timed(partial(train, crossentropy))
    scores = [np.array([score(d, model) for d, model in zip(draws, models, strict=True)]) for models in (ours, theirs)]
    timing: Timing = compare(focal, numpy, draws[0].y, ours[0](draws[0].x))
    result = Result(focal, draws[0], metric, float(scores[0].mean()), "the cross-entropy", float(scores[1].mean()),
                    timing, seconds, reference)  # fmt: skip
    return result, Comparison(title, *scores)


def cancer_focal() -> tuple[Result, Comparison]:
    """Twenty malignant tumours among 357 benign ones."""
    return _compared(
        "Rare tumours, average precision",
        "average precision",
        [data.breast_cancer_rare_malignant(20, seed) for seed in range(DRAWS)],
        fl.BinaryFocalCrossentropy(gamma=2.0, from_logits=True),
        fl.BinaryCrossentropy(from_logits=True),
        lambda d, model: float(average_precision_score(d.test_y, model(d.test_x))),
        plain.binary_focal,
    )


def digits_focal() -> tuple[Result, Comparison]:
    """Ten digits, with one in twenty of the odd ones kept."""
    return _compared(
        "Rare digits, balanced accuracy",
        "balanced accuracy",
        [data.digits_rare_odd(0.05, seed) for seed in range(DRAWS)],
        fl.CategoricalFocalCrossentropy(gamma=2.0, from_logits=True),
        fl.CategoricalCrossentropy(from_logits=True),
        lambda d, model: float(balanced_accuracy_score(d.test_y, model(d.test_x).argmax(axis=1))),
        plain.categorical_focal,
        classes=10,
    )
