"""From an array to where it lives, without importing the library that made it."""

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


def check_device(name: str, arguments: dict[str, Any]) -> None:
    """Raise unless all array arguments live on the CPU, the one device of this release."""
    gpu = {k: v for k, v in arguments.items() if v is not None and on_gpu(v)}
    if not gpu:
        return
    argument, array = next(iter(gpu.items()))
    cpu = [k for k, v in arguments.items() if v is not None and k not in gpu and not isinstance(v, int | float)]
    if cpu:
        raise TypeError(
            f"{name}: {argument} is a {describe(array)}, {cpu[0]} is a {describe(arguments[cpu[0]])}; "
            "expected all arrays on one device"
        )
    raise TypeError(
        f"{name}: {argument} is a {describe(array)}; this release computes on the CPU: expected an array that NumPy "
        "can read"
    )
