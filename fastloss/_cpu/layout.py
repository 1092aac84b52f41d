"""Whether a kernel can use arrays where they lie, and running it either way."""

import math
from typing import Any

import numpy as np

from .staging import Operand, Sum, direct, staged

__all__ = ["Operand", "Sum", "native", "repeated", "run"]


def native(array: Any, dtype: Any) -> bool:
    """Whether a kernel compiled for dtype can read the array's memory: same type, native bytes, aligned."""
    have = array.dtype
    same = have.type is dtype or (have.type is np.bool_ and dtype is np.uint8)
    return bool(same and have.isnative and array.flags.aligned)


def repeated(w: Any, examples: tuple[int, ...]) -> int:
    """How many consecutive losses each weight serves, or 0 where that is not the same for all."""
    shape, known = w.shape, len(examples)
    while known and shape[known - 1] == 1:
        known -= 1
    return math.prod(examples[known:]) if shape[:known] == examples[:known] else 0


def run(kernel: Any, operands: list[Operand | None], numbers: tuple[Any, ...], count: int, parallel: bool,
        at_home: bool) -> Sum:  # fmt: skip
    """Run a kernel on arrays where they lie, or through buffers."""
    unit = 1024 if len(operands) == 6 else 1
    if at_home:
        return direct(kernel, [None if o is None else o.array for o in operands], numbers, unit, parallel)
    return staged(kernel, operands, numbers, count, unit, parallel, rows=unit == 1)
