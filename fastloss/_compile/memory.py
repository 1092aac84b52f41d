"""How a kernel gets its arguments and its scratch space: no boxing, no reference counts, no allocation.

A kernel is compiled for dtypes alone: it receives the address of a record, see `records`, with the identities of
arrays. So read-only arrays, any number of dimensions and alignment all share one compiled function.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from .intrinsics import compiles

I64 = ir.IntType(64)
DATA_OFFSET = object.__basicsize__  # PyArrayObject: the object header, then the data pointer
BYTES_OFFSET = bytes.__basicsize__ - 1


def address(packed: bytes) -> int:
    """Where the bytes of a record lie; they live as long as packed does."""
    return id(packed) + BYTES_OFFSET


def _members(context: Any, builder: Any, ty: types.Array, value: Any = None) -> Any:
    """The fields of an array."""
    return cgutils.create_struct_proxy(ty)(context, builder, value)


def array_data(context: Any, builder: Any, ty: types.Array, value: Any) -> Any:
    """The pointer to an array's first element."""
    return _members(context, builder, ty, value).data


def _array(context: Any, builder: Any, ty: types.Array, data: Any, count: Any) -> Any:
    """A C-contiguous 1-D array over borrowed memory, without a reference count."""
    size = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(ty.dtype)))
    result = _members(context, builder, ty)
    result.data, result.nitems, result.itemsize = data, count, size
    result.shape, result.strides = cgutils.pack_array(builder, [count]), cgutils.pack_array(builder, [size])
    return result._getvalue()


def array_base(array: Any) -> Any:
    """Where an array begins, of which compiled code is given the identity; its elements follow in memory order."""
    return None if array is None else array.reshape(-1, order="A")


@compiles(array_base, types.Integer, typer=lambda array: types.int64)
def _lower_array_base(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.load(builder.inttoptr(builder.add(args[0], I64(DATA_OFFSET)), I64.as_pointer()))


# --- addresses ---------------------------------------------------------------------------------------------------
# In plain Python an address is the flat array that begins there.


def elements(base: Any, count: int, dtype: Any) -> Any:
    """The array of count elements at an address, read as dtype."""
    return np.empty(0, dtype) if base is None else base.view(dtype)[:count]


@compiles(
    elements, types.Integer, types.Integer, types.Any, typer=lambda base, count, dtype: types.Array(dtype.dtype, 1, "C")
)
def _lower_elements(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    pointer_type = context.get_data_type(sig.return_type.dtype).as_pointer()
    count = context.cast(builder, args[1], sig.args[1], types.intp)
    return _array(context, builder, sig.return_type, builder.inttoptr(args[0], pointer_type), count)


def beyond(base: Any, count: int, itemsize: int) -> Any:
    """The address `count` elements of `itemsize` bytes further on."""
    return base[count:]


@compiles(beyond, types.Integer, types.Integer, types.Integer, typer=lambda base, count, itemsize: types.int64)
def _lower_beyond(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    count, itemsize = (context.cast(builder, args[k], sig.args[k], types.int64) for k in (1, 2))
    return builder.add(args[0], builder.mul(count, itemsize))


def base_of(array: Any) -> Any:
    """The address of an array's first element."""
    return array


@compiles(base_of, types.Array, typer=lambda array: types.int64)
def _lower_base_of(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.ptrtoint(array_data(context, builder, sig.args[0], args[0]), I64)


# --- views and scratch ------------------------------------------------------------------------------------------


def borrow(array: Any, start: int, count: int) -> Any:
    """array[start:start + count] of a contiguous 1-D array; a slice counts references, atomically."""
    return array[start : start + count]


@compiles(
    borrow,
    types.Array,
    types.Integer,
    types.Integer,
    typer=lambda array, start, count: types.Array(array.dtype, 1, "C") if isinstance(array, types.Array) else None,
)
def _lower_borrow(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    source = _members(context, builder, sig.args[0], args[0])
    start = context.cast(builder, args[1], sig.args[1], types.intp)
    count = context.cast(builder, args[2], sig.args[2], types.intp)
    return _array(context, builder, sig.return_type, builder.gep(source.data, [start]), count)


def scratch(count: int, dtype: Any) -> Any:
    """An uninitialised array of a literal count of elements, on the stack."""
    return np.empty(count, dtype)


@compiles(
    scratch,
    types.IntegerLiteral,
    types.Any,
    typer=lambda count, dtype: types.Array(dtype.dtype, 1, "C") if isinstance(count, types.IntegerLiteral) else None,
)
def _lower_scratch(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    count = sig.args[0].literal_value
    dtype = context.get_data_type(sig.return_type.dtype)
    with builder.goto_entry_block():  # once, loops or not; Numba's own helper would fill it with zeros
        memory = builder.alloca(ir.ArrayType(dtype, count))
    memory.align = 64
    zero = ir.IntType(32)(0)
    data = builder.gep(memory, [zero, zero])
    return _array(context, builder, sig.return_type, data, context.get_constant(types.intp, count))


def workspace(count: int, dtype: Any) -> Any:
    """An uninitialised array that begins with a line of the cache: vectors of others lie in two lines each."""
    return np.empty(count, dtype)


@compiles(workspace, types.Integer, types.Any, typer=lambda count, dtype: types.Array(dtype.dtype, 1, "C"))
def _lower_workspace(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    dtype, count = context.get_data_type(sig.return_type.dtype), context.cast(builder, args[0], sig.args[0], types.intp)
    size = builder.mul(count, context.get_constant(types.intp, context.get_abi_sizeof(dtype)))
    owner = context.nrt.meminfo_alloc_aligned(builder, size, 64)  # raises MemoryError
    data = builder.bitcast(context.nrt.meminfo_data(builder, owner), dtype.as_pointer())
    result = _members(context, builder, sig.return_type, _array(context, builder, sig.return_type, data, count))
    result.meminfo = owner
    return result._getvalue()


def copy(source: Any, target: Any) -> None:
    """target[:] = source, for contiguous arrays of one dtype and size: a call of memcpy, not a loop to compile."""
    target[:] = source


@compiles(copy, types.Array, types.Array, typer=lambda source, target: types.none)
def _lower_copy(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    source = _members(context, builder, sig.args[0], args[0])
    target = _members(context, builder, sig.args[1], args[1])
    cgutils.raw_memcpy(builder, target.data, source.data, source.nitems, source.itemsize)
    return context.get_dummy_value()


def prefetch(array: Any, first: int, last: int) -> None:
    """Bring elements first..last of an array to the caches."""


@compiles(prefetch, types.Array, types.Integer, types.Integer, typer=lambda array, first, last: types.none)
def _lower_prefetch(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    data = array_data(context, builder, sig.args[0], args[0])
    first, last = (context.cast(builder, a, t, types.int64) for a, t in zip(args[1:], sig.args[1:], strict=True))
    pointer, i32 = ir.IntType(8).as_pointer(), ir.IntType(32)
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(ir.VoidType(), [pointer, i32, i32, i32]), "llvm.prefetch.p0i8"
    )
    step = I64(64 // (sig.args[0].dtype.bitwidth // 8))
    with cgutils.for_range_slice(builder, first, last, step, intp=I64) as (index, _):
        place = builder.bitcast(builder.gep(data, [index]), pointer)
        builder.call(function, [place, i32(0), i32(2), i32(1)])
    return context.get_dummy_value()
