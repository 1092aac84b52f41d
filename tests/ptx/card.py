"""A GPU that is not there: below fastloss's own code on the host, kernels run in the interpreter.

What would need NVIDIA's driver is replaced: whether it is there, the context, the handle of a kernel and the launch,
whose packed arguments are read as the driver would. Arrays are those of a CuPy made here.
"""

import ctypes
import math
import sys
import types

import numpy as np

from tests.devices import Library
from tests.ptx import compiled
from tests.ptx.memory import KernelError, Memory
from tests.ptx.program import Program

REAL = {"f32": ctypes.c_float, "f64": ctypes.c_double, "u64": ctypes.c_uint64}


class Room:
    """An allocation, given back when the last array in it is gone."""

    def __init__(self, size):
        self.memory = CARD.memory
        self.address = self.memory.allocate(size)

    def __del__(self):
        self.memory.free(self.address)


class ndarray:
    """An array of this CuPy."""

    __module__ = "cupy"
    __cuda_array_interface__ = property(lambda self: refuse())

    def __init__(self, shape, dtype, room=None, offset=0, strides=None):
        self.shape, self.dtype = tuple(shape), np.dtype(dtype)
        full = tuple(self.dtype.itemsize * math.prod(self.shape[k + 1 :]) for k in range(len(self.shape)))
        self.strides = full if strides is None else tuple(strides)
        self.room = room or Room(self.size * self.dtype.itemsize)
        self.data = types.SimpleNamespace(ptr=self.room.address + offset, device_id=0)

    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: math.prod(self.shape))

    def view(self, look):
        """The part of the array that `look` takes of an array of NumPy."""
        like = np.ndarray(self.shape, self.dtype, bytearray(self.size * self.dtype.itemsize), 0, self.strides)
        part = look(like)
        offset = part.__array_interface__["data"][0] - like.__array_interface__["data"][0]
        return ndarray(part.shape, self.dtype, self.room, self.data.ptr + offset - self.room.address, part.strides)

    def get(self):
        """As NumPy has it; an error where a byte was never written."""
        if not self.size:
            return np.empty(self.shape, self.dtype)
        steps = [s * (n - 1) for s, n in zip(self.strides, self.shape, strict=True)]
        low, high = sum(min(s, 0) for s in steps), sum(max(s, 0) for s in steps) + self.dtype.itemsize
        memory = self.room.memory
        at = self.data.ptr - memory.base
        arrays = [
            np.ndarray(self.shape, kind, data[at + low : at + high].tobytes(), -low, self.strides)
            for data, kind in ((memory.bytes, self.dtype), (memory.written, f"V{self.dtype.itemsize}"))
        ]
        if not np.frombuffer(arrays[1].tobytes(), bool).all():
            raise KernelError("a result is not written everywhere")
        return arrays[0].copy()


def refuse():
    raise AssertionError("a launch path that asks for the array interface")


def put(array, offset=0):
    """A copy on the card that begins `offset` bytes behind a multiple of 256 and ends where its memory does."""
    array = np.asarray(array)
    found = ndarray(array.shape, array.dtype, Room(array.nbytes + offset), offset)
    CARD.memory.write(found.data.ptr, array.tobytes())
    return found


class Stream:
    ptr = 77


class Card:
    """The driver, and the memory."""

    def __init__(self):
        self.programs, self.handles = {}, {}
        self.reset()

    def reset(self, capability=(9, 0)):
        """Empty memory, and the card for which kernels are made from now on."""
        self.capability = capability
        self.memory, self.seed, self.watch = Memory("global", 1 << 40, 1 << 12), None, None
        libraries = sys.modules.get("fastloss._cuda.libraries")
        if libraries:
            libraries._LIBRARIES["cupy"]._tables.clear()  # class weights that lay there

    def device(self):
        return 0

    def error(self, code):
        return f"error {code}"

    def handle(self, kernel):
        """A number for a kernel as it is made now."""
        key = kernel.name, self.capability
        if key not in self.programs:
            text = compiled.text(kernel, self.capability)
            self.programs[key] = len(self.handles) + 1
            self.handles[self.programs[key]] = kernel, Program(text, kernel.name)
        return self.programs[key]

    def launch(self, handle, blocks, y, z, threads, v, w, shared, stream, parameters, extra):
        kernel, program = self.handles[handle]
        assert (y, z, v, w, shared, extra, stream) == (1, 1, 1, 1, 0, None, Stream.ptr)
        assert 0 < blocks < 1 << 31
        count = len(program.parameters)
        assert count == len(kernel.signature.args)
        places = (ctypes.c_void_p * count).from_address(parameters)
        values = [REAL[k].from_address(places[i]).value for i, (k, _) in enumerate(program.parameters)]
        self.memory.reads = set()
        program.launch(self.memory, blocks, threads, values, self.seed)
        if self.watch is not None:
            self.watch.append((kernel, program, threads, values, self.memory.reads))
        return 0

    def install(self, monkeypatch):
        """Put the card in place."""
        from fastloss._core import dispatch as _dispatch
        from fastloss._cuda import evaluate, launch

        cupy = types.ModuleType("cupy")
        cupy.ndarray, cupy.empty, cupy.asarray = ndarray, ndarray, put
        cupy.cuda = types.SimpleNamespace(get_current_stream=lambda: Stream)
        monkeypatch.setitem(sys.modules, "cupy", cupy)
        monkeypatch.setattr(_dispatch, "_missing", lambda: "")
        for module in (launch, evaluate):
            monkeypatch.setattr(module, "driver", lambda: self)
        monkeypatch.setattr(launch.Kernel, "handle", lambda kernel, device: self.handle(kernel))


CARD = Card()


def library():
    """The arrays of this CuPy as tests.devices knows those of other libraries."""

    def view(memory, offset, shape, dtype, strides):
        return ndarray(shape, dtype, memory.room, memory.data.ptr - memory.room.address + offset, strides)

    return Library("cupy", put, view, ndarray.get, backwards=True)
