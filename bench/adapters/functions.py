"""`python -m bench.adapters.functions`: value and gradient under jax.jit, by as_jax and by the same loss in JAX."""

import jax
import jax.numpy as jnp
import numpy as np

import fastloss as fl
from fastloss.jax import as_jax

from .boosting import in_turns


def own_bce(y, z):  # type: ignore[no-untyped-def]
    return (jnp.maximum(z, 0) - y * z + jnp.log1p(jnp.exp(-jnp.abs(z)))).mean()


def own_cce(y, z):  # type: ignore[no-untyped-def]
    return -jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], 1).mean()


def main() -> None:
    rng = np.random.default_rng(0)
    print("| case | fastloss, arrays of JAX | as_jax under jit | JAX under jit |")
    print("| --- | ---: | ---: | ---: |")
    bce, cce = fl.BinaryCrossentropy(from_logits=True), fl.CategoricalCrossentropy(from_logits=True)
    for name, loss, own, shape in (("BCE from logits, 2^10", bce, own_bce, (1 << 10,)),
                                   ("BCE from logits, 2^20", bce, own_bce, (1 << 20,)),
                                   ("BCE from logits, 2^24", bce, own_bce, (1 << 24,)),
                                   ("cross-entropy, 2^17 x 100", cce, own_cce, (1 << 17, 100))):  # fmt: skip
        z = jnp.asarray(rng.normal(size=shape), jnp.float32)
        y = jnp.asarray(rng.integers(0, 2, shape), jnp.float32) if len(shape) == 1 else jnp.asarray(
            rng.integers(0, shape[1], shape[0]))  # fmt: skip
        ours, theirs = (jax.jit(jax.value_and_grad(f, argnums=1)) for f in (as_jax(loss), own))
        times = in_turns({"direct": lambda loss=loss, y=y, z=z: loss(y, z),
                          "ours": lambda f=ours, y=y, z=z: jax.block_until_ready(f(y, z)),
                          "theirs": lambda f=theirs, y=y, z=z: jax.block_until_ready(f(y, z))}, 15)  # fmt: skip
        direct = times["direct"]
        cells = f"{times['ours'] / direct:.2f}x | {times['theirs'] / direct:.2f}x"
        print(f"| {name} | {1e3 * direct:.3g} ms | {cells} |", flush=True)


if __name__ == "__main__":
    main()
