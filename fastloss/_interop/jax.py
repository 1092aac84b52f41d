"""Arrays of JAX on the CPU."""

import sys
from typing import Any

import numpy as np

from .host import Host


def is_array(value: Any) -> bool:
    """Whether it is an array of JAX on the CPU, or one that is traced; JAX is not imported to ask."""
    jax = sys.modules.get("jax")
    if jax is None or not isinstance(value, jax.Array):
        return False
    return isinstance(value, jax.core.Tracer) or all(device.platform == "cpu" for device in value.devices())


class Jax(Host):
    """See `Host`."""

    def view(self, name: str, argument: str, value: Any) -> Any:
        """An array as NumPy's, over the same memory."""
        if not is_array(value):
            return value
        if isinstance(value, sys.modules["jax"].core.Tracer):
            raise TypeError(f"{name}: {argument} is traced by JAX, which cannot look into this call; under jit, grad "
                            "and vmap use fastloss.jax.as_jax(loss)")  # fmt: skip
        return np.asarray(value)

    def output(self, name: str, argument: str, value: Any) -> Any:
        """Arrays of JAX are never written."""
        if is_array(value):
            raise TypeError(f"{name}: {argument} is an array of JAX, which cannot be written; expected None")
        return value

    def wrap(self, value: Any, like: Any) -> Any:
        """A result as an array of JAX."""
        return value if value is None or not is_array(like) else sys.modules["jax"].numpy.asarray(value)


HOST = Jax()
