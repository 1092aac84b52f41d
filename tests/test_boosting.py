"""Objectives without the libraries: what they refuse, the Hessians they give, where boosting starts."""

import pickle

import numpy as np
import pytest
from scipy.optimize import minimize, minimize_scalar

import fastloss as fl
from fastloss import boosting
from tests.support import JIT

BCE, CCE = fl.BinaryCrossentropy(from_logits=True), fl.CategoricalCrossentropy(from_logits=True)
FOCAL = fl.BinaryFocalCrossentropy(from_logits=True)
MAKERS = [boosting.xgboost_objective, boosting.lightgbm_objective, boosting.catboost_objective,
          boosting.xgboost_metric, boosting.lightgbm_metric, boosting.catboost_metric]  # fmt: skip
every_maker = pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)


@every_maker
@pytest.mark.parametrize("loss", [fl.bce, fl.cce, fl.poisson, fl.binary_focal_crossentropy], ids=str)
def test_losses_of_probabilities_are_refused(make, loss):
    name = type(loss).__name__
    with pytest.raises(ValueError, match=rf"{make.__name__}: {name} takes .* expected {name}\(from_logits=True\)"):
        make(loss)


@every_maker
def test_what_is_no_loss_is_refused(make):
    with pytest.raises(TypeError, match=rf"{make.__name__}: loss is .*; pass MeanSquaredError\(\)"):
        make(fl.MeanSquaredError)
    with pytest.raises(TypeError, match=rf"{make.__name__}: loss is 'mse', expected a loss of fastloss"):
        make("mse")


@every_maker
def test_they_are_equal_hashed_and_pickled(make):
    one = make(BCE)
    assert pickle.loads(pickle.dumps(one)) == one == make(fl.BinaryCrossentropy(from_logits=True))
    assert hash(one) == hash(make(BCE))
    assert one != make(fl.mse)
    assert one.__name__ == "BinaryCrossentropy"


@pytest.mark.parametrize("make", MAKERS[:3], ids=lambda make: make.__name__)
@pytest.mark.parametrize("hessian", ["Exact", 0, -1.0, float("nan"), None])
def test_other_hessians_are_refused(make, hessian):
    with pytest.raises(ValueError, match=f"{make.__name__}: hessian is {hessian!r}, expected 'library'"):
        make(BCE, hessian)
    with pytest.raises(ValueError, match="CategoricalCrossentropy has a matrix for each example"):
        boosting.catboost_objective(CCE, 0.1)


def test_hessians_have_a_floor():
    y, z, w = np.array([0.0, 1.0]), np.array([50.0, 3.0]), np.array([2.0, 4.0])
    exact = FOCAL.gradient_hessian(y, z, reduction="sum").hessian
    assert exact[0] < 0
    for hessian, floor in (("library", 1e-16), ("exact", 1e-16), (0.5, 0.5)):
        objective = boosting.xgboost_objective(FOCAL, hessian)
        np.testing.assert_allclose(objective(y, z)[1], np.maximum(exact, floor), rtol=1e-12)
        np.testing.assert_allclose(objective(y, z, w)[1], w * np.maximum(exact, floor), rtol=1e-12)


def test_mean_squared_error_is_halved_unless_exact():
    y, z = np.array([0.0, 1.0]), np.array([3.0, 3.0])
    for got, factor in ((boosting.lightgbm_objective(fl.mse), 1), (boosting.lightgbm_objective(fl.mse, "exact"), 2)):
        gradient, hessian = got(y, z)
        np.testing.assert_array_equal(gradient, factor * (z - y))
        np.testing.assert_array_equal(hessian, [factor, factor])


def test_lightgbm_gets_its_layout():
    y, z = np.array([0.0, 1, 2, 1]), np.asfortranarray(np.zeros((4, 3)))
    for array in boosting.lightgbm_objective(CCE)(y, z):
        assert (array.dtype, array.flags.f_contiguous, array.shape) == (np.float32, True, (4, 3))


LOSSES = [BCE, fl.BinaryCrossentropy(from_logits=True, pos_weight=3.0, label_smoothing=0.1), FOCAL, fl.mse, fl.mae,
          fl.msle, fl.Poisson(from_logits=True), fl.BinaryFocalCrossentropy(from_logits=True, alpha=0.25, gamma=1.5),
          fl.SquaredHinge(from_logits=True), fl.squared_hinge]  # fmt: skip


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_the_start_has_the_least_loss(loss):
    rng = np.random.default_rng(0)
    y, w = rng.integers(0, 2, 101).astype(float), rng.random(101)
    if isinstance(loss, fl.SquaredHinge):
        y = 2 * y - 1
    got = boosting.init_score(loss, y, w)

    def total(score):
        return loss.loss(y, np.full(len(y), score), w)

    best = minimize_scalar(total, bounds=(-0.9, 2), method="bounded", options={"xatol": 1e-10})
    assert total(got) <= best.fun + 1e-15
    both = boosting.init_score(loss, np.stack([y, y], axis=1), w)
    np.testing.assert_array_equal(both, [got, got])


@pytest.mark.parametrize("loss", [
    CCE, fl.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1, class_weight=(1, 2, 4)),
    fl.CategoricalFocalCrossentropy(from_logits=True, gamma=1.5, alpha=(1, 0.5, 0.3)),
    fl.CategoricalFocalCrossentropy(from_logits=True, label_smoothing=0.2),
], ids=str)  # fmt: skip
@pytest.mark.parametrize("dense", [False, True])
def test_the_start_of_classes_has_the_least_loss(loss, dense):
    rng = np.random.default_rng(0)
    n = 101 if JIT else 21
    y, w = rng.choice(3, n, p=(0.7, 0.2, 0.1)), rng.random(n)
    targets = np.eye(3)[y] if dense else y
    got = boosting.init_score(loss, targets, w)

    def total(z):
        return loss.loss(y, np.tile(z, (len(y), 1)), w)

    best = minimize(total, np.zeros(3), tol=1e-12)
    assert total(got) <= best.fun + 1e-12
    np.testing.assert_allclose(np.exp(got).sum(), 1)


def test_the_start_of_labels_of_one_kind_is_finite():
    assert boosting.init_score(BCE, np.ones(5)) == pytest.approx(34.5, abs=0.1)
    assert boosting.init_score(CCE, np.array([0, 2])).tolist() == pytest.approx(
        [np.log(0.5), np.log(1e-15), np.log(0.5)]
    )
    assert boosting.init_score(fl.mse, np.full(3, 7.0)) == 7


def test_the_start_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="BinaryCrossentropy: y_true"):
        boosting.init_score(BCE, np.array([0.0, 3.0]))
    with pytest.raises(ValueError, match=r"class_weight of CategoricalCrossentropy has 2 values, y has 3 classes"):
        boosting.init_score(fl.CategoricalCrossentropy(from_logits=True, class_weight=(1, 2)), np.array([0, 1, 2]))


def test_weights_are_numbers_of_any_kind():
    """Half of the integer 1 is not 0."""
    y, z = np.zeros(3), np.ones(3)
    for objective in (boosting.xgboost_objective(fl.mse), boosting.lightgbm_objective(fl.mse)):
        for w in ([1, 2, 3], np.array([1, 2, 3], np.int8), np.array([1.0, 2.0, 3.0])):
            for got in objective(y, z, w):
                np.testing.assert_array_equal(got, [1, 2, 3])
        np.testing.assert_array_equal(objective(y, z, np.array([True, False, True]))[0], [1, 0, 1])
        np.testing.assert_array_equal(objective(y, z, 2.0)[1], [2, 2, 2])
    got = boosting.catboost_objective(fl.mae).calc_ders_range(z, y, np.array([1, 2, 3]))
    np.testing.assert_array_equal(got, [[-0.5, -1], [-1, -2], [-1.5, -3]])


def test_classes_need_their_number():
    y, z = np.array([0.0, 1, 1]), np.zeros(3)
    for objective in (boosting.xgboost_objective(CCE), boosting.lightgbm_objective(CCE)):
        for margins in (z, z[:, None]):
            with pytest.raises(
                ValueError, match=r"CategoricalCrossentropy was handed margins of shape .* set num_class"
            ):
                objective(y, margins)
    with pytest.raises(ValueError, match=r"CategoricalCrossentropy was handed one margin .* set classes_count"):
        boosting.catboost_objective(CCE).calc_ders_range(z, y, None)
    with pytest.raises(ValueError, match=r"y_true\[0\] is 1.7, expected a class in \[0, 3\), a whole number"):
        boosting.catboost_objective(CCE).calc_ders_multi([0.0, 0, 0], 1.7, None)


def test_the_start_leaves_out_what_does_not_count():
    holes = np.array([1, np.nan, 3])
    assert boosting.init_score(fl.MeanSquaredError(missing="ignore"), holes) == 2
    assert boosting.init_score(fl.MeanAbsoluteError(missing="ignore"), [1, np.nan, 3, 3]) == 3
    assert boosting.init_score(fl.mse, np.ma.masked_equal([1, 99, 3], 99)) == 2
    two = np.ma.masked_equal([[1, 99], [3, 4]], 99)
    np.testing.assert_array_equal(boosting.init_score(fl.mse, two), [2, 4])
    ignoring = fl.BinaryCrossentropy(from_logits=True, ignore_index=-1)
    assert boosting.init_score(ignoring, [0, 1, -1]) == pytest.approx(0)
    np.testing.assert_allclose(boosting.init_score(CCE, np.ma.masked_equal([0, 1, 7], 7)), np.log([0.5, 0.5]))
    for loss, y, w in ((fl.mse, [], None), (BCE, [1, 0], [0, 0]), (CCE, np.zeros(0, int), None)):
        with pytest.raises(ValueError, match="init_score: the weights of labels that count add up to 0"):
            boosting.init_score(loss, y, w)
    with pytest.raises(ValueError, match=r"init_score: y\[1\] is 0.9, expected class indices"):
        boosting.init_score(CCE, [0, 0.9, 1])
    with pytest.raises(ValueError, match=r"init_score: BinaryCrossentropy takes probabilities, .*from_logits=True"):
        boosting.init_score(fl.bce, [0, 1])
