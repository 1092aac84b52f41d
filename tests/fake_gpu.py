"""A driver and a CuPy that are not there: a call goes its whole way on the host, down to a launch that is recorded.

What a kernel would be given is read back through the pointers that the driver gets, so a wrong packing is seen.
"""

import ctypes
import math
import sys
import types

import numpy as np


class Memory:
    def __init__(self, ptr, device_id):
        self.ptr, self.device_id = ptr, device_id


class ndarray:
    """An array of this CuPy: an address of nothing."""

    __module__ = "cupy"
    __cuda_array_interface__ = property(lambda self: refuse())
    top = 1 << 40

    def __init__(self, shape, dtype, ptr=None, device=0, strides=None):
        self.shape, self.dtype = shape, np.dtype(dtype)
        self.strides = strides or tuple(self.dtype.itemsize * math.prod(shape[k + 1 :]) for k in range(len(shape)))
        if ptr is None:
            ptr = ndarray.top
            ndarray.top += -(-int(np.prod(shape)) * self.dtype.itemsize // 512) * 512
        self.data = Memory(ptr, device)


def refuse():
    raise AssertionError("a launch path that asks for the array interface")


class Stream:
    ptr = 77


class Driver:
    """Records launches as (kernel's handle, blocks, threads, stream, integers)."""

    def __init__(self):
        self.launches, self.kernels = [], {}

    def device(self):
        return 0

    def error(self, code):
        return f"error {code}"

    def launch(self, handle, blocks, _y, _z, threads, _v, _w, shared, stream, parameters, extra):
        kernel = self.kernels[handle]
        pointers = (ctypes.c_void_p * len(kernel.signature.args)).from_address(parameters)
        integers = [ctypes.c_int64.from_address(pointers[i]).value for i in range(kernel.integers)]
        reals = [kernel.ctype.from_address(pointers[i]).value for i in range(kernel.integers, len(pointers))]
        self.launches.append((kernel.name, blocks, threads, stream, integers, reals))
        return 0


def install(monkeypatch):
    """Put them in place; the driver that records."""
    from fastloss._core import dispatch as _dispatch
    from fastloss._cuda import launch

    fake = Driver()

    def handle(kernel, device):
        fake.kernels[id(kernel)] = kernel
        return id(kernel)

    cupy = types.ModuleType("cupy")
    cupy.empty = lambda shape, dtype: ndarray(shape, dtype)
    cupy.asarray = lambda values: ndarray(values.shape, values.dtype)
    cupy.cuda = types.SimpleNamespace(get_current_stream=lambda: Stream)
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setattr(_dispatch, "_missing", lambda: "")
    monkeypatch.setattr(launch, "driver", lambda: fake)
    monkeypatch.setattr(launch.Kernel, "handle", handle)
    from fastloss._cuda import evaluate

    monkeypatch.setattr(evaluate, "driver", lambda: fake)
    return fake
