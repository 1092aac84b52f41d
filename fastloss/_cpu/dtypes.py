"""Copies between an array's dtype and spacing and the contiguous buffers that the maths works on, block by block.

A label of any dtype costs one small function here instead of a kernel for every loss.
"""

from functools import cache
from typing import Any

import numpy as np

from .._compile.jit import helper, scalar
from .._compile.memory import elements
from .._math.half import has_float16
from .._math.storage import HALVES, storage
from .call import ABSENT, Operand
from .launch import Function


def _reachable(dtype: Any) -> Any:
    """The dtype as which compiled code sees an array's memory, or None where it cannot."""
    return None if dtype.name == "float16" and not has_float16() else storage(dtype)


@cache
def reader(dtype: Any, real: Any) -> Function | None:
    """The function that reads an array of this dtype as real, or as int64; None where there is none."""
    source = _reachable(dtype)
    if source is None:
        return None
    half = HALVES.get(dtype.name)
    name = dtype.name if half else source.__name__
    convert = half[0] if half else None
    if real is np.int64:
        convert = _whole if dtype.kind == "f" else _class_index if source is np.uint64 else None
    return Function(f"read-{name}-{real.__name__}", _conversion(source, real, convert, real))


@cache
def writer(real: Any, dtype: Any) -> Function | None:
    """The function that writes real to an array of this dtype; None where there is none."""
    half = HALVES.get(dtype.name)
    target = _reachable(dtype)
    if target is None or dtype.kind in "biu" or (half and real is not np.float32):
        return None
    name = dtype.name if half else target.__name__
    return Function(f"write-{real.__name__}-{name}", _conversion(real, target, half[1] if half else None, target))


@scalar
def _class_index(x: Any) -> Any:
    """A class index; one that is too large is no class, nor any ignore_index that is in use."""
    return np.int64(-(2**63)) if x > np.uint64(2**63 - 1) else np.int64(x)


@scalar
def _whole(x: Any) -> Any:
    """The class index that a float is; one that is no whole number is no class."""
    return np.int64(x) if (x == np.floor(x)) & (abs(x) < 2**62) else np.int64(-(2**63))


def _conversion(source: Any, target: Any, convert: Any, cast: Any) -> Any:
    """convert_block(from, its stride, to, its stride, count); converts by a function, or by a cast."""
    special = convert is not None
    unsigned = source is np.uint64
    long = (source is np.int64 or unsigned) and target is not np.int64

    @helper
    def flat(values, result):
        for i in range(result.size):
            result[i] = convert(values[i]) if special else cast(values[i])

    @helper
    def narrow(values, result):
        """64-bit labels by way of 32 bits, for which there are vector instructions everywhere, where all fit."""
        wide, fitting = np.int64(0), np.int64(2**31 - 1)
        for i in range(result.size):
            small = np.int32(values[i])
            result[i] = cast(small)
            value = np.int64(values[i])
            wide |= value ^ (value & fitting if unsigned else np.int64(small))
        if wide != 0:
            flat(values, result)

    def convert_block(here, step, there, pace, count):
        values = elements(here, (count - 1) * step + 1, source)
        result = elements(there, (count - 1) * pace + 1, target)
        if step == 1 and pace == 1:
            if long:
                narrow(values, result)
            else:
                flat(values, result)
        else:
            for i in range(count):
                result[i * pace] = convert(values[i * step]) if special else cast(values[i * step])
        return 0

    return convert_block


def operand(array: Any, real: Any, output: bool = False, strided: bool = False) -> Operand | None:
    """How a kernel that computes in real reaches an array; None if only NumPy can. strided: not in memory order."""
    if array is None:
        return ABSENT
    dtype, flags = array.dtype, array.flags
    if not (flags.aligned and flags.c_contiguous):
        return None
    if dtype.type is real and not strided and dtype.isnative:
        return Operand(array, 0, dtype.itemsize)
    function = writer(real, dtype) if output else reader(dtype, real)
    return None if function is None else Operand(array, function.address, dtype.itemsize)
