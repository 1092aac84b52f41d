"""One case: prepare the contenders, check their results, time those that agree."""

from typing import Any

import numpy as np

from ..cases.case import Array, Case
from ..peers import Call, UnavailableError
from ..peers.numpy import float64_reference
from ..peers.registry import BASELINE, as_numpy, factor, prepare_contender
from .interleave import Samples, interleave

TOLERANCE = {"float16": 1e-3, "bfloat16": 2e-2, "float32": 1e-4, "float64": 1e-10}
"""Of the loss, and of the largest gradient: wide enough for any way of computing and adding in the dtype."""


def measure_case(case: Case, names: list[str], rounds: int) -> dict[str, Samples | str]:
    """The samples of each contender, or the reason why it was not timed."""
    y, p = case.data()
    result: dict[str, Samples | str] = {}
    calls: dict[str, Call] = {}
    loss, gradient = float64_reference(case, y, p)
    for name in names:
        try:
            call = prepare_contender(name, case, y, p)
            got = call()
        except UnavailableError as reason:
            result[name] = str(reason)
            continue
        except Exception as error:  # the others are still worth measuring
            result[name] = f"{name} failed in {case.id}: {type(error).__name__}: {str(error).partition(chr(10))[0]}"
            continue
        kind = case.baseline if name == BASELINE and case.baseline else case
        difference = None if name == "plain" else _disagreement(got, loss, gradient, kind, factor(name, kind))
        if difference:
            result[name] = f"{name} disagrees with the float64 reference in {case.id}: {difference}"
        else:
            calls[name] = call
    del loss, gradient
    return result | interleave(calls, rounds)


def _disagreement(got: Any, loss: float, gradient: Array, case: Case, scale: float) -> str | None:
    """What is wrong with a contender's (loss, gradient), or None."""
    value, slope = float(got[0]) * scale, as_numpy(got[1])
    if slope.dtype != case.dtype or slope.shape != case.shape:
        return f"its gradient is {slope.dtype} {slope.shape}"
    tolerance = TOLERANCE[case.dtype]
    if not abs(value - loss) <= tolerance * abs(loss):  # NaN is not <= anything
        return f"loss {value!r}, expected {loss!r}"
    if slope.itemsize < 4:
        slope = slope.astype(np.float32)
    off = float(np.abs(slope * scale - gradient).max())
    largest = float(np.abs(gradient).max())
    return None if off <= tolerance * largest else f"gradient off by {off:.2g}, the largest is {largest:.2g}"
