"""Arrays of CuPy, torch and Numba as kernels see them, without importing a library that is not already there."""

import math
import sys
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import cuda

from .formats import format_of
from .memory import SIMULATED, flat


class BFloat16:
    """What NumPy has no dtype for."""

    name, kind, itemsize, type, isnative = "bfloat16", "V", 2, None, True

    def __repr__(self) -> str:
        return self.name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BFloat16)

    def __hash__(self) -> int:
        return hash(self.name)


BFLOAT16 = BFloat16()


class View(NamedTuple):
    """An array on a device: address of its first element, shape, dtype and strides in bytes (None: contiguous)."""

    address: Any
    shape: tuple[int, ...]
    dtype: Any
    strides: tuple[int, ...] | None
    owner: Any

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def contiguous(self) -> bool:
        return self.strides is None

    @property
    def extent(self) -> tuple[int, int]:
        """How many bytes before and behind its first element the array reaches."""
        strides = self.strides or c_strides(self.shape, self.dtype.itemsize)
        steps = [stride * (n - 1) for n, stride in zip(self.shape, strides, strict=True)]
        return sum(min(s, 0) for s in steps), sum(max(s, 0) for s in steps) + self.dtype.itemsize


def c_strides(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """The strides of a contiguous array."""
    return tuple(itemsize * math.prod(shape[k + 1 :]) for k in range(len(shape)))


class Library:
    """Numba's device arrays, and any other that speaks the CUDA array interface."""

    def view(self, array: Any) -> View:
        """What kernels need to know of an array."""
        if SIMULATED:
            memory = array._ary
            return _view(memory, memory.shape, memory.dtype, memory.strides, array)
        interface = array.__cuda_array_interface__
        dtype = np.dtype(interface["typestr"])
        if dtype.kind == "V" and dtype.itemsize == 2 and getattr(array.dtype, "name", "") == "bfloat16":
            dtype = BFLOAT16
        return _view(interface["data"][0], interface["shape"], dtype, interface.get("strides"), array)

    def empty(self, shape: tuple[int, ...], dtype: Any, like: Any) -> Any:
        """A new array on the device of another one; dtype None is that of the other."""
        return cuda.device_array(shape, like.dtype if dtype is None else dtype)

    def table(self, values: tuple[float, ...], dtype: Any, like: Any) -> Any:
        """The same values on the device."""
        return cuda.to_device(np.array(values, dtype))

    def stream(self, like: Any) -> int:
        """The caller's current stream."""
        return 0

    def device(self, array: Any) -> int | None:
        """The number of the array's device; None for the current one."""
        return None


class CuPy(Library):
    """CuPy arrays."""

    def empty(self, shape: tuple[int, ...], dtype: Any, like: Any) -> Any:
        """A new array from CuPy's pool."""
        return sys.modules["cupy"].empty(shape, like.dtype if dtype is None else dtype)

    def table(self, values: tuple[float, ...], dtype: Any, like: Any) -> Any:
        """The same values on the device."""
        return sys.modules["cupy"].asarray(np.array(values, dtype))

    def stream(self, like: Any) -> int:
        """CuPy's current stream."""
        return int(sys.modules["cupy"].cuda.get_current_stream().ptr)

    def device(self, array: Any) -> int | None:
        """The number of the array's device."""
        return int(array.device.id)


class Torch(Library):
    """CUDA tensors of torch; what they compute here is not seen by autograd."""

    def view(self, array: Any) -> View:
        """What kernels need to know of a tensor; its array interface knows neither bfloat16 nor requires_grad."""
        name = str(array.dtype).removeprefix("torch.")
        dtype = BFLOAT16 if name == "bfloat16" else np.dtype(name)
        strides = tuple(s * dtype.itemsize for s in array.stride())
        return _view(array.data_ptr(), tuple(array.shape), dtype, strides, array)

    def empty(self, shape: tuple[int, ...], dtype: Any, like: Any) -> Any:
        """A new tensor from torch's pool."""
        torch = sys.modules["torch"]
        kind = like.dtype if dtype is None else getattr(torch, np.dtype(dtype).name)
        return torch.empty(shape, dtype=kind, device=like.device)

    def table(self, values: tuple[float, ...], dtype: Any, like: Any) -> Any:
        """The same values on the device."""
        torch = sys.modules["torch"]
        return torch.tensor(values, dtype=getattr(torch, np.dtype(dtype).name), device=like.device)

    def stream(self, like: Any) -> int:
        """torch's current stream on the tensor's device."""
        return int(sys.modules["torch"].cuda.current_stream(like.device).cuda_stream)

    def device(self, array: Any) -> int | None:
        """The number of the tensor's device."""
        return int(array.device.index)


_LIBRARIES = {"cupy": CuPy(), "torch": Torch()}
_OTHERS = Library()


@cache
def _library_of(cls: Any) -> Library:
    return next((_LIBRARIES[m] for c in cls.__mro__ if (m := c.__module__.split(".")[0]) in _LIBRARIES), _OTHERS)


def library_of(array: Any) -> Library:
    """The library that an array belongs to."""
    cls: Any = type(array)
    return _library_of(cls)


def view(array: Any) -> View:
    """What kernels need to know of an array of any library."""
    return library_of(array).view(array)


def _view(address: Any, shape: Any, dtype: Any, strides: Any, owner: Any) -> View:
    shape = tuple(int(n) for n in shape)
    if strides is not None:
        full = c_strides(shape, dtype.itemsize)
        same = all(n == 1 or s == f for n, s, f in zip(shape, strides, full, strict=True))
        strides = None if same or 0 in shape else tuple(int(s) for s in strides)
    return View(address, shape, dtype, strides, owner)


def pointer(v: View | None, before: int = 0) -> Any:
    """What a kernel takes for an array: the address of its first element, or that many bytes away from it."""
    if SIMULATED:
        from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

        if v is None:
            return 0
        form = format_of(v.dtype)
        return FakeCUDAArray(flat(v.address, before, form.storage if form else v.dtype))
    return 0 if v is None else v.address + before
