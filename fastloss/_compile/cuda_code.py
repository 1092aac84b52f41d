"""What lowerings emit for a GPU.

Where older cards lack an instruction, they compute the same another way: NVVM knows the card and keeps one of the two.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils

I8, I32, FLOAT = ir.IntType(8), ir.IntType(32), ir.FloatType()
AMPERE = 800
"""The first cards with max.NaN and with conversions of two floats at once."""


def on_card(builder: Any) -> bool:
    """Whether what is being compiled is for a GPU."""
    return str(builder.module.triple).startswith("nvptx")


def since_ampere(builder: Any, new: Callable[[], Any], old: Callable[[], Any]) -> Any:
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


def assembly(builder: Any, instruction: str, constraint: str, result: Any, args: list[Any]) -> Any:
    """An instruction of PTX."""
    kind = ir.FunctionType(result, [a.type for a in args])
    return builder.call(ir.InlineAsm(kind, instruction, constraint), args)


def special(builder: Any, name: str, x: Any) -> Any:
    """A function of a float32 by the unit for special functions; subnormal results are 0."""
    return assembly(builder, f"{name}.approx.ftz.f32 $0, $1;", "=f,f", FLOAT, [x])


def extreme(builder: Any, name: str, comparison: str, a: Any, b: Any) -> Any:
    """The larger or smaller of two floats, by name and comparison; NaN if one is."""

    def chosen() -> Any:
        first = builder.or_(builder.fcmp_ordered(comparison, a, b), builder.fcmp_unordered("uno", a, a))
        return builder.select(first, a, b)

    if a.type != FLOAT:
        return chosen()
    instruction = f"{name}.NaN.f32 $0, $1, $2;"
    return since_ampere(builder, lambda: assembly(builder, instruction, "=f,f,f", FLOAT, [a, b]), chosen)
