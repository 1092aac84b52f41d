"""Classifiers, each beside scikit-learn's for the same data."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.neural_network import MLPClassifier
from sklearn.svm import LinearSVC

import fastloss as fl

from . import data, plain
from .result import Result
from .timing import compare, timed
from .training import fit_linear, fit_network


def digits_softmax() -> Result:
    """Ten digits by a linear classifier."""
    d = data.digits()
    loss = fl.CategoricalCrossentropy(from_logits=True)
    # LogisticRegression minimises C sum(loss) + |weights|^2 / 2, with C = 1.
    model, seconds = timed(lambda: fit_linear(lambda z: loss(d.y, z, reduction="sum"), d.x, classes=10, l2=1.0))
    theirs, reference = timed(lambda: LogisticRegression(tol=1e-6, max_iter=2000).fit(d.x, d.y))
    return Result(
        loss,
        d,
        "accuracy",
        accuracy_score(d.test_y, model(d.test_x).argmax(axis=1)),
        "LogisticRegression",
        theirs.score(d.test_x, d.test_y),
        compare(loss, plain.categorical_crossentropy, d.y, model(d.x)),
        seconds,
        reference,
    )


def digits_network() -> Result:
    """Ten digits by a network of one hidden layer."""
    d = data.digits()
    loss = fl.CategoricalCrossentropy(from_logits=True)
    model, seconds = timed(
        lambda: fit_network(loss, d.x, d.y, units=64, classes=10, l2=1e-4, epochs=100, batch=64, seed=0)
    )
    theirs, reference = timed(
        lambda: MLPClassifier((64,), alpha=1e-4, batch_size=64, max_iter=1000, random_state=0).fit(d.x, d.y)
    )
    return Result(
        loss,
        d,
        "accuracy",
        accuracy_score(d.test_y, model(d.test_x).argmax(axis=1)),
        "MLPClassifier",
        theirs.score(d.test_x, d.test_y),
        compare(loss, plain.categorical_crossentropy, d.y, model(d.x)),
        seconds,
        reference,
    )


def cancer_logistic() -> Result:
    """Benign or malignant by logistic regression."""
    d = data.breast_cancer()
    loss = fl.BinaryCrossentropy(from_logits=True)
    model, seconds = timed(lambda: fit_linear(lambda z: loss(d.y, z, reduction="sum"), d.x, l2=1.0))
    theirs, reference = timed(lambda: LogisticRegression(tol=1e-6, max_iter=2000).fit(d.x, d.y))
    return Result(
        loss,
        d,
        "ROC AUC",
        roc_auc_score(d.test_y, model(d.test_x)),
        "LogisticRegression",
        roc_auc_score(d.test_y, theirs.decision_function(d.test_x)),
        compare(loss, plain.binary_crossentropy, d.y, model(d.x)),
        seconds,
        reference,
    )


def cancer_hinge() -> Result:
    """Benign or malignant by a margin, softened by tanh; LinearSVC has the same loss without the tanh."""
    d = data.breast_cancer()
    loss = fl.SquaredHinge(from_logits=True)
    y, test_y = 2 * d.y - 1, 2 * d.test_y - 1
    model, seconds = timed(lambda: fit_linear(lambda z: loss(y, z, reduction="sum"), d.x, l2=1.0))
    theirs, reference = timed(lambda: LinearSVC(dual=False).fit(d.x, y))
    return Result(
        loss,
        d,
        "accuracy",
        accuracy_score(test_y, np.sign(model(d.test_x))),
        "LinearSVC",
        theirs.score(d.test_x, test_y),
        compare(loss, plain.squared_hinge_tanh, y, model(d.x)),
        seconds,
        reference,
    )
