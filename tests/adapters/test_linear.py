"""Models fitted by SciPy over LinearObjective, beside those of scikit-learn."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn import datasets
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from sklearn.metrics import log_loss, make_scorer
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import StandardScaler

import fastloss as fl
from fastloss.linear import LinearObjective

from . import data

BCE, CCE = fl.BinaryCrossentropy(from_logits=True), fl.CategoricalCrossentropy(from_logits=True)


def scaled(pair):
    x, y = pair
    return StandardScaler().fit_transform(x), y


CASES = {
    "binary": (BCE, datasets.load_breast_cancer(return_X_y=True),
               lambda n: (LogisticRegression(C=0.5, tol=1e-12, max_iter=10_000), 1 / (0.5 * n))),
    "multinomial": (CCE, datasets.load_wine(return_X_y=True),
                    lambda n: (LogisticRegression(C=0.5, tol=1e-12, max_iter=10_000), 1 / (0.5 * n))),
    "poisson": (fl.Poisson(from_logits=True), data.counts()["visits"],
                lambda n: (PoissonRegressor(alpha=0.1, tol=1e-12, max_iter=10_000), 0.1)),
    "ridge": (fl.mse, datasets.load_diabetes(return_X_y=True), lambda n: (Ridge(alpha=2.0, tol=1e-12), 2 * 2.0 / n)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("method", ["L-BFGS-B", "trust-ncg"])
def test_the_optimum_is_that_of_scikit_learn(name, weighted, method):
    loss, pair, make = CASES[name]
    x, y = scaled(pair)
    w = np.random.default_rng(0).uniform(0.1, 2, len(y)) if weighted else None
    model, l2 = make(len(y) if w is None or name == "poisson" else w.sum())
    model.fit(x, y, sample_weight=w)
    objective = LinearObjective(loss, x, y, w, l2=l2)
    more = {"options": {"maxiter": 10_000, "ftol": 0, "gtol": 1e-10}} if method == "L-BFGS-B" else {
        "hessp": objective.hessian_product, "tol": 1e-9}  # fmt: skip
    found = minimize(objective.value_and_gradient, np.zeros(objective.size), jac=True, method=method, **more)
    coef, intercept = objective.coefficients(found.x)
    np.testing.assert_allclose(coef.T, np.reshape(model.coef_, coef.T.shape), rtol=1e-6, atol=1e-6)
    if name == "multinomial":  # a shift of all intercepts changes nothing
        intercept, model.intercept_ = intercept - intercept.mean(), model.intercept_ - model.intercept_.mean()
    np.testing.assert_allclose(intercept, np.reshape(model.intercept_, np.shape(intercept)), rtol=1e-6, atol=1e-6)


def test_a_loss_is_a_scorer():
    x, y = scaled(datasets.load_breast_cancer(return_X_y=True))
    scorer = make_scorer(fl.bce.loss, greater_is_better=False, response_method="predict_proba")
    own = make_scorer(log_loss, greater_is_better=False, response_method="predict_proba")
    got, want = (cross_val_score(LogisticRegression(), x, y, scoring=s) for s in (scorer, own))
    np.testing.assert_allclose(got, want, rtol=1e-10)
