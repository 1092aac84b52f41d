"""The libraries of arrays: CuPy, torch, Numba and others, without importing one that is not already there."""

import sys
import threading
from functools import cache
from typing import Any

import numpy as np
from numba import config, cuda

from .._compile.cuda import SIMULATED
from .arrays import BFLOAT16, Kind, number_of

PER_THREAD_STREAM = 2
KEPT = 1 << 24
"""Numba's arrays have no pool: so many bytes at most are kept between calls."""


class Library:
    """Any library that speaks the CUDA array interface; results are Numba's device arrays."""

    def __init__(self) -> None:
        self._tables: dict[Any, Any] = {}

    def inspect(self, array: Any) -> tuple[Any, Kind]:
        """Where an array is, and all else about it that a plan depends on."""
        interface = array.__cuda_array_interface__
        address, locked = interface["data"]
        dtype = np.dtype(interface["typestr"])
        if dtype.kind == "V" and dtype.itemsize == 2 and getattr(array.dtype, "name", "") == "bfloat16":
            dtype = BFLOAT16
        strides, shape = interface.get("strides"), tuple(interface["shape"])
        return address, Kind(self, None, shape, dtype, strides and tuple(strides), address & 15, bool(locked))

    def normal(self, kind: Kind) -> tuple[Any, Any]:
        """NumPy's dtype, and strides in bytes, of an array."""
        return kind.dtype, kind.strides

    def place(self, array: Any) -> Any:
        """The address of an array that this library made."""
        return array.device_ctypes_pointer.value or 0

    def empty(self, shape: tuple[int, ...], dtype: Any, like: Any) -> Any:
        """A new array on the device of another one; dtype None is that of the other."""
        return cuda.device_array(shape, like.dtype if dtype is None else dtype)

    def workspace(self, size: int, like: Any, device: int, stream: int) -> Any:
        """Memory for the time of a call. Its pool makes it safe for what follows on the stream."""
        return self.empty((size,), np.uint8, like)

    def table(self, values: tuple[float, ...], dtype: Any, like: Any, device: int, stream: int) -> Any:
        """Constants on the device: copied there by the first call on a stream, which is the only one that waits."""
        key = values, dtype, device, stream
        found = self._tables.get(key)
        if found is None:
            if len(self._tables) >= 256:
                self._tables.clear()
            found = self._tables[key] = self._upload(np.array(values, dtype), like)
        return found

    def _upload(self, values: Any, like: Any) -> Any:
        return cuda.to_device(values)

    def stream(self, like: Any) -> int:
        """The caller's current stream."""
        return PER_THREAD_STREAM if config.CUDA_PER_THREAD_DEFAULT_STREAM else 0


class Numba(Library):
    """Numba's device arrays."""

    def __init__(self) -> None:
        super().__init__()
        self._kept = threading.local()

    def inspect(self, array: Any) -> tuple[Any, Kind]:
        """Where an array is, and all else about it that a plan depends on."""
        address = array.device_ctypes_pointer.value or 0
        device = array.gpu_data.context.device.id
        return address, Kind(self, device, array.shape, array.dtype, array.strides, address & 15)

    def workspace(self, size: int, like: Any, device: int, stream: int) -> Any:
        """Memory for the time of a call, the same for every call of this thread on the stream, which are in order.

        There is no pool: to give memory back waits for the device, so a little of it is kept.
        """
        if size > KEPT:
            return self.empty((size,), np.uint8, like)
        rooms: Any = self._kept.__dict__
        found = rooms.get((device, stream))
        if found is None or found.size < size:
            found = rooms[device, stream] = self.empty((max(size, 1 << 16),), np.uint8, like)
        return found


class Simulated(Library):
    """The arrays of Numba's simulator: those of NumPy, behind a mask."""

    def inspect(self, array: Any) -> tuple[Any, Kind]:
        """Where an array is, and all else about it that a plan depends on."""
        memory = array._ary
        phase, locked = number_of(memory) & 7, not memory.flags.writeable
        return memory, Kind(self, 0, memory.shape, memory.dtype, memory.strides, phase, locked)

    def place(self, array: Any) -> Any:
        """The memory of an array."""
        return array._ary


class CuPy(Library):
    """CuPy arrays."""

    def inspect(self, array: Any) -> tuple[Any, Kind]:
        """Where an array is, and all else about it that a plan depends on."""
        data = array.data
        address = data.ptr
        return address, Kind(self, data.device_id, array.shape, array.dtype, array.strides, address & 15)

    def place(self, array: Any) -> Any:
        """The address of an array."""
        return array.data.ptr

    def empty(self, shape: tuple[int, ...], dtype: Any, like: Any) -> Any:
        """A new array from CuPy's pool."""
        return sys.modules["cupy"].empty(shape, like.dtype if dtype is None else dtype)

    def _upload(self, values: Any, like: Any) -> Any:
        return sys.modules["cupy"].asarray(values)

    def stream(self, like: Any) -> int:
        """CuPy's current stream."""
        return int(sys.modules["cupy"].cuda.get_current_stream().ptr)


class Torch(Library):
    """CUDA tensors of torch; what they compute here is not seen by autograd."""

    def inspect(self, array: Any) -> tuple[Any, Kind]:
        """Where a tensor is, and all else; its array interface supports neither bfloat16 nor requires_grad."""
        address = array.data_ptr()
        return address, Kind(self, array.get_device(), array.shape, array.dtype, array.stride(), address & 15)

    def normal(self, kind: Kind) -> tuple[Any, Any]:
        """NumPy's dtype, and strides in bytes, of a tensor."""
        dtype = _numpy_dtype(kind.dtype)
        return dtype, tuple(s * dtype.itemsize for s in kind.strides)

    def place(self, array: Any) -> Any:
        """The address of a tensor."""
        return array.data_ptr()

    def empty(self, shape: tuple[int, ...], dtype: Any, like: Any) -> Any:
        """A new tensor from torch's pool."""
        kind = like.dtype if dtype is None else _torch_dtype(dtype)
        return sys.modules["torch"].empty(shape, dtype=kind, device=like.device)

    def _upload(self, values: Any, like: Any) -> Any:
        return sys.modules["torch"].from_numpy(values).to(like.device)

    def stream(self, like: Any) -> int:
        """torch's current stream on the tensor's device."""
        return int(_raw_stream()(like.get_device()))


@cache
def _numpy_dtype(dtype: Any) -> Any:
    name = str(dtype).removeprefix("torch.")
    return BFLOAT16 if name == "bfloat16" else np.dtype(name)


@cache
def _torch_dtype(dtype: Any) -> Any:
    return getattr(sys.modules["torch"], np.dtype(dtype).name)


@cache
def _raw_stream() -> Any:
    """torch's own short way to the handle of its current stream, or the documented one."""
    torch = sys.modules["torch"]
    short = getattr(torch._C, "_cuda_getCurrentRawStream", None)
    return short or (lambda device: torch.cuda.current_stream(device).cuda_stream)


_LIBRARIES = {"cupy": CuPy(), "torch": Torch(), "numba": Simulated() if SIMULATED else Numba()}
_OTHERS = Library()


@cache
def _library_of(cls: Any) -> Library:
    return next((_LIBRARIES[m] for c in cls.__mro__ if (m := c.__module__.split(".")[0]) in _LIBRARIES), _OTHERS)


def library_of(array: Any) -> Library:
    """The library that an array belongs to."""
    cls: Any = type(array)
    return _library_of(cls)
