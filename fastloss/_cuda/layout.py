"""Arrays that a kernel cannot reach where they lie (strides, other dtypes) are copied on the device, in C order."""

from functools import cache
from typing import Any

import numpy as np
from numba import cuda

from .._compile.cuda_memory import load, store
from .._compile.jit import scalar
from .arrays import View, c_strides, pointer
from .formats import Format, format_of
from .launch import Kernel
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


def merged(shape: tuple[int, ...], *strides: tuple[int, ...]) -> tuple[list[int], list[list[int]]]:
    """The same walk over fewer axes: those of size 1 left out, neighbours joined where all strides fit."""
    sizes: list[int] = []
    steps: list[list[int]] = [[] for _ in strides]
    for k, n in enumerate(shape):
        if n == 1:
            continue
        here = [s[k] for s in strides]
        if sizes and all(step[-1] == s * n for step, s in zip(steps, here, strict=True)):
            sizes[-1] *= n
            for step, s in zip(steps, here, strict=True):
                step[-1] = s
        else:
            sizes.append(n)
            for step, s in zip(steps, here, strict=True):
                step.append(s)
    return sizes, steps


def copy(source: View, target: View, plan: Any, what: str) -> None:
    """target = source, whose axes of size 1 are repeated to the target's shape; what: which argument it is for."""
    formats = format_of(source.dtype), format_of(target.dtype)
    assert formats[0] is not None
    assert formats[1] is not None, "checked where the arrays came in"
    if not target.size:
        return
    strides, starts, bases = [], [], []
    for v in (source, target):
        own = v.strides or c_strides(v.shape, v.dtype.itemsize)
        strides.append(tuple(0 if n == 1 else s // v.dtype.itemsize for n, s in zip(v.shape, own, strict=True)))
        before = v.extent[0]
        bases.append(pointer(v, before))
        starts.append(-before // v.dtype.itemsize)
    sizes, steps = merged(target.shape, *strides)
    lost = DIMENSIONS - len(sizes)
    if lost < 0:
        raise ValueError(f"{what} has {len(sizes)} axes that lie apart in memory, expected at most {DIMENSIONS} "
                         "on a GPU; a contiguous array may have any number")  # fmt: skip
    kernel = _copier(formats[0], formats[1])
    plan.launch(kernel, -(-target.size // THREADS), THREADS, *bases, target.size, *[1] * lost, *sizes, *[0] * lost,
                *steps[0], *[0] * lost, *steps[1], *starts)  # fmt: skip


def contiguous(v: View, dtype: Any, plan: Any, what: str, shape: tuple[int, ...] | None = None) -> View:
    """The array in C order, as dtype (None: its own), repeated to a shape; itself if it is that already."""
    shape = v.shape if shape is None else shape
    same = dtype is None or v.dtype == np.dtype(dtype)
    if v.contiguous and same and v.shape == shape:
        return v
    target: View = plan.buffer(shape, v.dtype if dtype is None else dtype)
    copy(v, target, plan, what)
    return target


@cache
def _filler(real: Any) -> Kernel:
    def kernel(target, value):
        store(target, 0, value)

    return Kernel(f"fill_{real.__name__}", kernel, 1, 1, real)


def fill(target: View, value: float, real: Any, plan: Any) -> None:
    """target[0] = value."""
    plan.launch(_filler(real), 1, 1, pointer(target), value)
