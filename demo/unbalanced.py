"""Rare classes: focal losses beside the cross-entropies that they modify, both trained with fastloss.

The rare classes leave a few examples to score on, so each score is the mean over several draws of data and split.
"""

from statistics import mean

from sklearn.metrics import average_precision_score, balanced_accuracy_score

import fastloss as fl

from . import data, plain
from .result import Result
from .timing import compare
from .training import Linear, fit_linear

DRAWS = 10


def cancer_focal() -> Result:
    """Twenty malignant tumours among 357 benign ones."""
    draws = [data.breast_cancer_rare_malignant(20, seed) for seed in range(DRAWS)]

    def fit(loss: fl.Loss, d: data.Split) -> Linear:
        return fit_linear(lambda z: loss(d.y, z, reduction="sum"), d.x, l2=1.0)

    def score(loss: fl.Loss) -> float:
        return mean(float(average_precision_score(d.test_y, fit(loss, d)(d.test_x))) for d in draws)

    focal = fl.BinaryFocalCrossentropy(gamma=2.0, from_logits=True)
    return Result(
        focal,
        draws[0],
        "average precision",
        score(focal),
        "the cross-entropy",
        score(fl.BinaryCrossentropy(from_logits=True)),
        compare(focal, plain.binary_focal, draws[0].y, fit(focal, draws[0])(draws[0].x)),
    )


def digits_focal() -> Result:
    """Ten digits, with one in twenty of the odd ones kept."""
    draws = [data.digits_rare_odd(0.05, seed) for seed in range(DRAWS)]

    def fit(loss: fl.Loss, d: data.Split) -> Linear:
        return fit_linear(lambda z: loss(d.y, z, reduction="sum"), d.x, classes=10, l2=1.0)

    def score(loss: fl.Loss) -> float:
        return mean(float(balanced_accuracy_score(d.test_y, fit(loss, d)(d.test_x).argmax(axis=1))) for d in draws)

    focal = fl.CategoricalFocalCrossentropy(gamma=2.0, from_logits=True)
    return Result(
        focal,
        draws[0],
        "balanced accuracy",
        score(focal),
        "the cross-entropy",
        score(fl.CategoricalCrossentropy(from_logits=True)),
        compare(focal, plain.categorical_focal, draws[0].y, fit(focal, draws[0])(draws[0].x)),
    )
