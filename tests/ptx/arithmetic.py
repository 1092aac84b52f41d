"""The arithmetic of PTX that NumPy has not: under the names by which translated kernels call it."""

import ctypes
import ctypes.util

import ml_dtypes
import numpy as np

from tests.ptx.memory import KernelError

NP = {
    f"{letter}{bits}": np.dtype(f"{kind}{bits}")
    for letter, kind in {"u": "uint", "b": "uint", "s": "int", "f": "float"}.items()
    for bits in (8, 16, 32, 64)
    if (letter, bits) != ("f", 8)
} | {"pred": np.dtype(bool)}
"""NumPy's dtypes of the types of PTX."""

_fma = ctypes.CDLL(ctypes.util.find_library("m")).fma
_fma.restype, _fma.argtypes = ctypes.c_double, [ctypes.c_double] * 3
_each = np.frompyfunc(_fma, 3, 1)


def fma64(a, b, c):
    return _each(a, b, c).astype(np.float64)


def fma32(a, b, c):
    """One rounding: the product is exact in float64, the sum is rounded to odd, which float32 does not notice."""
    product, c = np.atleast_1d(np.multiply(a, b, dtype=np.float64)), np.asarray(c, np.float64)
    total = product + c
    part = total - product
    rest = (product - (total - part)) + (c - part)
    bits = total.view(np.int64)
    even = (rest != 0) & (bits & 1 == 0) & np.isfinite(total)
    return (bits + np.where(even, np.where((rest > 0) == (total > 0), 1, -1), 0)).view(np.float64).astype(np.float32)


def _extreme(function, joined):
    """min or max of floats: a number rather than NaN, and -0 < +0."""

    def of(a, b):
        r = function(a, b)
        zero = np.where(joined(np.signbit(a), np.signbit(b)), r.dtype.type(-0.0), r.dtype.type(0.0))
        return np.where((a == 0) & (b == 0), zero, r)

    return of


fmin, fmax = _extreme(np.fmin, np.logical_or), _extreme(np.fmax, np.logical_and)


def shuffle(a, lanes, bound, mask, m):
    """shfl.bfly: the value of the thread of the same warp whose number differs in these bits."""
    if np.any(((np.asarray(bound) != 31) | (np.asarray(mask) != 0xFFFFFFFF)) & m):
        raise KernelError("a shuffle among some lanes of a warp")
    t = np.arange(a.size)
    other = t ^ np.asarray(lanes).astype(np.int64)
    return a[np.where(other < a.size, other, t)]


def _approximate(exact, bits, near=()):
    """A function of float32 as the card's special function unit may compute it.

    Off by as much as NVIDIA allows, a relative error of 2^-bits, up or down as a hash of the argument says; between the
    two numbers `near`, if any, that is the absolute error. Results that are floats are exact. Subnormal numbers are
    zero.
    """

    def flushed(x):
        return np.where(np.abs(x) < np.float32(2.0**-126), np.copysign(np.float32(0), x), x).astype(np.float32)

    def of(x):
        x = flushed(np.atleast_1d(np.asarray(x, np.float32)))
        value = exact(x.astype(np.float64))
        up = (x.view(np.uint32).astype(np.uint64) * np.uint64(2654435761) >> np.uint64(29)) & np.uint64(1)
        size = np.where((x > near[0]) & (x < near[1]), 1.0, value) if near else value
        off = np.where(up == 1, 1.0, -1.0) * 2.0**-bits * (value != np.float32(value))
        return flushed((value + np.where(off == 0, 0.0, off * size)).astype(np.float32))

    return of


ex2_approx = _approximate(np.exp2, 22)
lg2_approx = _approximate(np.log2, 22, (0.5, 2.0))


def rcp_approx(x):
    """The same of 1 / x, one of three neighbouring floats: such that two more steps round it as a division does.

    NVIDIA's assembler makes divisions of these steps, of all x that are neither very small nor very large.
    """
    near = _approximate(np.reciprocal, 24)(x)
    with np.errstate(all="ignore"):
        exact = (1 / np.asarray(x, np.float64)).astype(np.float32)
        for other in (exact, np.nextafter(exact, np.float32(0)), np.nextafter(exact, exact * np.float32(2))):
            wrong = fma32(near, fma32(-x, near, np.float32(1)), near) != exact
            near = np.where(wrong & (np.abs(near) >= np.float32(2.0**-126)) & np.isfinite(near), other, near)
    return near


def _both(kind):
    """Two floats as floats of 16 bits, the first in the upper half."""

    def of(high, low):
        halves = [np.asarray(x, np.float32).astype(kind).view(np.uint16).astype(np.uint32) for x in (high, low)]
        return halves[0] << np.uint32(16) | halves[1]

    return of


bf16x2, f16x2 = _both(ml_dtypes.bfloat16), _both(np.float16)


def _shift(operator, a, n, beyond):
    width, n = a.dtype.itemsize * 8, np.asarray(n)
    return np.where(n < width, operator(a, np.minimum(n, width - 1).astype(a.dtype)), beyond)


def shl(a, n):
    return _shift(np.left_shift, a, n, a.dtype.type(0))


def shr(a, n):
    sign = a.dtype.type(a.dtype.itemsize * 8 - 1)
    return _shift(np.right_shift, a, n, a.dtype.type(0) if a.dtype.kind == "u" else a >> sign)


def divide(a, b, rest, m):
    """The quotient or the rest of integers, rounded towards zero, of the threads m."""
    if np.any((b == 0) & m):
        raise KernelError("division of integers by zero")
    b = np.where(b == 0, np.asarray(b).dtype.type(1), b)
    q = np.floor_divide(a, b)
    if q.dtype.kind == "i":
        q = q + ((np.remainder(a, b) != 0) & ((a < 0) != (b < 0)))
    return a - q * b if rest else q


def insert(a, b, start, length):
    """bfi: b, with so many of the low bits of a from bit `start` on."""
    start, length = int(np.unique(start).item()), int(np.unique(length).item())
    mask = np.uint64(((1 << length) - 1) << start)
    moved = np.asarray(a).astype(np.uint64) << np.uint64(start)
    return ((moved & mask) | (np.asarray(b).astype(np.uint64) & ~mask)).astype(b.dtype)


def high(a, b):
    """The upper half of a product."""
    a, b = np.asarray(a), np.asarray(b)
    return (a.astype(object) * b.astype(object) >> a.dtype.itemsize * 8).astype(a.dtype)


def convert(x, to, modes):
    """cvt: between types of numbers, rounded to whole ones by rni, rzi, rmi or rpi, saturated."""
    x = np.asarray(x)
    whole = {"rni": np.rint, "rzi": np.trunc, "rmi": np.floor, "rpi": np.ceil}
    rounding = next((whole[mode] for mode in modes if mode in whole), None)
    if x.dtype.kind != "f" or rounding is None:
        return x.astype(to)
    x = rounding(x)
    if to.kind == "f":
        return x.astype(to)
    low, top = np.iinfo(to).min, np.iinfo(to).max
    inside = np.where((x > float(low)) & (x < float(top)), x, 0).astype(to)
    return np.where(x >= float(top), to.type(top), np.where(x <= float(low), to.type(low), inside))


def permute(a, b, chosen):
    """prmt: four of the eight bytes of b and a, by number; bit 3 of a number spreads the byte's sign."""
    both = np.asarray(a).astype(np.uint64) | np.asarray(b).astype(np.uint64) << np.uint64(32)
    result = np.uint64(0)
    for k in range(4):
        which = (np.asarray(chosen) >> 4 * k & 15).astype(np.uint64)
        byte = both >> (which & np.uint64(7)) * np.uint64(8) & np.uint64(255)
        sign = np.where(byte & np.uint64(128), np.uint64(255), np.uint64(0))
        result = result | np.where(which & np.uint64(8), sign, byte) << np.uint64(8 * k)
    return result.astype(np.uint32)
