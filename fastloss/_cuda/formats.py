"""How the elements of an array lie in a GPU's memory."""

from functools import cache
from typing import Any, NamedTuple

from .._math.storage import HALVES, storage


class Format(NamedTuple):
    """How an array's elements lie in memory: the dtype of their bits, and what converts them (None: a cast)."""

    name: str
    storage: Any
    read: Any = None
    write: Any = None


@cache
def format_of(dtype: Any) -> Format | None:
    """The format of an array's dtype; None where a kernel cannot read it."""
    bits = storage(dtype)
    if bits is None:
        return None
    if dtype.name in HALVES:
        return Format(dtype.name, bits, *HALVES[dtype.name])
    return Format(bits.__name__, bits)
