"""Calls of compiled functions by their address; in plain Python the address of a function is the function."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import lower_builtin, type_callable

I64 = ir.IntType(64)


def _call(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    integers = [context.cast(builder, a, t, types.int64) for a, t in zip(args, sig.args, strict=True)]
    signature = ir.FunctionType(I64, [I64] * (len(args) - 1))
    return builder.call(builder.inttoptr(integers[0], signature.as_pointer()), integers[1:])


def invoke(function: Any, a: Any, b: Any, c: Any, d: Any, e: Any) -> Any:
    """Call a compiled function of five arguments by its address."""
    return function(a, b, c, d, e)


@type_callable(invoke)
def _type_invoke(context: Any) -> Any:
    return lambda function, a, b, c, d, e: types.int64


def invoke_block(function: Any, call: Any, y: Any, p: Any, w: Any, loss: Any, grad: Any, hess: Any, count: Any) -> Any:
    """Call the compiled function of a block of elements by its address."""
    return function(call, y, p, w, loss, grad, hess, count)


@type_callable(invoke_block)
def _type_invoke_block(context: Any) -> Any:
    return lambda function, call, y, p, w, loss, grad, hess, count: types.int64


lower_builtin(invoke, *[types.Integer] * 6)(_call)
lower_builtin(invoke_block, *[types.Integer] * 9)(_call)
