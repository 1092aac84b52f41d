"""Adapters with arrays on a GPU: run on a card by `python -m pytest -m gpu tests/adapters/test_gpu.py`."""

import numpy as np
import pytest

import fastloss as fl
from fastloss.boosting import xgboost_metric, xgboost_objective
from fastloss.linear import LinearObjective, linear_cross_entropy
from tests.devices import SIMULATED, libraries

NAMES = [library.name for library in libraries()]
pytestmark = [pytest.mark.gpu, pytest.mark.skipif(SIMULATED or "cupy" not in NAMES, reason="needs a card and CuPy")]
RNG = np.random.default_rng(0)
BCE, CCE = fl.BinaryCrossentropy(from_logits=True), fl.CategoricalCrossentropy(from_logits=True)


def test_objectives_take_and_give_arrays_of_cupy():
    import cupy

    for loss, y, z in (
        (BCE, RNG.integers(0, 2, 1000).astype(np.float32), RNG.normal(size=1000).astype(np.float32)),
        (CCE, RNG.integers(0, 5, 1000).astype(np.float32), RNG.normal(size=(1000, 5)).astype(np.float32)),
        (fl.mae, RNG.normal(size=1000).astype(np.float32), RNG.normal(size=1000).astype(np.float32)),
        (fl.mse, RNG.normal(size=1000).astype(np.float32), RNG.normal(size=1000).astype(np.float32)),
    ):
        w = RNG.random(1000).astype(np.float32)
        for weight in (None, w):
            want = xgboost_objective(loss)(y, z, weight)
            for labels in (y, cupy.asarray(y)):
                got = xgboost_objective(loss)(labels, cupy.asarray(z), None if weight is None else cupy.asarray(weight))
                for a, b in zip(got, want, strict=True):
                    assert isinstance(a, cupy.ndarray)
                    np.testing.assert_allclose(a.get(), b, rtol=1e-5, atol=1e-7)
            assert xgboost_metric(loss)(y, cupy.asarray(z)) == pytest.approx(xgboost_metric(loss)(y, z), rel=1e-6)


def test_linear_models_on_a_gpu():
    import cupy

    x, y = RNG.normal(size=(2000, 20)), RNG.integers(0, 2, 2000)
    here, there = LinearObjective(BCE, x, y, l2=0.1), LinearObjective(BCE, cupy.asarray(x), cupy.asarray(y), l2=0.1)
    w, v = RNG.normal(size=(2, here.size))
    for a, b in zip(there.value_and_gradient(w), here.value_and_gradient(w), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(there.hessian_product(w, v), here.hessian_product(w, v), rtol=1e-9, atol=1e-12)


def test_cross_entropy_without_logits_on_a_gpu():
    import cupy

    x, w = (RNG.normal(size=shape).astype(np.float32) for shape in ((3000, 32), (32, 4000)))
    labels, b = RNG.integers(0, 4000, 3000), RNG.normal(size=4000).astype(np.float32)
    options = {"z_loss": 1e-2, "label_smoothing": 0.1, "ignore_index": 3, "block_rows": 1000}
    want = linear_cross_entropy(x, w, b, labels, **options)
    got = linear_cross_entropy(*map(cupy.asarray, (x, w, b, labels)), **options)
    for a, c in zip(got, want, strict=True):
        np.testing.assert_allclose(cupy.asnumpy(a), c, rtol=1e-3, atol=1e-5 * np.abs(c).max())


@pytest.mark.skipif("torch" not in NAMES, reason="needs torch")
def test_a_criterion_on_a_gpu():
    import torch

    from fastloss.torch import TorchLoss

    z = torch.randn(64, 10, device="cuda", requires_grad=True)
    y = torch.randint(0, 10, (64,), device="cuda")
    for reduction in ("mean", "none"):
        value = TorchLoss(CCE, reduction)(z, y)
        (got,) = torch.autograd.grad(3 * value.sum(), z)
        want = torch.autograd.grad(3 * torch.nn.functional.cross_entropy(z, y, reduction=reduction).sum(), z)[0]
        torch.testing.assert_close(got, want)
        assert value.device.type == "cuda"
    with pytest.raises(TypeError, match="y_pred requires a gradient"):
        CCE(y, z)
    criterion = TorchLoss(CCE)
    compiled = torch.compile(lambda z, y: criterion(z, y), fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(z, y), criterion(z, y))


def test_chunks_of_cupy_in_arrays_of_dask():
    da, cupy = pytest.importorskip("dask.array"), pytest.importorskip("cupy")
    y, z = RNG.integers(0, 5, 1000), RNG.normal(size=(1000, 5))
    lazy = da.from_array(cupy.asarray(z), chunks=(300, 5)), da.from_array(cupy.asarray(y), chunks=300)
    loss, gradient = CCE(lazy[1], lazy[0])
    want = CCE(y, z)
    assert float(loss.compute()) == pytest.approx(want.loss)
    np.testing.assert_allclose(cupy.asnumpy(gradient.compute()), want.gradient, rtol=1e-9, atol=1e-15)
