"""Arrays as kernels see them: where they are, and how their elements lie."""

import math
from typing import Any, NamedTuple

import numpy as np

from .._compile.cuda import SIMULATED
from .formats import format_of
from .launch import Address


class BFloat16:
    """What NumPy has no dtype for."""

    name, kind, itemsize, type, isnative = "bfloat16", "V", 2, None, True

    def __repr__(self) -> str:
        return self.name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BFloat16)

    def __hash__(self) -> int:
        return hash(self.name)


BFLOAT16 = BFloat16()


class View(NamedTuple):
    """An array on a device: where its first element is, shape, dtype and strides in bytes (None: contiguous)."""

    address: Address
    shape: tuple[int, ...]
    dtype: Any
    strides: tuple[int, ...] | None
    phase: int = 0
    """The address modulo 16."""

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def contiguous(self) -> bool:
        return self.strides is None

    @property
    def extent(self) -> tuple[int, int]:
        """How many bytes before and behind its first element the array reaches."""
        strides = self.strides or c_strides(self.shape, self.dtype.itemsize)
        steps = [stride * (n - 1) for n, stride in zip(self.shape, strides, strict=True)]
        return sum(min(s, 0) for s in steps), sum(max(s, 0) for s in steps) + self.dtype.itemsize


class Kind(NamedTuple):
    """What an array is but for its address: the key by which calls are told apart. dtype and strides are its own."""

    library: Any
    device: int | None
    shape: tuple[int, ...]
    dtype: Any
    strides: Any
    phase: int
    locked: bool = False
    """Whether it is read-only."""

    def view(self, slot: int) -> View:
        """The array as kernels see it."""
        dtype, strides = self.library.normal(self)
        shape = tuple(int(n) for n in self.shape)
        if strides is not None:
            full = c_strides(shape, dtype.itemsize)
            same = all(n == 1 or s == f for n, s, f in zip(shape, strides, full, strict=True))
            strides = None if same or 0 in shape else tuple(int(s) for s in strides)
        return View(Address(slot), shape, dtype, strides, self.phase)


def c_strides(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """The strides of a contiguous array."""
    return tuple(itemsize * math.prod(shape[k + 1 :]) for k in range(len(shape)))


def pointer(v: View | None, before: int = 0) -> Any:
    """What a kernel is given for an array: the address of its first element, or that many bytes away from it."""
    if v is None:
        return 0
    form = format_of(v.dtype)
    return Address(v.address.slot, v.address.offset + before, form.storage if form else v.dtype.type)


def number_of(place: Any) -> int:
    """An address as a number, in the simulator too."""
    return int(place.__array_interface__["data"][0] if SIMULATED else place)


class _Memory:
    """Elements of 1 byte or more at an address, for NumPy to reason about and never to read."""

    def __init__(self, v: View, address: int) -> None:
        self.__array_interface__ = {
            "version": 3, "data": (address, False), "shape": v.shape, "typestr": f"|V{v.dtype.itemsize}",
            "strides": v.strides,
        }  # fmt: skip


def shared(a: View, a_address: int, b: View, b_address: int) -> bool:
    """Whether two arrays have a byte in common."""
    return bool(np.shares_memory(np.asarray(_Memory(a, a_address)), np.asarray(_Memory(b, b_address))))
