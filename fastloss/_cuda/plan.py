"""What a call does on a device, recorded once and repeated: which memory it takes, and what it launches.

A plan holds for all calls whose arrays have the same shapes, dtypes, strides and alignment. While it is recorded,
arrays have no addresses, only slots; nothing is taken, written or launched, so every error comes before that.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from .._compile.cuda import SIMULATED
from .arrays import View, number_of, shared
from .launch import Address, Kernel, Launch
from .libraries import Library

Y_TRUE, Y_PRED, WEIGHT, LOSSES, GRADIENT, HESSIAN, VALUE, WORKSPACE, TABLE = range(9)
"""The slots of a call's arrays: what is given, what is returned, and memory that only lasts for the call."""
ALIGNED = 256


class Guard(NamedTuple):
    """Two arrays of a call that must not overlap, one of them written to."""

    out: int
    other: int
    spans: tuple[int, int, int, int]
    """First and last byte of each, from its first element."""
    views: tuple[View, View]
    in_place: bool
    """Whether they may be the same elements."""
    message: str


class Plan:
    """A recorded call."""

    def __init__(self) -> None:
        self.launches: list[Launch] = []
        self.takes: list[tuple[int, tuple[int, ...], Any]] = []
        self.guards: list[Guard] = []
        self.workspace = 0
        self.table: tuple[tuple[float, ...], Any] | None = None

    # --- while it is recorded ------------------------------------------------------------------------------------

    def take(self, slot: int, shape: tuple[int, ...], dtype: Any, like: View) -> View:
        """A result: a new array of the caller's library; dtype None is y_pred's."""
        self.takes.append((slot, shape, dtype))
        return View(Address(slot), shape, like.dtype if dtype is None else np.dtype(dtype), None)

    def buffer(self, shape: tuple[int, ...], dtype: Any) -> View:
        """A contiguous array that only lasts for the call."""
        dtype = np.dtype(dtype) if isinstance(dtype, type) else dtype
        start, self.workspace = (
            self.workspace,
            self.workspace + -(-math.prod(shape) * dtype.itemsize // ALIGNED) * ALIGNED,
        )
        return View(Address(WORKSPACE, start), shape, dtype, None)

    def values(self, numbers: tuple[float, ...], dtype: Any) -> View:
        """Constants on the device."""
        self.table = numbers, dtype
        return View(Address(TABLE), (len(numbers),), np.dtype(dtype), None)

    def launch(self, kernel: Kernel, blocks: int, threads: int, *arguments: Any) -> None:
        """Launch `blocks` blocks of `threads` threads."""
        self.launches.append(Launch(kernel, blocks, threads, arguments))

    def guard(self, out: View, other: View, in_place: bool, message: str) -> None:
        """Refuse calls in which two arrays overlap, unless they are the same and may be."""
        if out.size and other.size:
            alike = out[1:4] == other[1:4]
            self.guards.append(Guard(out.address.slot, other.address.slot, (*out.extent, *other.extent), (out, other),
                                     in_place and alike, message))  # fmt: skip

    # --- when it is repeated -------------------------------------------------------------------------------------

    def check(self, places: list[Any]) -> None:
        """ValueError where an output overlaps another array."""
        for out, other, (low, high, other_low, other_high), views, in_place, message in self.guards:
            a, b = number_of(places[out]), number_of(places[other])
            meet = a + low < b + other_high and b + other_low < a + high
            if meet and not (in_place and a == b) and shared(views[0], a, views[1], b):
                raise ValueError(message)

    def run(self, library: Library, like: Any, places: list[Any], results: list[Any], device: int) -> None:
        """Take memory, launch everything on the caller's stream, and leave new arrays in results."""
        stream = library.stream(like)
        for slot, shape, dtype in self.takes:
            results[slot] = array = library.empty(shape, dtype, like)
            places[slot] = library.place(array)
        if self.workspace:
            room = library.workspace(self.workspace, like, device, stream)
            places[WORKSPACE] = library.place(room)
        if self.table is not None:
            places[TABLE] = library.place(library.table(*self.table, like, device, stream))
        if SIMULATED:
            for launch in self.launches:
                launch.simulate(places)
        else:
            for launch in self.launches:
                launch(places, stream, device)
