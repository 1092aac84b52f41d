"""The array libraries whose GPU arrays can be tested here: on a card, or Numba's in its simulator."""

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np
import pytest
from numba import config

SIMULATED = bool(config.ENABLE_CUDASIM)
WHY_NOT = "needs a GPU (make test-gpu), or NUMBA_ENABLE_CUDASIM=1 and NUMBA_DISABLE_JIT=1 (make test-cuda)"


class NoSuchArrayError(pytest.skip.Exception):
    """A library has no arrays of this kind on a GPU: there is nothing to test."""


class Library(NamedTuple):
    """How a library's arrays are made from NumPy's and read back."""

    name: str
    upload: Callable[[Any], Any]
    """Bytes on the device: a copy of a flat array of uint8."""
    view: Callable[..., Any]
    """view(bytes on the device, offset, shape, dtype, strides): an array that lies there."""
    get: Callable[[Any], Any]
    """An array as NumPy has it."""
    bfloat16: bool = True
    backwards: bool = False
    """Whether there are arrays of negative strides."""

    def put(self, array: Any) -> Any:
        """An array on the device with the strides of a NumPy array, as far as it can have them."""
        from tests.transfer import Transfer

        return Transfer(self).put(array)


def usable() -> bool:
    """Whether kernels can run here, on a card or in the simulator."""
    if SIMULATED:
        return bool(config.DISABLE_JIT)
    if importlib.util.find_spec("numba_cuda") is None:
        return False
    from numba import cuda

    return bool(cuda.is_available())


def libraries() -> list[Library]:
    """Every library that is here."""
    if not usable():
        return []
    if SIMULATED:
        return [Library("numba", lambda memory: memory, _simulated_view, lambda a: a.copy_to_host(), backwards=True)]
    from numba import cuda

    found = [Library("numba", cuda.to_device, _numba_view, lambda a: a.copy_to_host(), bfloat16=False)]
    if importlib.util.find_spec("cupy"):
        import cupy

        found.append(Library("cupy", cupy.array, _cupy_view, cupy.asnumpy, _cupy_has_bfloat16(), backwards=True))
    if importlib.util.find_spec("torch"):
        import torch

        if torch.cuda.is_available():
            found.append(Library("torch", lambda memory: torch.from_numpy(memory).cuda(), torch_view, torch_get))
    cuda.synchronize()
    return found


def _simulated_view(memory: Any, offset: int, shape: Any, dtype: Any, strides: Any) -> Any:
    from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

    return FakeCUDAArray(np.ndarray(shape, dtype, memory, offset, strides))


def _numba_view(memory: Any, offset: int, shape: Any, dtype: Any, strides: Any) -> Any:
    from numba.cuda.cudadrv.devicearray import DeviceNDArray

    return DeviceNDArray(shape, strides, dtype, gpu_data=memory.gpu_data.view(offset))


def _cupy_view(memory: Any, offset: int, shape: Any, dtype: Any, strides: Any) -> Any:
    import cupy

    return cupy.ndarray(shape, dtype, memory.data + offset, strides)


def _cupy_has_bfloat16() -> bool:
    import cupy

    try:
        return bool(cupy.empty(1, ml_dtypes.bfloat16).dtype == ml_dtypes.bfloat16)
    except (TypeError, ValueError):  # before version 14
        return False


def torch_view(memory: Any, offset: int, shape: Any, dtype: Any, strides: Any) -> Any:
    import torch

    kind = getattr(torch, "bool" if dtype == np.bool_ else dtype.name, None)
    if kind is None:
        raise NoSuchArrayError(f"torch has no {dtype}")
    steps = [s // dtype.itemsize for s in strides]
    return memory.view(kind).as_strided(shape, steps, offset // dtype.itemsize)


def torch_get(tensor: Any) -> Any:
    import torch

    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).cpu().numpy().view(ml_dtypes.bfloat16)
    return tensor.cpu().numpy()


if __name__ == "__main__":  # make test-gpu: looks for a GPU, then runs what it is told to
    names = [library.name for library in libraries()]
    print(f"arrays on a GPU: {', '.join(names)}" if names else "no GPU can be used here")
    if not names:
        sys.exit(0 if os.environ.get("ALLOW_NO_GPU") == "1" else 1)
    missing = [name for name in ("numba", "cupy", "torch") if name not in names]
    missing += ["compute-sanitizer"] * (shutil.which("compute-sanitizer") is None)
    if missing:
        print(f"not here: {', '.join(missing)}; ALLOW_MISSING=1 tests the rest")
        if os.environ.get("ALLOW_MISSING") != "1":
            sys.exit(1)
    sys.exit(pytest.main(sys.argv[1:]))
