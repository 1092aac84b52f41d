"""Floats of 16 bits, which Numba does not support: their bits as uint16, converted to and from float32."""

from functools import cache
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import types

from .._compile.intrinsics import compiles

I16, I32, FLOAT, HALF = ir.IntType(16), ir.IntType(32), ir.FloatType(), ir.HalfType()


@cache
def has_float16() -> bool:
    """Whether the processor converts float16; else LLVM calls functions that the process need not have."""
    x86 = llvm.get_process_triple().startswith(("x86_64", "i686"))
    return not x86 or bool(llvm.get_host_cpu_features().get("f16c"))


def from_float16(bits: Any) -> Any:
    """The float32 of the bits of a float16."""
    return np.float32(bits.view(np.float16))


def to_float16(x: Any) -> Any:
    """The bits of the float16 nearest to a float32."""
    return np.float16(x).view(np.uint16)


def from_bfloat16(bits: Any) -> Any:
    """The float32 of the bits of a bfloat16."""
    return np.uint32(int(bits) << 16).view(np.float32)


def to_bfloat16(x: Any) -> Any:
    """The bits of the bfloat16 nearest to a float32, ties to even; NaN stays NaN."""
    bits = int(x.view(np.uint32))
    return np.uint16(bits >> 16 | 0x40 if x != x else bits + 0x7FFF + (bits >> 16 & 1) >> 16)


@compiles(from_float16, types.uint16, typer=lambda value: types.float32)
def _from_float16(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.fpext(builder.bitcast(args[0], HALF), FLOAT)


@compiles(to_float16, types.float32, typer=lambda value: types.uint16)
def _to_float16(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return float16_bits(builder, args[0])


def float16_bits(builder: Any, value: Any) -> Any:
    """What LLVM does for to_float16."""
    return builder.bitcast(builder.fptrunc(value, HALF), I16)


@compiles(from_bfloat16, types.uint16, typer=lambda value: types.float32)
def _from_bfloat16(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.bitcast(builder.shl(builder.zext(args[0], I32), I32(16)), FLOAT)


@compiles(to_bfloat16, types.float32, typer=lambda value: types.uint16)
def _to_bfloat16(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return bfloat16_bits(builder, args[0])


def bfloat16_bits(builder: Any, value: Any) -> Any:
    """What LLVM does for to_bfloat16."""
    bits = builder.bitcast(value, I32)
    high = builder.lshr(bits, I32(16))
    lowest = builder.and_(high, I32(1))
    rounded = builder.lshr(builder.add(builder.add(bits, I32(0x7FFF)), lowest), I32(16))
    is_nan = builder.fcmp_unordered("uno", value, value)
    return builder.trunc(builder.select(is_nan, builder.or_(high, I32(0x40)), rounded), I16)
