"""Single instructions of a GPU that Numba has no name for, each also in plain Python, for the simulator."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types

from .cuda_code import I32, assembly, extreme, since_ampere, special
from .intrinsics import compiles


def maximum(a: Any, b: Any) -> Any:
    """The larger of two floats; NaN if one is."""
    return a if a > b or a != a else b


@compiles(maximum, types.Float, types.Float, typer=lambda a, b: a)
def _lower_maximum(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return extreme(builder, "max", ">", *args)


def exp2(x: Any) -> Any:
    """2 ** x by the unit for special functions: a relative error of 2^-22, subnormal results are 0. float32."""
    value = np.exp2(x)
    return value if value >= np.float32(2.0**-126) else np.float32(0) * value


@compiles(exp2, types.float32, typer=lambda x: types.float32)
def _lower_exp2(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return special(builder, "ex2", args[0])


def log2(x: Any) -> Any:
    """log2(x) by that unit: an error of 2^-22, relative beyond 1/2 and 2; subnormal arguments are 0. float32."""
    return np.log2(x if abs(x) >= np.float32(2.0**-126) else np.float32(0) * x)


@compiles(log2, types.float32, typer=lambda x: types.float32)
def _lower_log2(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return special(builder, "lg2", args[0])


def packing(instruction: str, bits_of: Callable[[Any], Any], older: Callable[[Any, Any], Any]) -> Any:
    """The function that makes two floats of 16 bits out of two of 32, the first in the low bits of an integer.

    bits_of is what it does to each in plain Python, older(builder, value) what LLVM does where the card has no
    instruction for two.
    """

    def pack(low: Any, high: Any) -> Any:
        return np.uint32(bits_of(low)) | np.uint32(bits_of(high)) << np.uint32(16)

    @compiles(pack, types.float32, types.float32, typer=lambda low, high: types.uint32)
    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        def each() -> Any:
            low, high = (builder.zext(older(builder, value), I32) for value in args)
            return builder.or_(low, builder.shl(high, I32(16)))

        return since_ampere(
            builder, lambda: assembly(builder, f"{instruction} $0, $1, $2;", "=r,f,f", I32, args[::-1]), each
        )

    return pack
