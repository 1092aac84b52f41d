"""Real data sets that ship inside scikit-learn and statsmodels, split and standardised once for both sides."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from statsmodels.datasets import grunfeld, randhie

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
Target = NDArray[Any]


@dataclass(frozen=True)
class Split:
    """One data set, divided into a part to train on and a part to score on."""

    name: str
    x: Array
    y: Target
    test_x: Array
    test_y: Target


def split(name: str, x: ArrayLike, y: ArrayLike, *, stratified: bool = False, seed: int = 0) -> Split:
    """A quarter held out, the features standardised by the training part alone."""
    x, y = np.asarray(x, dtype=np.float64), np.ascontiguousarray(y)
    train_x, test_x, train_y, test_y = train_test_split(
        x, y, test_size=0.25, random_state=seed, stratify=y if stratified else None
    )
    scaler = StandardScaler().fit(train_x)
    return Split(name, scaler.transform(train_x), train_y, scaler.transform(test_x), test_y)


def digits() -> Split:
    """Images of handwritten digits, 8 x 8 pixels, in 10 classes."""
    x, y = load_digits(return_X_y=True)
    return split("digits", x, y, stratified=True)


def digits_rare_odd(keep: float, seed: int) -> Split:
    """The digits, with only a fraction of the odd ones kept: ten classes of very unequal size."""
    x, y = load_digits(return_X_y=True)
    rows = (y % 2 == 0) | (np.random.default_rng(seed).random(len(y)) < keep)
    return split("digits, few odd", x[rows], y[rows], stratified=True, seed=seed)


def breast_cancer() -> Split:
    """Measurements of tumours, benign (1) or malignant (0)."""
    x, y = load_breast_cancer(return_X_y=True)
    return split("breast cancer", x, y, stratified=True)


def breast_cancer_rare_malignant(keep: int, seed: int) -> Split:
    """The benign tumours, and a few malignant ones as the class to find (1)."""
    x, benign = load_breast_cancer(return_X_y=True)
    few = np.random.default_rng(seed).choice(np.flatnonzero(benign == 0), keep, replace=False)
    rows = np.concatenate([np.flatnonzero(benign == 1), few])
    return split("few breast cancers", x[rows], 1 - benign[rows], stratified=True, seed=seed)


def diabetes() -> Split:
    """Ten measurements of patients, and how far their disease went within a year."""
    x, y = load_diabetes(return_X_y=True)
    return split("diabetes", x, y)


def doctor_visits() -> Split:
    """The RAND health insurance experiment: how often people of what age, health and insurance saw a doctor."""
    frame = randhie.load_pandas().data
    return split("RAND doctor visits", frame.drop(columns="mdvis"), frame["mdvis"])


def investment() -> Split:
    """What eleven American firms invested each year (0.9 to 1487 million dollars), by their value and capital."""
    frame = grunfeld.load_pandas().data
    x = np.column_stack([np.log(frame["value"]), np.log(frame["capital"]), frame["year"]])
    return split("Grunfeld investment", x, frame["invest"])
