"""How a kernel reads and writes memory: addresses and 128-bit vectors, which numba.cuda has no name for.

An address is an integer, so a launch neither looks at array interfaces nor synchronises. In the simulator it is the
flat array that begins there. This is the only module of the CUDA code with LLVM in it.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from .intrinsics import compiles

GLOBAL = 1
"""The address space that makes ld.global of a load."""


def load(base: Any, index: Any, dtype: Any) -> Any:
    """Element `index` >= 0 of the array of dtype at an address, or of one in shared memory."""
    return dtype(base[index])


@compiles(load, types.Array, types.Integer, types.Any, typer=lambda base, index, dtype: dtype.dtype)
@compiles(load, types.Integer, types.Integer, types.Any, typer=lambda base, index, dtype: dtype.dtype)
def _lower_load(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    element = context.get_data_type(sig.return_type)
    return builder.load(_place(context, builder, element, sig, args))


def store(base: Any, index: Any, value: Any) -> None:
    """Write element `index` >= 0 of the array of the value's dtype at an address, or of one in shared memory."""
    base[index] = value


@compiles(store, types.Array, types.Integer, types.Any, typer=lambda base, index, value: types.none)
@compiles(store, types.Integer, types.Integer, types.Any, typer=lambda base, index, value: types.none)
def _lower_store(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    builder.store(args[2], _place(context, builder, args[2].type, sig, args))
    return context.get_dummy_value()


def _place(context: Any, builder: Any, element: Any, sig: Any, args: Any) -> Any:
    """A pointer to an element; numba's own would allow for an index from behind."""
    if isinstance(sig.args[0], types.Array):
        index = context.cast(builder, args[1], sig.args[1], types.int64)
        return builder.gep(context.make_array(sig.args[0])(context, builder, args[0]).data, [index])
    return _element(context, builder, element, sig, args)


def _element(context: Any, builder: Any, element: Any, sig: Any, args: Any) -> Any:
    index = context.cast(builder, args[1], sig.args[1], types.int64)
    return builder.gep(builder.inttoptr(args[0], ir.PointerType(element, GLOBAL)), [index])


I8, I32, I64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)


def _pieces(context: Any, builder: Any, sig: Any, args: Any, count: int) -> Any:
    """For each 16 bytes: a pointer to a vector, its alignment, and pointers to the elements in local memory.

    Elements of less than 32 bits travel as vectors of 32-bit integers: those of 16 bits would be split in two.
    """
    array = sig.args[2]
    element = context.get_data_type(array.dtype)
    size = context.get_abi_sizeof(element)
    here = _place(context, builder, element, sig, args)
    space = here.type.addrspace
    here = builder.bitcast(here, ir.PointerType(I8, space))
    there = context.make_array(array)(context, builder, args[2]).data
    for start in range(0, count * size, 16):
        width = min(16, count * size - start)
        unit = min(max(size, 4), width)
        lane = ir.IntType(8 * unit) if size < 4 else element
        outer = builder.bitcast(
            builder.gep(here, [I64(start)]), ir.PointerType(ir.VectorType(lane, width // unit), space)
        )
        inner = [builder.gep(there, [I64((start + k) // size)]) for k in range(0, width, size)]
        yield outer, width, inner, lane, element, unit // size


def _lower_load_vector(count: int) -> Any:
    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        for outer, align, inner, _, element, share in _pieces(context, builder, sig, args, count):
            vector = builder.load(outer, align=align)
            for k, target in enumerate(inner):
                value = builder.extract_element(vector, I32(k // share))
                if share > 1:
                    shift = value.type(k % share * element.width)
                    value = builder.trunc(builder.lshr(value, shift), element)
                builder.store(value, target)
        return context.get_dummy_value()

    return lower


def _lower_store_vector(count: int) -> Any:
    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        for outer, align, inner, lane, element, share in _pieces(context, builder, sig, args, count):
            vector = ir.Constant(outer.type.pointee, ir.Undefined)
            for k in range(0, len(inner), share):
                value = builder.load(inner[k])
                if share > 1:
                    value = builder.zext(value, lane)
                    for j in range(1, share):
                        part = builder.zext(builder.load(inner[k + j]), lane)
                        value = builder.or_(value, builder.shl(part, lane(j * element.width)))
                vector = builder.insert_element(vector, value, I32(k // share))
            builder.store(vector, outer, align=align)
        return context.get_dummy_value()

    return lower


def _vectors(count: int) -> tuple[Any, Any]:
    """(load, store): move count elements between memory and a local array; the index is a multiple of count.

    Memory is an address, or an array in shared memory that begins at a multiple of 16 bytes.
    """

    def load_vector(base, index, target):
        for j in range(count):
            target[j] = base[index + j]

    def store_vector(base, index, source):
        for j in range(count):
            base[index + j] = source[j]

    for function, lower in ((load_vector, _lower_load_vector(count)), (store_vector, _lower_store_vector(count))):
        for base in (types.Integer, types.Array):
            compiles(function, base, types.Integer, types.Array, typer=lambda base, index, array: types.none)(lower)
    return load_vector, store_vector


VECTORS = {count: _vectors(count) for count in (2, 4, 8)}
"""Made at import: numba looks for new functions only before it compiles the first one."""


def _moves(count: int) -> tuple[Any, Any]:
    """(take in, put out): move the 16 bytes of `count` elements between an address and an array in shared memory.

    Both indices are multiples of count, the array begins at a multiple of 16 bytes.
    """

    def take_in(base, index, array, place):
        for j in range(count):
            array[place + j] = base[index + j]

    def put_out(base, index, array, place):
        for j in range(count):
            base[index + j] = array[place + j]

    def lower(inwards: bool) -> Any:
        def lowered(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            element = context.get_data_type(sig.args[2].dtype)
            there = context.make_array(sig.args[2])(context, builder, args[2]).data
            there = builder.gep(there, [context.cast(builder, args[3], sig.args[3], types.int64)])
            vector = ir.VectorType(I32, 4)
            outer = builder.bitcast(_element(context, builder, element, sig, args), ir.PointerType(vector, GLOBAL))
            inner = builder.bitcast(there, ir.PointerType(vector))
            source, target = (outer, inner) if inwards else (inner, outer)
            builder.store(builder.load(source, align=16), target, align=16)
            return context.get_dummy_value()

        return lowered

    signature = (types.Integer, types.Integer, types.Array, types.Integer)
    for function, inwards in ((take_in, True), (put_out, False)):
        compiles(function, *signature, typer=lambda base, index, array, place: types.none)(lower(inwards))
    return take_in, put_out


MOVES = {count: _moves(count) for count in (2, 4, 8)}


class Flat:
    """In the simulator: a flat array. Those of NumPy it copies for each launch, and back; of others it asks nothing."""

    def __init__(self, array: Any) -> None:
        self._array = array

    def __getitem__(self, index: Any) -> Any:
        return self._array[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        self._array[index] = value


def flat(array: Any, offset: int, dtype: Any) -> Any:
    """In the simulator: memory from `offset` bytes around an array's first element, as a flat array of dtype."""
    start = array.__array_interface__["data"][0] + offset
    reach = sum(abs(stride) * (n - 1) for n, stride in zip(array.shape, array.strides, strict=True)) + array.itemsize
    reach = (reach - max(offset, 0)) // np.dtype(dtype).itemsize * np.dtype(dtype).itemsize
    if not array.size:
        return Flat(np.empty(0, dtype))
    import ctypes

    return Flat(np.frombuffer((ctypes.c_char * reach).from_address(start), dtype))
