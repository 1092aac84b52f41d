"""Objectives and metrics inside XGBoost, LightGBM and CatBoost, beside the libraries' own."""

import pickle

import catboost
import numpy as np
import pytest
import xgboost
from sklearn.base import clone

import fastloss as fl
from fastloss.boosting import (
    catboost_metric,
    catboost_objective,
    init_score,
    lightgbm_metric,
    lightgbm_objective,
    xgboost_metric,
    xgboost_objective,
)

from . import data
from .libraries import lightgbm, needs_lightgbm

BCE, CCE = fl.BinaryCrossentropy(from_logits=True), fl.CategoricalCrossentropy(from_logits=True)
POISSON = fl.Poisson(from_logits=True)
ROUNDS = 30
OWN = {
    "binary": (BCE, data.binary, "binary:logistic", "binary", "Logloss"),
    "classes": (CCE, data.classes, "multi:softprob", "multiclass", "MultiClass"),
    "poisson": (POISSON, data.counts, "count:poisson", "poisson", "Poisson"),
    "squares": (fl.mse, data.numbers, "reg:squarederror", "regression", "RMSE"),
    "absolute": (fl.mae, data.numbers, "reg:absoluteerror", "regression_l1", "MAE"),
}
"""A loss, its data, and the names of the libraries' own objectives for it."""
CASES = [(kind, name) for kind, (_, load, *_) in OWN.items() for name in load()]
every_case = pytest.mark.parametrize(("kind", "name"), CASES)
weighted = pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])


def case(kind, name, weighted):
    loss, load, *names = OWN[kind]
    x, y = load()[name]
    w = np.random.default_rng(0).uniform(0.1, 2, len(y)).astype(np.float32) if weighted else None
    return loss, x, y, w, init_score(loss, y, w), names


def start_of(score, n):
    return np.tile(score, (n, 1)) if np.ndim(score) else np.full(n, score)


def splits(booster):
    frame = booster.trees_to_dataframe()
    return frame[[c for c in ("Feature", "Split", "split_feature", "threshold") if c in frame]].dropna().values.tolist()


@every_case
@weighted
def test_xgboost_grows_the_same_trees(kind, name, weighted):
    loss, x, y, w, score, (objective, *_) = case(kind, name, weighted)
    matrix = xgboost.DMatrix(x, y, weight=w, base_margin=start_of(score, len(y)))
    settings = {"max_depth": 4, **({"num_class": len(score)} if kind == "classes" else {})}
    step = {"max_delta_step": 0.7} if kind == "poisson" else {}
    rounds = 1 if kind == "absolute" else ROUNDS  # it sets the leaves to medians afterwards
    ours = xgboost.train(settings | step, matrix, rounds, obj=xgboost_objective(loss))
    theirs = xgboost.train(settings | {"objective": objective}, matrix, rounds)
    if kind == "absolute":
        assert splits(ours) == splits(theirs)
    else:
        got, want = (m.predict(matrix, output_margin=True) for m in (ours, theirs))
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


@needs_lightgbm
@every_case
@weighted
def test_lightgbm_grows_the_same_trees(kind, name, weighted):
    loss, x, y, w, score, (_, objective, _) = case(kind, name, weighted)
    settings = {"verbosity": -1, "deterministic": True, **({"num_class": len(score)} if kind == "classes" else {})}
    rounds = 1 if kind == "absolute" else ROUNDS  # it sets the leaves to medians afterwards
    start = start_of(score, len(y))

    def train(objective):
        table = lightgbm.Dataset(x, y, weight=w, init_score=start, params={"verbosity": -1})
        return lightgbm.train(settings | {"objective": objective}, table, rounds)

    ours, theirs = train(lightgbm_objective(loss)), train(objective)
    if kind == "absolute":
        assert splits(ours) == splits(theirs)
    else:
        got, want = (m.predict(x, raw_score=True) for m in (ours, theirs))
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


@every_case
@weighted
def test_catboost_grows_the_same_trees(kind, name, weighted):
    loss, x, y, w, score, (*_, objective) = case(kind, name, weighted)
    settings = {"iterations": ROUNDS, "verbose": False, "leaf_estimation_iterations": 1, "boost_from_average": False,
                "leaf_estimation_method": "Gradient" if kind == "absolute" else "Newton", "learning_rate": 0.1,
                "bootstrap_type": "No", "allow_writing_files": False}  # fmt: skip
    more = {"classes_count": len(score)} if kind == "classes" else {}
    pool = catboost.Pool(x, y, weight=w, baseline=start_of(score, len(y)))
    own = {"loss_function": catboost_objective(loss), "eval_metric": catboost_metric(loss), **more}
    ours = catboost.CatBoost(settings | own).fit(pool)
    theirs = catboost.CatBoost(settings | {"loss_function": objective}).fit(pool)
    got, want = (m.predict(x, prediction_type="RawFormulaVal") for m in (ours, theirs))
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


MODELS = {
    "xgboost": lambda loss, **more: xgboost.XGBModel(
        objective=xgboost_objective(loss), eval_metric=xgboost_metric(loss), early_stopping_rounds=5, **more
    ),
    "lightgbm": lambda loss, **more: lightgbm.LGBMModel(objective=lightgbm_objective(loss), verbosity=-1, **more),
    "catboost": lambda loss, **more: catboost.CatBoost(
        {"loss_function": catboost_objective(loss), "eval_metric": catboost_metric(loss), "verbose": False,
         "allow_writing_files": False, "leaf_estimation_method": "Newton", "early_stopping_rounds": 5}
    ),
}  # fmt: skip


every_library = pytest.mark.parametrize(
    "library", [pytest.param(name, marks=needs_lightgbm if name == "lightgbm" else ()) for name in MODELS]
)


def fitted(library, loss, x, y, w=None):
    model, halves = MODELS[library](loss), (slice(None, None, 2), slice(1, None, 2))
    (a, b), v = halves, None if w is None else w[::2]
    if library == "catboost":
        return model.fit(catboost.Pool(x[a], y[a], weight=v), eval_set=(x[b], y[b]))
    if library == "xgboost":
        return model.fit(x[a], y[a], sample_weight=v, eval_set=[(x[b], y[b])], verbose=False)
    return model.fit(x[a], y[a], sample_weight=v, eval_X=x[b], eval_y=y[b], eval_metric=lightgbm_metric(loss),
                     callbacks=[lightgbm.early_stopping(5, verbose=False)])  # fmt: skip


def margins(library, model, x):
    if library == "xgboost":
        return model.predict(x, output_margin=True)
    return model.predict(x, raw_score=True) if library == "lightgbm" else model.predict(x)


@every_library
@weighted
def test_estimators_learn_stop_early_and_are_pickled(library, weighted):
    x, y = data.binary()["breast cancer"]
    w = np.random.default_rng(0).uniform(0.1, 2, len(y)) if weighted else None
    model = fitted(library, BCE, x, y, w)
    again = pickle.loads(pickle.dumps(model)) if library != "catboost" else model  # CatBoost refuses custom losses
    z = margins(library, again, x)
    np.testing.assert_array_equal(z, margins(library, model, x))
    assert ((BCE.activate(z) > 0.5) == y).mean() > 0.95
    stopped = {"xgboost": "best_iteration", "lightgbm": "best_iteration_", "catboost": "best_iteration_"}[library]
    assert 0 < getattr(model, stopped) < 999


@pytest.mark.parametrize("library", ["xgboost", pytest.param("lightgbm", marks=needs_lightgbm)])
def test_estimators_are_cloned(library):
    model = MODELS[library](BCE)
    assert clone(model).get_params()["objective"] == model.get_params()["objective"]


def test_catboosts_estimators_are_cloned():
    model = catboost.CatBoostClassifier(loss_function=catboost_objective(BCE), eval_metric=catboost_metric(BCE))
    assert clone(model).get_params()["loss_function"] == catboost_objective(BCE)


def test_classifiers_find_their_classes():
    x, y = data.classes()["wine"]
    ours = xgboost.XGBClassifier(objective=xgboost_objective(CCE), n_estimators=20).fit(x, y)
    assert (ours.predict(x) == y).mean() > 0.95


@needs_lightgbm
def test_raw_scores_find_the_classes():
    x, y = data.classes()["wine"]
    theirs = lightgbm.LGBMClassifier(objective=lightgbm_objective(CCE), n_estimators=20, verbosity=-1).fit(x, y)
    assert (theirs.predict(x, raw_score=True).argmax(axis=1) == y).mean() > 0.95


def test_several_outputs():
    x, y = data.numbers()["diabetes"]
    both = np.stack([y, -y], axis=1)
    settings = {"objective": xgboost_objective(fl.mse), "n_estimators": 10, "base_score": 0.0}
    got = xgboost.XGBRegressor(**settings).fit(x, both).predict(x)
    for k in range(2):
        alone = xgboost.XGBRegressor(**settings).fit(x, both[:, k]).predict(x)
        np.testing.assert_allclose(got[:, k], alone, rtol=1e-5)


def test_focal_loss_trains():
    x, y = data.binary()["any visit"]
    focal = fl.BinaryFocalCrossentropy(from_logits=True)
    for hessian in ("library", "exact", 0.01):
        model = xgboost.XGBClassifier(objective=xgboost_objective(focal, hessian), n_estimators=30, max_depth=3)
        z = model.fit(x, y).predict(x, output_margin=True)
        assert focal.loss(y, z) < focal.loss(y, np.full(len(y), init_score(focal, y)))


@every_library
def test_labels_that_do_not_fit_are_named(library):
    x, y = data.numbers()["diabetes"]
    kind = catboost.CatBoostError if library == "catboost" else ValueError
    with pytest.raises(kind, match=r"BinaryCrossentropy: y_true\[0\] is [0-9.]+, expected a label in \[0, 1\]"):
        fitted(library, BCE, x, y)
