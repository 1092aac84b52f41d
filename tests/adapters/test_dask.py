"""Arrays of Dask in every loss, alone and on a cluster of two processes, and boosting over Dask."""

import dask
import dask.array as da
import numpy as np
import pytest
from distributed import Client, LocalCluster

import fastloss as fl
from fastloss.boosting import lightgbm_objective, xgboost_objective
from tests.support import VARIANTS, categorical, name_of, sample

from . import data
from .libraries import lightgbm, needs_lightgbm

every_loss = pytest.mark.parametrize("loss", VARIANTS, ids=name_of)
every_reduction = pytest.mark.parametrize("reduction", ["mean", "sum", "sum_over_batch_size", "none"])
BCE, CCE = fl.BinaryCrossentropy(from_logits=True), fl.CategoricalCrossentropy(from_logits=True)
RNG = np.random.default_rng(0)


def arrays(loss, dtype=np.float64):
    y, p = sample(loss, (1000, 5) if categorical(loss) else (1000, 3), dtype)
    return y, p, da.from_array(y, chunks=170), da.from_array(p, chunks=(300, 5 if categorical(loss) else 2))


def close(got, want):
    for a, b in zip(dask.compute(*got), want, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-17)


@every_loss
@every_reduction
def test_chunks_add_up(loss, reduction):
    y, p, lazy_y, lazy_p = arrays(loss)
    w = RNG.random(1000)
    for weight, lazy_w in ((None, None), (2.0, 2.0), (w, w), (w, da.from_array(w, chunks=90))):
        for method in ("loss_gradient", "gradient_hessian"):
            got = getattr(loss, method)(lazy_y, lazy_p, lazy_w, reduction=reduction)
            close(got, getattr(loss, method)(y, p, weight, reduction=reduction))
            assert got[1].chunks == lazy_p.chunks
            assert got[1].dtype == p.dtype
    close([loss.loss(lazy_y, lazy_p, reduction=reduction)], [loss.loss(y, p, reduction=reduction)])
    close([loss.gradient(y, lazy_p, reduction=reduction)], [loss.gradient(y, p, reduction=reduction)])
    close([loss.activate(lazy_p)], [loss.activate(p)])


def test_a_mean_divides_by_what_counts():
    z, y = RNG.normal(size=(1000, 4)), RNG.integers(-1, 4, 1000)
    lazy = da.from_array(y, chunks=300), da.from_array(z, chunks=(300, 4))
    for loss in (
        fl.CategoricalCrossentropy(from_logits=True, ignore_index=-1),
        fl.CategoricalCrossentropy(from_logits=True, ignore_index=-1, class_weight=(1, 2, 3, 4), label_smoothing=0.1),
        fl.CategoricalFocalCrossentropy(from_logits=True, ignore_index=-1, alpha=(1, 2, 3, 4)),
    ):
        close(loss(*lazy), loss(y, z))
        close(loss(*lazy, np.arange(1000.0)), loss(y, z, np.arange(1000.0)))
    soft = RNG.dirichlet(np.ones(4), 1000)
    weighted = fl.CategoricalCrossentropy(from_logits=True, class_weight=(1, 2, 3, 4))
    close(weighted(da.from_array(soft, chunks=(200, 2)), lazy[1]), weighted(soft, z))
    holes = np.where(RNG.random((1000, 4)) < 0.2, np.nan, soft)
    missing = fl.BinaryCrossentropy(from_logits=True, missing="ignore")
    close(missing(da.from_array(holes, chunks=300), lazy[1]), missing(holes, z))
    zero = BCE(da.zeros(10, chunks=3), da.zeros(10, chunks=3), np.zeros(10))
    close(zero, (0.0, np.zeros(10)))


@pytest.mark.parametrize("asarray", [None, False])
def test_what_is_masked_does_not_count(asarray):
    y, p, w = np.arange(12.0), np.ones(12), np.arange(12.0)
    hide = np.arange(12) % 5 == 0
    lazy = da.from_array(p, chunks=5)
    for target, prediction, weight in ((np.ma.masked_array(y, hide), p, None), (y, np.ma.masked_array(p, hide), None),
                                       (y, p, np.ma.masked_array(w, hide))):  # fmt: skip
        want = fl.mse(target, prediction, weight)
        chunked = da.from_array(prediction, chunks=5, asarray=asarray) if prediction is not p else lazy
        close(fl.mse(target, chunked, weight), want)
        close(fl.mse(da.from_array(target, chunks=4, asarray=asarray), chunked, weight), want)


def test_examples_of_no_dimensions_and_weights_below_0():
    z = da.zeros(3, chunks=3)
    assert CCE.loss(np.array(0), z, reduction="none").compute() == pytest.approx(np.log(3))
    with pytest.raises(ValueError, match=r"sample_weight is -1.0, expected a weight >= 0"):
        fl.mse(z, z, -1.0)
    with pytest.raises(ValueError, match=r"a chunk of sample_weight has -1.0"):
        fl.mse(z, z, -np.ones(3)).loss.compute()


def test_nothing_is_computed_before_it_is_asked_for():
    def broken(_):
        raise AssertionError

    z = da.zeros(10, chunks=5).map_blocks(broken, dtype=float, meta=np.empty(0))
    loss, gradient = BCE(da.zeros(10, chunks=5), z)
    assert (loss.shape, gradient.shape) == ((), (10,))
    assert BCE(da.ones(0, chunks=1), da.ones(0, chunks=1)).loss.compute() == 0


def test_what_it_refuses():
    z = da.zeros((10, 4), chunks=(5, 2))
    with pytest.raises(ValueError, match=r"2 chunks on axis 1 of its classes, expected one; y_pred.rechunk\({1: -1}\)"):
        CCE(da.zeros(10, dtype=int), z)
    with pytest.raises(ValueError, match=r"2 chunks on the axis of its labels, .* y_pred.rechunk\({1: -1}\)"):
        fl.BinaryCrossentropy(from_logits=True, pos_weight=(1, 2, 3, 4))(z, z)
    with pytest.raises(ValueError, match=r"y_true has shape \(9,\), y_pred has shape \(10, 4\); expected \(10,\)"):
        CCE(da.zeros(9, dtype=int), z.rechunk({1: -1}))
    with pytest.raises(ValueError, match=r"y_pred has chunks of unknown size.*compute_chunk_sizes\(\)"):
        fl.mse(z, z[z[:, 0] > 0])
    with pytest.raises(TypeError, match=r"y_pred is a ndarray, .* dask.array.from_array\(y_pred\)"):
        fl.mse(z, np.zeros((10, 4)))
    with pytest.raises(TypeError, match="out was given with arrays of Dask"):
        fl.mse(z, z, out=np.zeros((10, 4)))
    with pytest.raises(ValueError, match="reduction is 'total'"):
        fl.mse(z, z, reduction="total")
    with pytest.raises(TypeError, match="gradient_hessian_matrix expects arrays in memory"):
        CCE.gradient_hessian_matrix(da.zeros(10, dtype=int), z)
    with pytest.raises(ValueError, match=r"BinaryCrossentropy: y_true\[0\] is 3, expected a label in \[0, 1\]"):
        BCE(da.full(10, 3.0), da.zeros(10)).loss.compute()


@pytest.fixture(scope="module")
def client():
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.mark.filterwarnings("default")  # of Dask, XGBoost and LightGBM about each other
class TestCluster:
    """Two processes."""

    @every_loss
    def test_chunks_add_up(self, client, loss):
        y, p, lazy_y, lazy_p = arrays(loss, np.float32)
        (value, gradient), want = client.compute(loss(lazy_y, lazy_p)), loss(y, p)
        assert float(value.result()) == pytest.approx(want.loss, rel=1e-6)
        np.testing.assert_allclose(gradient.result(), want.gradient, rtol=1e-5, atol=1e-9)

    @pytest.mark.parametrize("name", ["binary", "classes"])
    def test_xgboost(self, client, name):
        import xgboost
        from xgboost import dask as dxgb

        loss, (x, y) = {"binary": (BCE, data.binary()["breast cancer"]), "classes": (CCE, data.classes()["wine"])}[name]
        more = {"num_class": 3} if name == "classes" else {"base_score": 0.0}
        matrix = dxgb.DaskDMatrix(client, da.from_array(x, chunks=(len(x) // 2 + 1, -1)),
                                  da.from_array(y, chunks=len(y) // 2 + 1))  # fmt: skip
        model = dxgb.train(client, {"max_depth": 3, **more}, matrix, 20, obj=xgboost_objective(loss))["booster"]
        z = model.predict(xgboost.DMatrix(x), output_margin=True)
        alone = xgboost.train({"max_depth": 3, **more}, xgboost.DMatrix(x, y), 20, obj=xgboost_objective(loss))
        assert loss.loss(y, z) < 1.2 * loss.loss(y, alone.predict(xgboost.DMatrix(x), output_margin=True)) + 0.01

    @needs_lightgbm
    def test_lightgbm(self, client):
        x, y = data.binary()["breast cancer"]
        lazy = da.from_array(x, chunks=(len(x) // 2 + 1, -1)), da.from_array(y, chunks=len(y) // 2 + 1)
        model = lightgbm.DaskLGBMRegressor(
            objective=lightgbm_objective(BCE), n_estimators=20, client=client, verbosity=-1
        )
        z = model.fit(*lazy).predict(lazy[0]).compute()
        assert ((z > 0) == y).mean() > 0.95
