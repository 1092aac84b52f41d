"""Calls of compiled functions by their address; in plain Python the address of a function is the function."""

from typing import Any

from llvmlite import ir
from numba import types

from .intrinsics import compiles

I64 = ir.IntType(64)


def invoke(function: Any, a: Any, b: Any, c: Any, d: Any, e: Any) -> Any:
    """Call a compiled function of five arguments by its address."""
    return function(a, b, c, d, e)


def invoke_block(function: Any, call: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, count: Any) -> Any:
    """Call a compiled function of eight arguments by its address."""
    return function(call, a, b, c, d, e, f, count)


def invoke_elements(function: Any, call: Any, start: Any, y: Any, p: Any, w: Any, a: Any, b: Any, c: Any,
                    count: Any) -> Any:  # fmt: skip
    """Call a compiled function of nine arguments by its address."""
    return function(call, start, y, p, w, a, b, c, count)


def _call(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    integers = [context.cast(builder, a, t, types.int64) for a, t in zip(args, sig.args, strict=True)]
    signature = ir.FunctionType(I64, [I64] * (len(args) - 1))
    return builder.call(builder.inttoptr(integers[0], signature.as_pointer()), integers[1:])


compiles(invoke, *[types.Integer] * 6, typer=lambda function, a, b, c, d, e: types.int64)(_call)
compiles(invoke_elements, *[types.Integer] * 10,
         typer=lambda function, call, start, y, p, w, a, b, c, count: types.int64)(_call)  # fmt: skip
compiles(invoke_block, *[types.Integer] * 9, typer=lambda function, call, a, b, c, d, e, f, count: types.int64)(_call)
