"""JAX on the CPU: jit of value_and_grad."""

import os
from collections.abc import Callable
from typing import Any

import numba

from ..cases.case import Array, Case
from . import Call

os.environ.setdefault("NPROC", str(numba.get_num_threads()))  # read by XLA's thread pool when it starts

import jax
import jax.numpy as jnp

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_enable_x64", True)  # float32 stays float32; float64 and int64 stay what they are


def _cross_entropy(y: Any, z: Any) -> Any:
    return -jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], 1)[:, 0]


def _smoothed(y: Any, logs: Any) -> Any:
    return -0.9 * jnp.mean(jnp.take_along_axis(logs, y[:, None], 1)) - 0.1 * jnp.mean(logs)


def _focal(nll: Any) -> Any:
    return jnp.mean((1 - jnp.exp(-nll)) ** 2 * nll)


JAX_LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "mse": lambda y, p: jnp.mean((p - y) ** 2),
    "mae": lambda y, p: jnp.mean(jnp.abs(p - y)),
    "msle": lambda y, p: jnp.mean((jnp.log1p(p) - jnp.log1p(y)) ** 2),
    "poisson_rates": lambda y, p: jnp.mean(p - y * jnp.log(p)),
    "poisson_logits": lambda y, z: jnp.mean(jnp.exp(z) - y * z),
    "squared_hinge": lambda y, p: jnp.mean(jnp.maximum(1 - y * p, 0) ** 2),
    "squared_hinge_tanh": lambda y, z: jnp.mean((1 - y * jnp.tanh(z)) ** 2),
    "bce_probabilities": lambda y, p: -jnp.mean(y * jnp.log(p) + (1 - y) * jnp.log1p(-p)),
    "bce_logits": lambda y, z: jnp.mean(jax.nn.softplus(z) - y * z),
    "binary_focal_logits": lambda y, z: _focal(jax.nn.softplus(z) - y * z),
    "softmax_crossentropy": lambda y, z: jnp.mean(_cross_entropy(y, z)),
    "softmax_focal": lambda y, z: _focal(_cross_entropy(y, z)),
    "softmax_one_hot": lambda y, z: -jnp.sum(y * jax.nn.log_softmax(z)) / len(y),
    "softmax_smoothed": lambda y, z: _smoothed(y, jax.nn.log_softmax(z)),
    "softmax_axis_1": lambda y, z: -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(z, 1), y[:, None], 1)),
}


def prepare(case: Case, y: Array, p: Array) -> Call:
    """The call to be timed; the arrays are JAX's before it."""
    function = jax.jit(jax.value_and_grad(JAX_LOSSES[case.loss], argnums=1))
    labels, logits = jnp.asarray(y), jnp.asarray(p)
    return lambda: jax.block_until_ready(function(labels, logits))
