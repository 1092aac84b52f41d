"""How the elements of an array lie in a GPU's memory."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from .._compile.cuda import device
from .._compile.cuda_maths import packing
from .._compile.jit import scalar
from .._math.half import bfloat16_bits, float16_bits, to_bfloat16, to_float16
from .._math.storage import HALVES, storage


class Format(NamedTuple):
    """How an array's elements lie in memory: the dtype of their bits, and what converts them (None: a cast)."""

    name: str
    storage: Any
    read: Any = None
    write: Any = None
    pack: Any = None
    """pack(low, high): the bits of two at once, of formats of 16 bits."""

    @property
    def is_half(self) -> bool:
        """Whether it is a float of 16 bits, whose maths may be that of a special function unit."""
        return self.pack is not None


def _writer(pack: Any) -> Any:
    @scalar
    def write(x):
        return np.uint16(pack(x, np.float32(0)) & np.uint32(0xFFFF))

    return write


PACKS = {"float16": packing("cvt.rn.f16x2.f32", to_float16, float16_bits),
         "bfloat16": packing("cvt.rn.bf16x2.f32", to_bfloat16, bfloat16_bits)}  # fmt: skip
WRITES = {name: _writer(pack) for name, pack in PACKS.items()}


@cache
def format_of(dtype: Any) -> Format | None:
    """The format of an array's dtype; None where a kernel cannot read it."""
    bits = storage(dtype)
    if bits is None:
        return None
    if dtype.name in HALVES:
        return Format(dtype.name, bits, HALVES[dtype.name][0], WRITES[dtype.name], PACKS[dtype.name])
    return Format(bits.__name__, bits)


def packer(form: Format, width: int) -> Any:
    """pack(values, bits): the elements of two local arrays, converted two at a time where the format allows it."""
    kind, pack, in_pairs = form.storage, form.pack, form.pack is not None
    half = width // 2

    @device
    def convert(values, bits):
        if in_pairs:
            for j in range(half):
                both = pack(values[2 * j], values[2 * j + 1])
                bits[2 * j], bits[2 * j + 1] = np.uint16(both & np.uint32(0xFFFF)), np.uint16(both >> np.uint32(16))
        else:
            for j in range(width):
                bits[j] = kind(values[j])

    return convert
