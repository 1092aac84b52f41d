"""Arrays of JAX in every loss, and losses as functions of JAX."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fastloss as fl
from fastloss._interop.jax import HOST
from fastloss.jax import as_jax
from tests.support import VARIANTS, categorical, name_of, sample

every_loss = pytest.mark.parametrize("loss", VARIANTS, ids=name_of)
every_reduction = pytest.mark.parametrize("reduction", ["mean", "sum", "sum_over_batch_size", "none"])
BCE, CCE = fl.BinaryCrossentropy(from_logits=True), fl.CategoricalCrossentropy(from_logits=True)
W = np.linspace(0.5, 2, 40).astype(np.float32)


def arrays(loss):
    y, p = sample(loss, (40, 5) if categorical(loss) else (40,), np.float32)
    return y.astype(np.int32) if categorical(loss) else y, p


@every_loss
@every_reduction
def test_arrays_give_what_arrays_of_numpy_give(loss, reduction):
    y, p = arrays(loss)
    for method in ("loss_gradient", "gradient_hessian"):
        got = getattr(loss, method)(jnp.asarray(y), jnp.asarray(p), jnp.asarray(W), reduction=reduction)
        want = getattr(loss, method)(y, p, W, reduction=reduction)
        for a, b in zip(got, want, strict=True):
            assert isinstance(a, jax.Array)
            np.testing.assert_array_equal(a, np.float32(b))
    assert isinstance(loss.activate(jnp.asarray(p)), jax.Array)


def test_nothing_is_copied_on_the_way_in():
    z = jnp.zeros(1000)
    assert HOST.view("", "", z).ctypes.data == z.unsafe_buffer_pointer()
    half = jnp.zeros(10, jnp.bfloat16)
    assert BCE(jnp.ones(10), half).gradient.dtype == jnp.bfloat16


@every_loss
@every_reduction
def test_it_is_differentiated_under_jit(loss, reduction):
    y, p = arrays(loss)
    function = as_jax(loss, reduction)
    want = loss(y, p, W, reduction=reduction)
    for wrap in (lambda f: f, jax.jit):
        np.testing.assert_allclose(wrap(function)(y, p, W), want.loss, rtol=1e-6)
        got = wrap(jax.grad(lambda p: -3 * function(y, p, W).sum()))(jnp.asarray(p))
        np.testing.assert_allclose(got, -3 * want.gradient, rtol=1e-6)
    scale = jnp.linspace(1, 2, 40)
    if reduction == "none":
        got = jax.grad(lambda p: (scale * function(y, p)).sum())(jnp.asarray(p))
        factor = np.asarray(scale)[:, None] if categorical(loss) else np.asarray(scale)
        np.testing.assert_allclose(got, factor * loss.gradient(y, p, reduction="none"), rtol=1e-6)


def test_it_is_mapped():
    z, y = jnp.asarray(np.random.default_rng(0).normal(size=(3, 8, 4)), jnp.float32), jnp.arange(8) % 4
    got = jax.vmap(jax.value_and_grad(as_jax(CCE), argnums=1), (None, 0))(y, z)
    for k in range(3):
        want = CCE(y, z[k])
        np.testing.assert_allclose(got[0][k], want.loss, rtol=1e-6)
        np.testing.assert_allclose(got[1][k], want.gradient, rtol=1e-6)


def test_what_it_refuses():
    z, y = jnp.zeros(3), jnp.ones(3)
    with pytest.raises(TypeError, match=r"y_pred is traced by JAX.*fastloss.jax.as_jax\(loss\)"):
        jax.jit(lambda z: BCE(np.ones(3), z).loss)(z)
    with pytest.raises(TypeError, match=r"out \(gradient\) is an array of JAX, which cannot be written"):
        BCE(y, z, out=jnp.zeros(3))
    with pytest.raises(TypeError, match=r"as_jax: loss is .*; pass MeanSquaredError\(\)"):
        as_jax(fl.MeanSquaredError)
    with pytest.raises(ValueError, match="as_jax: reduction is 'avg'"):
        as_jax(BCE, "avg")
    with pytest.raises(Exception, match=r"BinaryCrossentropy: y_true\[0\] is 2, expected a label"):
        jax.block_until_ready(jax.jit(as_jax(BCE))(2 * y, z))
    with pytest.raises(ValueError, match="JVP"):
        jax.hessian(lambda z: as_jax(BCE)(y, z))(z)
