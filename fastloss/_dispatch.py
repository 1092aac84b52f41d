"""From an array to where it lives, without importing the library that made it."""

import importlib.util
import numbers
from functools import cache
from typing import Any

import numpy as np

from ._jit import COMPILED


def on_gpu(array: Any) -> bool:
    """Whether an array lies in a GPU's memory (Numba's simulator included), asked before __array__."""
    cls: Any = type(array)
    answer = _answer(cls)
    return bool(answer(array)) if callable(answer) else answer


@cache
def _answer(cls: type) -> Any:
    """Whether all arrays of a class are on a GPU, or what to ask of each of them."""
    if hasattr(cls, "__cuda_ndarray__"):
        return True
    if not hasattr(cls, "__cuda_array_interface__"):
        return False
    libraries = {c.__module__.split(".")[0] for c in cls.__mro__}
    if "torch" in libraries:  # on the CPU too; its interface refuses a tensor that requires a gradient
        return lambda tensor: tensor.is_cuda
    if libraries & {"cupy", "numba"}:
        return True
    return lambda array: hasattr(array, "__cuda_array_interface__")  # JAX's arrays have it, and raise on the CPU


def is_number(value: Any) -> bool:
    """Whether a weight is one number, which is on no device; NumPy's bool is none of Python's numbers."""
    return isinstance(value, numbers.Real | np.bool_)


def describe(array: Any) -> str:
    """What an array is, for messages: numpy.ndarray on the CPU."""
    return f"{type(array).__module__}.{type(array).__qualname__} on the {'GPU' if on_gpu(array) else 'CPU'}"


def device_of(name: str, arguments: dict[str, Any]) -> Any:
    """The module that computes on the arguments' GPU, None for the CPU; TypeError where they are on both."""
    first = next((k for k, v in arguments.items() if v is not None and on_gpu(v)), None)
    if first is None:
        return None
    for other, value in arguments.items():
        if value is None or on_gpu(value) or (other == "sample_weight" and is_number(value)):
            continue
        raise TypeError(f"{name}: {first} is a {describe(arguments[first])}, {other} is a {describe(value)}; "
                        "expected all arrays on one device")  # fmt: skip
    missing = _missing()
    if missing:
        raise RuntimeError(f"{name}: {first} is a {describe(arguments[first])}, but {missing}")
    return _backend()


@cache
def _backend() -> Any:
    from ._cuda import evaluate

    return evaluate


def simulated() -> bool:
    """Whether numba.cuda is its simulator, whatever the settings say since it was imported."""
    from numba import cuda

    return "simulator" in cuda.jit.__module__


@cache
def _missing() -> str:
    """What a GPU needs and this machine lacks, and what to do about it; nothing in the simulator."""
    if simulated():
        if not COMPILED:
            return ""
        return "Numba's simulator runs plain Python: set NUMBA_DISABLE_JIT=1 beside NUMBA_ENABLE_CUDASIM=1"
    if importlib.util.find_spec("numba_cuda") is None:
        return "numba-cuda, which compiles for it, is not installed: pip install fastloss[cuda]"
    from numba import cuda

    if not cuda.is_available():
        return "numba-cuda finds no usable CUDA driver here: install NVIDIA's driver, then pip install fastloss[cuda]"
    return ""
