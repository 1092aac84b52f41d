"""The constants of a loss: kernels are given a row of numbers, the maths of a loss reads them by its own names."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from numba import types
from numba.core import cgutils

from .._compile.intrinsics import compiles

ELEMENTWISE_CONSTANTS, SOFTMAX_CONSTANTS = 5, 4
"""How many constants a call carries; losses with fewer have zeros behind theirs."""


class NoConstants(NamedTuple):
    """Of maths that needs none."""


def padded(values: Sequence[float], count: int) -> tuple[float, ...]:
    """The constants of a loss as a call carries them, count numbers."""
    if len(values) > count:
        raise TypeError(f"{values!r} are {len(values)} constants, a call carries at most {count}")
    return (*values, *[0.0] * (count - len(values)))


def named(values: Any, cls: Any) -> Any:
    """The first of the values as a named tuple of this class."""
    return cls(*values[: len(cls._fields)])


def _type_named(values: Any, cls: Any) -> Any:
    own = cls.instance_class
    count = len(own._fields)
    return types.NamedUniTuple(values.dtype, count, own) if count else types.Tuple(())


@compiles(named, types.UniTuple, types.Any, typer=_type_named)
def _lower_named(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    values = cgutils.unpack_tuple(builder, args[0])
    return context.make_tuple(builder, sig.return_type, values[: len(sig.return_type)])
