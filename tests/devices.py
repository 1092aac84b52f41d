"""The array libraries whose GPU arrays can be tested here: on a card, or Numba's in its simulator."""

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np
from numba import config

SIMULATED = bool(config.ENABLE_CUDASIM)
WHY_NOT = "needs a GPU (make test-gpu), or NUMBA_ENABLE_CUDASIM=1 and NUMBA_DISABLE_JIT=1 (make test-cuda)"


class Library(NamedTuple):
    """How a library's arrays are made from NumPy's and read back."""

    name: str
    put: Callable[[Any], Any]
    get: Callable[[Any], Any]
    strided: bool = True
    bfloat16: bool = True


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
    from numba import cuda

    found = [Library("numba", _numba_put, lambda a: a.copy_to_host(), bfloat16=SIMULATED)]
    if not SIMULATED and importlib.util.find_spec("cupy"):
        import cupy

        found.append(Library("cupy", cupy.asarray, cupy.asnumpy, bfloat16=False))
    if not SIMULATED and importlib.util.find_spec("torch"):
        import torch

        if torch.cuda.is_available():
            found.append(Library("torch", _torch_put, _torch_get))
    cuda.synchronize()
    return found


def _numba_put(array: Any) -> Any:
    from numba import cuda

    if SIMULATED:  # whatever its strides
        from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

        return FakeCUDAArray(array)
    if array.flags.c_contiguous or array.flags.f_contiguous:
        return cuda.to_device(array)
    base = cuda.to_device(_room(array))
    view = base[tuple(slice(None, None, 2) for _ in array.shape)]
    return view


def _room(array: Any) -> Any:
    room = np.zeros(tuple(2 * n for n in array.shape), array.dtype)
    room[tuple(slice(None, None, 2) for _ in array.shape)] = array
    return room


def _torch_put(array: Any) -> Any:
    import torch

    if array.dtype == ml_dtypes.bfloat16:
        return torch.from_numpy(array.view(np.int16).copy()).view(torch.bfloat16).cuda()
    if any(s < 0 for s in array.strides):
        array = array.copy()
    tensor = torch.from_numpy(np.ascontiguousarray(array)).cuda()
    if not array.flags.c_contiguous:
        room = torch.from_numpy(_room(array)).cuda()
        tensor = room[tuple(slice(None, None, 2) for _ in array.shape)]
    return tensor


def _torch_get(tensor: Any) -> Any:
    import torch

    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).cpu().numpy().view(ml_dtypes.bfloat16)
    return tensor.cpu().numpy()


if __name__ == "__main__":  # make test-gpu: looks for a GPU, then runs what it is told to
    import pytest

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
