"""Single instructions of a GPU that Numba has no name for, each also in plain Python, for the simulator.

Where older cards lack one, they compute the same another way: NVVM knows the card and keeps one of the two.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from .intrinsics import compiles

I8, I32, FLOAT = ir.IntType(8), ir.IntType(32), ir.FloatType()
AMPERE = 800
"""The first cards with max.NaN and with conversions of two floats at once."""


def _since_ampere(builder: Any, new: Callable[[], Any], old: Callable[[], Any]) -> Any:
    """What new() computes, or old() on older cards."""
    module, name = builder.module, "fastloss_cuda_arch"
    if name not in module.globals:
        text = ir.Constant(ir.ArrayType(I8, 12), bytearray(b"__CUDA_ARCH\0"))
        asked = ir.GlobalVariable(module, text.type, name, addrspace=4)
        asked.global_constant, asked.linkage, asked.initializer = True, "internal", text
    reflect = cgutils.get_or_insert_function(module, ir.FunctionType(I32, [I8.as_pointer()]), "__nvvm_reflect")
    place = builder.addrspacecast(builder.gep(module.globals[name], [I32(0), I32(0)]), I8.as_pointer())
    branch = builder.icmp_signed(">=", builder.call(reflect, [place]), I32(AMPERE))
    with builder.if_else(branch) as (then, otherwise):
        with then:
            first, first_block = new(), builder.block
        with otherwise:
            second, second_block = old(), builder.block
    result = builder.phi(first.type)
    result.add_incoming(first, first_block)
    result.add_incoming(second, second_block)
    return result


def _assembly(builder: Any, instruction: str, constraint: str, result: Any, args: list[Any]) -> Any:
    kind = ir.FunctionType(result, [a.type for a in args])
    return builder.call(ir.InlineAsm(kind, instruction, constraint), args)


def maximum(a: Any, b: Any) -> Any:
    """The larger of two floats; NaN if one is."""
    return a if a > b or a != a else b


@compiles(maximum, types.Float, types.Float, typer=lambda a, b: a)
def _lower_maximum(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    a, b = args

    def chosen() -> Any:
        larger = builder.or_(builder.fcmp_ordered(">", a, b), builder.fcmp_unordered("uno", a, a))
        return builder.select(larger, a, b)

    if sig.return_type.bitwidth == 64:
        return chosen()
    return _since_ampere(
        builder, lambda: _assembly(builder, "max.NaN.f32 $0, $1, $2;", "=f,f,f", FLOAT, [a, b]), chosen
    )


def exp2(x: Any) -> Any:
    """2 ** x by the unit for special functions: a relative error of 2^-22, subnormal results are 0. float32."""
    value = np.exp2(x)
    return value if value >= np.float32(2.0**-126) else np.float32(0) * value


@compiles(exp2, types.float32, typer=lambda x: types.float32)
def _lower_exp2(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return _assembly(builder, "ex2.approx.ftz.f32 $0, $1;", "=f,f", FLOAT, args)


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

        return _since_ampere(
            builder, lambda: _assembly(builder, f"{instruction} $0, $1, $2;", "=r,f,f", I32, args[::-1]), each
        )

    return pack
