"""From an array to where it lives, without importing the library that made it."""

import importlib.util
import numbers
from functools import cache
from typing import Any


def on_gpu(array: Any) -> bool:
    """Whether an array lies in a GPU's memory (Numba's simulator included), asked before __array__."""
    cls = type(array)
    if hasattr(cls, "__cuda_ndarray__"):
        return True
    if not hasattr(cls, "__cuda_array_interface__"):
        return False
    return bool(getattr(array, "is_cuda", True))  # every torch tensor has the attribute; only CUDA ones a value


def describe(array: Any) -> str:
    """What an array is, for messages: numpy.ndarray on the CPU."""
    return f"{type(array).__module__}.{type(array).__qualname__} on the {'GPU' if on_gpu(array) else 'CPU'}"


def device_of(name: str, arguments: dict[str, Any]) -> Any:
    """The module that computes on the arguments' GPU, None for the CPU; TypeError where they are on both."""
    gpu = [k for k, v in arguments.items() if v is not None and on_gpu(v)]
    if not gpu:
        return None
    for other, value in arguments.items():
        if value is not None and other not in gpu and not isinstance(value, numbers.Real):
            raise TypeError(
                f"{name}: {gpu[0]} is a {describe(arguments[gpu[0]])}, {other} is a {describe(value)}; "
                "expected all arrays on one device"
            )
    missing = _missing()
    if missing:
        raise RuntimeError(f"{name}: {gpu[0]} is a {describe(arguments[gpu[0]])}, but {missing}")
    from ._cuda import evaluate

    return evaluate


@cache
def _missing() -> str:
    """What a GPU needs and this machine lacks, and what to do about it; nothing in the simulator."""
    from numba import config

    if config.ENABLE_CUDASIM:
        return ""
    if importlib.util.find_spec("numba_cuda") is None:
        return "numba-cuda, which compiles for it, is not installed: pip install fastloss[cuda]"
    from numba import cuda

    if not cuda.is_available():
        return "numba-cuda finds no usable CUDA driver here: install NVIDIA's driver, then pip install fastloss[cuda]"
    return ""
