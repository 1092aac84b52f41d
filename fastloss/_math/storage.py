"""The dtypes that arrays may have, as compiled code sees them: 16-bit floats are bits to be converted."""

from typing import Any

import numpy as np

from .half import from_bfloat16, from_float16, to_bfloat16, to_float16

FLOATS = (np.float32, np.float64)
HALVES = {"float16": (from_float16, to_float16), "bfloat16": (from_bfloat16, to_bfloat16)}
"""How to read them as float32, and to write float32 to them."""


def storage(dtype: Any) -> Any:
    """The dtype as which compiled code sees an array's memory, or None where it cannot."""
    if not dtype.isnative:
        return None
    if dtype.kind == "b":
        return np.uint8
    if dtype.name in HALVES:
        return np.uint16
    if dtype.kind in "iu":
        return np.dtype(f"{dtype.kind}{dtype.itemsize}").type  # the same for long and long long
    return dtype.type if dtype.type in FLOATS else None
