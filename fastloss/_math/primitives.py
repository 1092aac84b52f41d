"""The few operations that Numba has no name for, each twice: in plain Python, and lowered to LLVM.

The Python function is what runs under NUMBA_DISABLE_JIT=1; the lowering below it is what compiled code gets.
No fast-math flag is used anywhere in fastloss: a fused multiply-add is written where one is wanted, so a value
does not depend on how the compiler treats the loop around it, and its bits are the same on every path.
"""

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from .._compile.cuda_code import extreme, on_card, special
from .._compile.intrinsics import compiles

_BITS: dict[Any, Any] = {  # float type: (int type, mantissa bits, exponent bias)
    np.float32: (np.int32, 23, 127),
    np.float64: (np.int64, 52, 1023),
}


def _layout(ty: types.Float) -> tuple[ir.Type, ir.Type, int, int]:
    """LLVM float and integer types, mantissa bits and exponent bias of a Numba float type."""
    return (
        (ir.FloatType(), ir.IntType(32), 23, 127) if ty.bitwidth == 32 else (ir.DoubleType(), ir.IntType(64), 52, 1023)
    )


def _narrow(builder: Any, value: Any, ty: types.Float) -> Any:
    """A double constant in the type of the computation; LLVM folds it."""
    return builder.fptrunc(value, ir.FloatType()) if ty.bitwidth == 32 else value


# --- fma ---------------------------------------------------------------------------------------------------------


def fma(a: Any, b: Any, c: Any) -> Any:
    """a * b + c with one rounding."""
    if isinstance(a, np.float32):  # the product of two float32 is exact in float64
        return np.float32(np.float64(a) * np.float64(b) + np.float64(c))
    if not (1e-100 < abs(a) < 1e100 and 1e-100 < abs(b) < 1e100 and abs(c) < 1e100):
        return a * b + c
    if hasattr(math, "fma"):
        return np.float64(math.fma(a, b, c))
    split = 134217729.0  # Dekker: 27 + 26 bits
    ah = a * split - (a * split - a)
    bh = b * split - (b * split - b)
    p = a * b
    low = ((ah * bh - p) + ah * (b - bh) + (a - ah) * bh) + (a - ah) * (b - bh)
    s = p + c
    v = s - p
    return s + (((p - (s - v)) + (c - v)) + low)


@compiles(
    fma,
    types.Float,
    types.Float,
    types.Float,
    typer=lambda a, b, c: a if isinstance(a, types.Float) and a == b == c else None,
)
def _lower_fma(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.fma(*args)


# --- bounds ------------------------------------------------------------------------------------------------------


def clamp_min(x: Any, least: Any) -> Any:
    """x, or least if x is less; NaN for NaN."""
    return least if x < least else x


def clamp_max(x: Any, most: Any) -> Any:
    """x, or most if x is more; NaN for NaN."""
    return most if x > most else x


def _lower_clamp(builder: Any, name: str, inside: str, outside: str, x: Any, bound: Any) -> Any:
    if on_card(builder):
        return extreme(builder, name, inside, x, bound)
    return builder.select(builder.fcmp_ordered(outside, x, bound), bound, x)


def _of_one_type(x: Any, bound: Any) -> Any:
    return x if isinstance(x, types.Float) and x == bound else None


@compiles(clamp_min, types.Float, types.Float, typer=_of_one_type)
def _lower_clamp_min(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return _lower_clamp(builder, "max", ">", "<", *args)


@compiles(clamp_max, types.Float, types.Float, typer=_of_one_type)
def _lower_clamp_max(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return _lower_clamp(builder, "min", "<", ">", *args)


# --- reciprocals -------------------------------------------------------------------------------------------------


def inverse(x: Any) -> Any:
    """1 / x for a normal x below 2^126 (2^1022): a GPU takes a detour for others. Of other x it may be anything."""
    return type(x)(1) / x


def inverse_of_any(x: Any) -> Any:
    """1 / x for x from 2^-100 on, infinity excepted; where it is subnormal a GPU may round its last digit otherwise."""
    return type(x)(1) / x


def _lower_inverse(scale: float) -> Any:
    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        (x,) = args
        one, factor = ir.Constant(x.type, 1.0), ir.Constant(x.type, scale)
        if sig.return_type.bitwidth == 64 or not on_card(builder):
            return builder.fdiv(one, x)
        x = builder.fmul(x, factor)  # a factor of 1 is left out by NVVM
        first = special(builder, "rcp", x)
        lost = builder.fma(x, builder.fsub(ir.Constant(x.type, -0.0), first), one)  # NVVM knows no fneg
        found = builder.fma(first, lost, first)  # rounded as a division is, by the same two steps
        return builder.fmul(found, factor)

    return lower


for _function, _scale in ((inverse, 1.0), (inverse_of_any, 0.25)):
    compiles(_function, types.Float, typer=lambda x: x if isinstance(x, types.Float) else None)(_lower_inverse(_scale))


# --- constants by dtype -----------------------------------------------------------------------------------------


def pick(x: Any, single: float, double: float) -> Any:
    """The constant of x's dtype."""
    return np.float32(single) if isinstance(x, np.float32) else np.float64(double)


@compiles(
    pick,
    types.Float,
    types.Float,
    types.Float,
    typer=lambda x, single, double: x if isinstance(x, types.Float) else None,
)
def _lower_pick(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return _narrow(builder, args[1 if sig.return_type.bitwidth == 32 else 2], sig.return_type)


def polynomial(x: Any, single: tuple[float, ...], double: tuple[float, ...]) -> Any:
    """Estrin's scheme with the coefficients of x's dtype, highest power first: pairs, then pairs of pairs."""
    terms = [pick(x, c, c) for c in reversed(single if isinstance(x, np.float32) else double)]
    return _estrin(terms, x, fma, lambda a: a * a)


def _estrin(terms: list[Any], power: Any, multiply_add: Any, square: Any) -> Any:
    """Horner's scheme is one chain of dependent operations, and a loop body of several waits for it; this is a tree."""
    while len(terms) > 1:
        last = [terms[-1]] if len(terms) % 2 else []
        terms = [multiply_add(b, power, a) for a, b in zip(terms[::2], terms[1::2], strict=False)] + last
        power = square(power) if len(terms) > 1 else power
    return terms[0]


def _same_float(x: Any, single: Any, double: Any) -> Any:
    return x if isinstance(x, types.Float) else None


def _coefficients(builder: Any, sig: Any, args: Any) -> list[Any]:
    """Those of the dtype of the result, highest power first."""
    ty = sig.return_type
    values = cgutils.unpack_tuple(builder, args[1 if ty.bitwidth == 32 else 2])
    return [_narrow(builder, c, ty) for c in values]


@compiles(polynomial, types.Float, types.UniTuple, types.UniTuple, typer=_same_float)
def _lower_polynomial(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    terms = _coefficients(builder, sig, args)[::-1]
    return _estrin(terms, args[0], builder.fma, lambda a: builder.fmul(a, a))


def horner(x: Any, single: tuple[float, ...], double: tuple[float, ...]) -> Any:
    """The same by Horner's scheme: fewer operations, but each waits for the one before. For short loop bodies."""
    return _horner([pick(x, c, c) for c in (single if isinstance(x, np.float32) else double)], x, fma)


def _horner(terms: list[Any], x: Any, multiply_add: Any) -> Any:
    result = terms[0]
    for term in terms[1:]:
        result = multiply_add(result, x, term)
    return result


@compiles(horner, types.Float, types.UniTuple, types.UniTuple, typer=_same_float)
def _lower_horner(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return _horner(_coefficients(builder, sig, args), args[0], builder.fma)


# --- powers of two ----------------------------------------------------------------------------------------------


def power_of_two(t: Any) -> Any:
    """The float whose biased exponent is the low bits of t's representation: 2^k for t = 1.5*2^23 + 127 + k."""
    integer, mantissa, _ = _BITS[type(t)]
    return np.left_shift(t.view(integer), mantissa, dtype=integer).view(type(t))


@compiles(power_of_two, types.Float, typer=lambda t: t if isinstance(t, types.Float) else None)
def _lower_power_of_two(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    real, integer, mantissa, _ = _layout(sig.return_type)
    return builder.bitcast(builder.shl(builder.bitcast(args[0], integer), integer(mantissa)), real)


def magnitude(x: Any) -> Any:
    """The bits of |x| as an integer, which are in the order of |x|, with NaN above infinity."""
    integer, _, _ = _BITS[type(x)]
    return x.view(integer) & np.iinfo(integer).max


@compiles(
    magnitude,
    types.Float,
    typer=lambda x: (types.int32 if x.bitwidth == 32 else types.int64) if isinstance(x, types.Float) else None,
)
def _lower_magnitude(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    integer = _layout(sig.args[0])[1]
    return builder.and_(builder.bitcast(args[0], integer), integer((1 << (integer.width - 1)) - 1))


_ROOT_HALF = {32: 0x3F3504F3, 64: 0x3FE6A09E667F3BCD}  # bits of sqrt(1/2)


def split(x: Any) -> tuple[Any, Any, Any]:
    """(k, m, 2^-k) with x = m * 2^k and sqrt(1/2) <= m < sqrt(2), for positive normal x."""
    integer, mantissa, bias = _BITS[type(x)]
    width = integer().itemsize * 8

    def real(bits: int) -> Any:
        return np.array(bits % 2**width, f"u{width // 8}").view(type(x))[()]  # wraps around as registers do

    bits = int(x.view(integer))
    k = ((bits - _ROOT_HALF[width] + (bias << mantissa)) % 2**width >> mantissa) - bias
    return type(x)(k), real(bits - (k << mantissa)), real((bias - k) << mantissa)


@compiles(split, types.Float, typer=lambda x: types.UniTuple(x, 3) if isinstance(x, types.Float) else None)
def _lower_split(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    # Logical shifts and an integer read as a float: AVX2 has no arithmetic shift or conversion of 64-bit integers.
    ty = sig.args[0]
    real, integer, mantissa, bias = _layout(ty)
    bits = builder.bitcast(args[0], integer)
    one = integer(bias << mantissa)
    raised = builder.lshr(builder.add(builder.sub(bits, integer(_ROOT_HALF[ty.bitwidth])), one), integer(mantissa))
    power = builder.shl(raised, integer(mantissa))
    m = builder.bitcast(builder.add(builder.sub(bits, power), one), real)
    big = 2.0**mantissa
    exponent = (bias + mantissa) << mantissa  # the bits of 2^mantissa
    k = builder.fsub(builder.bitcast(builder.or_(raised, integer(exponent)), real), real(big + bias))
    inverse = builder.bitcast(builder.sub(integer(2 * bias << mantissa), power), real)
    return context.make_tuple(builder, sig.return_type, (k, m, inverse))
