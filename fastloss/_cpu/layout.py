"""Whether and how a kernel can use arrays where they lie."""

import math
from typing import Any, NamedTuple

from .moves import reader, writer


class Place(NamedTuple):
    """How a kernel reaches an array: the function that moves elements (0: used where they lie), their size."""

    move: Any
    itemsize: int


NOWHERE = Place(0, 0)
"""The place of an array that is not there."""


def place(array: Any, real: Any, output: bool = False, aside: bool = False) -> Place | None:
    """How a kernel that computes in real reaches an array; None if only NumPy can. aside: not where it lies."""
    if array is None:
        return NOWHERE
    dtype = array.dtype
    if not array.flags.aligned:
        return None
    if dtype.type is real and dtype.isnative and not aside:
        return Place(0, dtype.itemsize)
    function = writer(real, dtype) if output else reader(dtype, real)
    return None if function is None else Place(function.address, dtype.itemsize)


def places(arrays: list[Place | None]) -> tuple[Any, ...] | None:
    """The numbers of a call that say how its arrays are reached: all moves, then all sizes; None if one cannot be."""
    known = [a for a in arrays if a is not None]
    return (*(a.move for a in known), *(a.itemsize for a in known)) if len(known) == len(arrays) else None


def repeated(w: Any, examples: tuple[int, ...]) -> int:
    """How many consecutive losses each weight serves, or 0 where that is not the same for all."""
    shape, known = w.shape, len(examples)
    while known and shape[known - 1] == 1:
        known -= 1
    return math.prod(examples[known:]) if shape[:known] == examples[:known] else 0
