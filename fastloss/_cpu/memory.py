"""How a kernel gets its arguments and its scratch space: no boxing, no reference counts, no allocation.

A kernel is compiled for dtypes alone. It receives one *call*: in compiled code the address of packed 8-byte slots
(identities of arrays, integers, floats), in plain Python (NUMBA_DISABLE_JIT=1) the tuple of the values themselves.
So read-only arrays, any number of dimensions and alignment all share one compiled function.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import lower_builtin, type_callable
from numba.np.arrayobj import make_array, populate_array

I64 = ir.IntType(64)
DATA_OFFSET = object.__basicsize__  # PyArrayObject: the object header, then the data pointer
BYTES_OFFSET = bytes.__basicsize__ - 1


def address(packed: bytes) -> int:
    """Where the slots lie; they live as long as packed does."""
    return id(packed) + BYTES_OFFSET


def _array(context: Any, builder: Any, ty: types.Array, data: Any, count: Any) -> Any:
    """A C-contiguous 1-D array over borrowed memory, which nobody counts."""
    size = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(ty.dtype)))
    result = make_array(ty)(context, builder)
    populate_array(result, data=data, shape=[count], strides=[size], itemsize=size, meminfo=None)
    return result._getvalue()


def _slot(context: Any, builder: Any, call: Any, index: Any, ty: Any) -> Any:
    pointer = builder.inttoptr(call, ty.as_pointer())
    return builder.load(builder.gep(pointer, [index]))


# --- slots of a call --------------------------------------------------------------------------------------------


def array_at(call: Any, slot: int, count: int, dtype: Any) -> Any:
    """The first count elements of the contiguous array in a slot, in memory order, read as dtype."""
    array = call[slot]
    return np.empty(0, dtype) if array is None else array.reshape(-1, order="A").view(dtype)[:count]


@type_callable(array_at)
def _type_array_at(context: Any) -> Any:
    return lambda call, slot, count, dtype: types.Array(dtype.dtype, 1, "C")


@lower_builtin(array_at, types.Integer, types.Integer, types.Integer, types.Any)
def _lower_array_at(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    identity = _slot(context, builder, args[0], args[1], I64)
    pointer_type = context.get_data_type(sig.return_type.dtype).as_pointer()
    field = builder.inttoptr(builder.add(identity, I64(DATA_OFFSET)), pointer_type.as_pointer())
    return _array(context, builder, sig.return_type, builder.load(field), args[2])


def int_at(call: Any, slot: int) -> int:
    """The integer in a slot."""
    return int(call[slot])


@type_callable(int_at)
def _type_int_at(context: Any) -> Any:
    return lambda call, slot: types.int64


@lower_builtin(int_at, types.Integer, types.Integer)
def _lower_int_at(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return _slot(context, builder, args[0], args[1], I64)


def float_at(call: Any, slot: int, dtype: Any) -> Any:
    """The float in a slot, in dtype."""
    return dtype(call[slot])


@type_callable(float_at)
def _type_float_at(context: Any) -> Any:
    return lambda call, slot, dtype: dtype.dtype


@lower_builtin(float_at, types.Integer, types.Integer, types.Any)
def _lower_float_at(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    value = _slot(context, builder, args[0], args[1], ir.DoubleType())
    return context.cast(builder, value, types.float64, sig.return_type)


# --- views and scratch ------------------------------------------------------------------------------------------


def borrow(array: Any, start: int, count: int) -> Any:
    """array[start:start + count] of a contiguous 1-D array; a slice counts references, atomically."""
    return array[start : start + count]


@type_callable(borrow)
def _type_borrow(context: Any) -> Any:
    return lambda array, start, count: types.Array(array.dtype, 1, "C") if isinstance(array, types.Array) else None


@lower_builtin(borrow, types.Array, types.Integer, types.Integer)
def _lower_borrow(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    source = make_array(sig.args[0])(context, builder, args[0])
    start = context.cast(builder, args[1], sig.args[1], types.intp)
    count = context.cast(builder, args[2], sig.args[2], types.intp)
    return _array(context, builder, sig.return_type, builder.gep(source.data, [start]), count)


def scratch(count: int, dtype: Any) -> Any:
    """An uninitialised array of a literal count of elements, on the stack."""
    return np.empty(count, dtype)


@type_callable(scratch)
def _type_scratch(context: Any) -> Any:
    return lambda count, dtype: types.Array(dtype.dtype, 1, "C") if isinstance(count, types.IntegerLiteral) else None


@lower_builtin(scratch, types.IntegerLiteral, types.Any)
def _lower_scratch(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    count = sig.args[0].literal_value
    dtype = context.get_data_type(sig.return_type.dtype)
    with builder.goto_entry_block():  # once, loops or not; Numba's own helper would fill it with zeros
        memory = builder.alloca(ir.ArrayType(dtype, count))
    memory.align = 64
    zero = ir.IntType(32)(0)
    data = builder.gep(memory, [zero, zero])
    return _array(context, builder, sig.return_type, data, context.get_constant(types.intp, count))


def copy(source: Any, target: Any) -> None:
    """target[:] = source, for contiguous arrays of one dtype and size: a call of memcpy, not a loop to compile."""
    target[:] = source


@type_callable(copy)
def _type_copy(context: Any) -> Any:
    return lambda source, target: types.none


@lower_builtin(copy, types.Array, types.Array)
def _lower_copy(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    source = make_array(sig.args[0])(context, builder, args[0])
    target = make_array(sig.args[1])(context, builder, args[1])
    cgutils.raw_memcpy(builder, target.data, source.data, source.nitems, source.itemsize)
    return context.get_dummy_value()


def invoke(function: Any, call: Any, first: int, last: int, report: Any, row: int) -> None:
    """Call a compiled kernel by its address: blocks first..last, results to row of report."""
    function(call, first, last, report, row)


@type_callable(invoke)
def _type_invoke(context: Any) -> Any:
    return lambda function, call, first, last, report, row: types.none


@lower_builtin(invoke, *[types.Integer] * 6)
def _lower_invoke(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    signature = ir.FunctionType(I64, [I64] * 5)
    builder.call(builder.inttoptr(args[0], signature.as_pointer()), args[1:])
    return context.get_dummy_value()
