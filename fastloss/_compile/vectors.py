"""Values of 16 lanes, for the few loops that the compiler's own vectoriser cannot find: sums along short rows.

In plain Python a vector is a NumPy array of 16. LLVM cuts it into the registers of the processor at hand.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import models, register_model

from .intrinsics import compiles
from .memory import array_data

WIDTH = 16
I32 = ir.IntType(32)


class Vector(types.Type):
    """16 floats in registers."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(name=f"Vector({dtype})")


@register_model(Vector)
class _Model(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        lane = ir.FloatType() if fe_type.dtype.bitwidth == 32 else ir.DoubleType()
        super().__init__(dmm, fe_type, ir.VectorType(lane, WIDTH))


def _place(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    """A pointer to the vector that begins at an element of an array, and its alignment: that of the element."""
    data, vector = (
        array_data(context, builder, sig.args[0], args[0]),
        ir.VectorType(context.get_data_type(sig.args[0].dtype), WIDTH),
    )
    index = context.cast(builder, args[1], sig.args[1], types.intp)
    return builder.bitcast(builder.gep(data, [index]), vector.as_pointer()), sig.args[0].dtype.bitwidth // 8


def lanes_at(array: Any, index: int) -> Any:
    """The 16 elements from index on."""
    return np.array(array[index : index + WIDTH])


@compiles(lanes_at, types.Array, types.Integer, typer=lambda array, index: Vector(array.dtype))
def _lower_lanes_at(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    pointer, align = _place(context, builder, sig, args)
    return builder.load(pointer, align=align)


def put_lanes(array: Any, index: int, vector: Any) -> None:
    """Write 16 elements from index on."""
    array[index : index + WIDTH] = vector


@compiles(put_lanes, types.Array, types.Integer, Vector, typer=lambda array, index, vector: types.none)
def _lower_put_lanes(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    pointer, align = _place(context, builder, sig, args)
    builder.store(args[2], pointer, align=align)
    return context.get_dummy_value()


def splat(x: Any) -> Any:
    """x in every lane."""
    return np.full(WIDTH, x)


@compiles(splat, types.Float, typer=lambda x: Vector(x) if isinstance(x, types.Float) else None)
def _lower_splat(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return _splat(builder, args[0])


def _splat(builder: Any, value: Any) -> Any:
    vector = ir.VectorType(value.type, WIDTH)
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, value, I32(0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(I32, WIDTH), [0] * WIDTH))


def only(vector: Any, count: int, rest: Any) -> Any:
    """The vector with `rest` in the lanes from count on."""
    return np.where(np.arange(WIDTH) < count, vector, rest)


@compiles(only, Vector, types.Integer, types.Float, typer=lambda vector, count, rest: vector)
def _lower_only(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    count = builder.trunc(context.cast(builder, args[1], sig.args[1], types.int64), I32)
    lanes = ir.Constant(ir.VectorType(I32, WIDTH), list(range(WIDTH)))
    return builder.select(builder.icmp_signed("<", lanes, _splat(builder, count)), args[0], _splat(builder, args[2]))


def plus(a: Any, b: Any) -> Any:
    """a + b."""
    return a + b


def minus(a: Any, b: Any) -> Any:
    """a - b."""
    return a - b


def times(a: Any, b: Any) -> Any:
    """a * b."""
    return a * b


def product(target: Any, x: Any) -> Any:
    """target * x, and 0 where the target is 0, whatever x."""
    return np.where(target == 0, target, target * x)


def larger(a: Any, b: Any) -> Any:
    """a where a > b, else b: a NaN of a is passed over."""
    return np.where(a > b, a, b)


def evens(a: Any, b: Any) -> Any:
    """Every second lane of a followed by b, from the first on."""
    return np.concatenate([a, b])[::2]


def odds(a: Any, b: Any) -> Any:
    """Every second lane of a followed by b, from the second on."""
    return np.concatenate([a, b])[1::2]


def _every_second(builder: Any, a: Any, b: Any, first: int) -> Any:
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(I32, WIDTH), [*range(first, 2 * WIDTH, 2)]))


def _product(builder: Any, target: Any, x: Any) -> Any:
    zero = ir.Constant(target.type, [0.0] * WIDTH)
    return builder.select(builder.fcmp_ordered("==", target, zero), zero, builder.fmul(target, x))


for _function, _lower in (
    (plus, lambda context, builder, sig, args: builder.fadd(*args)),
    (minus, lambda context, builder, sig, args: builder.fsub(*args)),
    (product, lambda context, builder, sig, args: _product(builder, *args)),
    (larger, lambda context, builder, sig, args: builder.select(builder.fcmp_ordered(">", *args), *args)),
    (times, lambda context, builder, sig, args: builder.fmul(*args)),
    (evens, lambda context, builder, sig, args: _every_second(builder, args[0], args[1], 0)),
    (odds, lambda context, builder, sig, args: _every_second(builder, args[0], args[1], 1)),
):
    compiles(_function, Vector, Vector, typer=lambda a, b: a if isinstance(a, Vector) and a == b else None)(_lower)


def first_equal(vector: Any, x: Any) -> Any:
    """The first lane that equals x, or WIDTH."""
    found = np.flatnonzero(vector == x)
    return int(found[0]) if found.size else WIDTH


@compiles(first_equal, Vector, types.Float, typer=lambda vector, x: types.int64)
def _lower_first_equal(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    mask = builder.bitcast(builder.fcmp_ordered("==", args[0], _splat(builder, args[1])), ir.IntType(WIDTH))
    wide = builder.or_(builder.zext(mask, I32), I32(1 << WIDTH))
    return builder.zext(builder.cttz(wide, ir.IntType(1)(1)), ir.IntType(64))


def nonzero(vector: Any) -> Any:
    """A number with a bit for each lane that is not 0."""
    return np.int64(sum(1 << int(k) for k in np.flatnonzero(vector != 0)))


@compiles(nonzero, Vector, typer=lambda vector: types.int64)
def _lower_nonzero(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    zero = ir.Constant(args[0].type, [0.0] * WIDTH)
    mask = builder.bitcast(builder.fcmp_unordered("!=", args[0], zero), ir.IntType(WIDTH))
    return builder.zext(mask, ir.IntType(64))


def first_lane(bits: Any) -> Any:
    """The first bit that is set, of a number that nonzero() gave."""
    return (int(bits) & -int(bits)).bit_length() - 1


@compiles(first_lane, types.Integer, typer=lambda bits: types.int64)
def _lower_first_lane(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.cttz(args[0], ir.IntType(1)(1))
