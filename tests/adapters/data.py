"""Real data sets that ship inside scikit-learn and statsmodels."""

import numpy as np
from sklearn import datasets
from statsmodels.datasets import randhie


def visits():
    """The RAND health insurance experiment: 20,190 people, and how often they saw a doctor."""
    frame = randhie.load_pandas().data
    return frame.drop(columns="mdvis").to_numpy(float), frame["mdvis"].to_numpy(float)


def binary():
    x, y = visits()
    return {"breast cancer": datasets.load_breast_cancer(return_X_y=True), "any visit": (x[:5000], (y > 0)[:5000] * 1)}


def classes():
    return {"wine": datasets.load_wine(return_X_y=True), "iris": datasets.load_iris(return_X_y=True)}


def counts():
    x, y = datasets.load_diabetes(return_X_y=True)
    return {"visits": tuple(a[:5000] for a in visits()), "diabetes": (x, np.round(y / 25))}


def numbers():
    x, y = visits()
    return {"diabetes": datasets.load_diabetes(return_X_y=True), "visits": (x[:5000], y[:5000])}
