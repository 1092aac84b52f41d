"""Arrays that a kernel cannot reach where they lie (strides, other dtypes) are copied on the device, in C order."""

from functools import cache
from typing import Any

import numpy as np
from numba import cuda

from .._jit import scalar
from .arrays import View, c_strides, library_of, pointer, view
from .formats import Format, format_of
from .launch import Kernel
from .memory import load, store
from .sums import THREADS

DIMENSIONS = 8


@scalar
def _axis(here: Any, there: Any, rest: Any, n: Any, s: Any, t: Any) -> Any:
    """Two positions after a step along an axis of n elements, and the index over the axes before it."""
    k = rest % n
    return here + k * s, there + k * t, rest // n


@cache
def _copier(source: Format, target: Format) -> Kernel:
    """target = source, element by element; each has a shape in common, strides of its own and an offset."""
    s_kind, read, t_kind, write = source.storage, source.read, target.storage, target.write
    reads, writes, plain = read is not None, write is not None, source == target

    def kernel(a, b, size, n0, n1, n2, n3, n4, n5, n6, n7, a0, a1, a2, a3, a4, a5, a6, a7,
               b0, b1, b2, b3, b4, b5, b6, b7, a_start, b_start):  # fmt: skip
        i = np.int64(cuda.blockIdx.x) * THREADS + cuda.threadIdx.x
        if i < size:
            here, there, rest = np.int64(a_start), np.int64(b_start), i
            here, there, rest = _axis(here, there, rest, n7, a7, b7)
            here, there, rest = _axis(here, there, rest, n6, a6, b6)
            here, there, rest = _axis(here, there, rest, n5, a5, b5)
            here, there, rest = _axis(here, there, rest, n4, a4, b4)
            here, there, rest = _axis(here, there, rest, n3, a3, b3)
            here, there, rest = _axis(here, there, rest, n2, a2, b2)
            here, there, rest = _axis(here, there, rest, n1, a1, b1)
            here, there, rest = _axis(here, there, rest, n0, a0, b0)
            bits = load(a, here, s_kind)
            if plain:
                store(b, there, bits)
            else:
                value = read(bits) if reads else bits
                store(b, there, write(np.float32(value)) if writes else t_kind(value))

    return Kernel(f"copy_{source.name}_{target.name}", kernel, 3 + 3 * DIMENSIONS + 2)


def copy(source: View, target: View, stream: int) -> None:
    """target = source, whose axes of size 1 are repeated to the target's shape."""
    formats = format_of(source.dtype), format_of(target.dtype)
    if formats[0] is None or formats[1] is None or target.ndim > DIMENSIONS:
        raise ValueError(f"an array of dtype {source.dtype} and shape {source.shape} cannot be copied to "
                         f"{target.dtype} and {target.shape} on the device; expected a known dtype in at most "
                         f"{DIMENSIONS} dimensions")  # fmt: skip
    if not target.size:
        return
    shape = (1,) * (DIMENSIONS - target.ndim) + target.shape
    steps, starts, bases = [], [], []
    for v in (source, target):
        strides = v.strides or c_strides(v.shape, v.dtype.itemsize)
        strides = tuple(0 if n == 1 else s // v.dtype.itemsize for n, s in zip(v.shape, strides, strict=True))
        steps += [*(0,) * (DIMENSIONS - v.ndim), *strides]
        before = v.extent[0]
        bases.append(pointer(v, before))
        starts.append(-before // v.dtype.itemsize)
    kernel = _copier(formats[0], formats[1])
    kernel(-(-target.size // THREADS), THREADS, stream, *bases, target.size, *shape, *steps, *starts)


def contiguous(v: View, dtype: Any, stream: int, shape: tuple[int, ...] | None = None, like: Any = None) -> View:
    """The array in C order, as dtype (None: its own), repeated to a shape; itself if it is that already."""
    shape = v.shape if shape is None else shape
    same = dtype is None or v.dtype == np.dtype(dtype)
    if v.contiguous and same and v.shape == shape:
        return v
    owner = v.owner if like is None else like
    target = view(library_of(owner).empty(shape, dtype, owner))
    copy(v, target, stream)
    return target


@cache
def _filler(real: Any) -> Kernel:
    def kernel(target, value):
        store(target, 0, value)

    return Kernel(f"fill_{real.__name__}", kernel, 1, 1, real)


def fill(target: View, value: float, real: Any, stream: int) -> None:
    """target[0] = value."""
    _filler(real)(1, 1, stream, pointer(target), value)
