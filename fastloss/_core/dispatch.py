"""From an array to the backend that computes on it."""

import importlib.util
from functools import cache
from typing import Any

import numpy as np

from .._compile.jit import COMPILED
from .._cpu import evaluate as cpu
from .._interop import jax, torch
from .._request.arrays import describe, is_gpu_class, is_number, on_gpu
from .._request.description import Request


def backend_of(name: str, arguments: dict[str, Any]) -> Any:
    """The module that computes where the arguments are; TypeError where they are on the CPU and on a GPU."""
    if all(value is None or type(value) is np.ndarray for value in arguments.values()):
        return cpu  # at once, for small arrays' sake
    first: Any = None
    host: Any = None
    for argument, value in arguments.items():
        if torch.is_tensor(value):
            torch.check_detached(name, argument, value)
            host = torch.HOST
        elif jax.is_array(value):
            host = jax.HOST
        if first is None and value is not None and on_gpu(value):
            first = argument
    if first is None:
        return host or cpu
    for other, value in arguments.items():
        if value is None or on_gpu(value) or (other == "sample_weight" and is_number(value)):
            continue
        raise TypeError(f"{name}: {first} is a {describe(arguments[first])}, {other} is a {describe(value)}; "
                        "expected all arrays on one device")  # fmt: skip
    missing = _missing()
    if missing:
        raise RuntimeError(f"{name}: {first} is a {describe(arguments[first])}, but {missing}")
    return _cuda()


def gpu_backend(request: Request) -> Any:
    """The same at once for the usual call on a GPU, whose arrays are all of one class; None for others."""
    y, p, w, _, _, _, losses, gradient, hessian = request
    cls: Any = type(p)
    if cls is np.ndarray or not is_gpu_class(cls) or type(y) is not cls:
        return None
    for array in (w, losses, gradient, hessian):
        if array is not None and type(array) is not cls:
            return None
    return None if _missing() else _cuda()


@cache
def _cuda() -> Any:
    from .._cuda import evaluate

    return evaluate


@cache
def _missing() -> str:
    """What a GPU needs and this machine lacks, and what to do about it; nothing in the simulator."""
    from .._compile.cuda import SIMULATED

    if SIMULATED:
        if not COMPILED:
            return ""
        return "Numba's simulator runs plain Python: set NUMBA_DISABLE_JIT=1 beside NUMBA_ENABLE_CUDASIM=1"
    if importlib.util.find_spec("numba_cuda") is None:
        return "numba-cuda, which compiles for it, is not installed: pip install fastloss[cuda]"
    from numba import cuda

    if not cuda.is_available():
        return "numba-cuda finds no usable CUDA driver here: install NVIDIA's driver, then pip install fastloss[cuda]"
    return ""
