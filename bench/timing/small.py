"""Small calls: fastloss beside the shortest NumPy expression, both returning new arrays."""

import statistics
from typing import Any

import numpy as np

from ..cases.case import Case
from ..cases.cpu import SMALL_LOSSES, SMALL_SIZES
from ..cases.losses import LOSSES
from ..peers import Call
from ..peers.expressions import EXPRESSIONS
from .interleave import interleave


def measure_small_calls(rounds: int) -> list[dict[str, Any]]:
    """Seconds per call of each loss and size."""
    found = []
    for name in SMALL_LOSSES:
        for n in SMALL_SIZES:
            y, p = Case(name, (n,), "float32", "float32").data()
            loss, expression = LOSSES[name], EXPRESSIONS[name]
            calls: dict[str, Call] = {"fastloss": lambda: loss(y, p), "numpy": lambda: expression(np, y, p)}  # noqa: B023 - timed here
            for call in calls.values():
                call()
            medians = {key: statistics.median(its.seconds) for key, its in interleave(calls, rounds).items()}
            found.append({"loss": name, "n": n} | medians)
    return found
