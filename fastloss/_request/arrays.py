"""Where an array lives, without importing the library that made it."""

import numbers
import sys
from functools import cache
from typing import Any

import numpy as np


def on_gpu(array: Any) -> bool:
    """Whether an array lies in a GPU's memory (Numba's simulator included), asked before __array__."""
    cls: Any = type(array)
    answer = _answer(cls)
    return bool(answer(array)) if callable(answer) else answer


@cache
def is_gpu_class(cls: type) -> bool:
    """Whether all arrays of a class are on a GPU."""
    return _answer(cls) is True


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


def library_of(array: Any) -> Any:
    """The library that made an array, which is imported already; NumPy for what is on the CPU."""
    return sys.modules[type(array).__module__.partition(".")[0]] if on_gpu(array) else np


def is_number(value: Any) -> bool:
    """Whether a weight is one number, which is on no device; NumPy's bool is none of Python's numbers."""
    return isinstance(value, numbers.Real | np.bool_)


def describe(array: Any) -> str:
    """What an array is, for messages: numpy.ndarray on the CPU."""
    return f"{type(array).__module__}.{type(array).__qualname__} on the {'GPU' if on_gpu(array) else 'CPU'}"
