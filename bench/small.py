"""Small calls: fastloss beside the shortest NumPy expression, both returning new arrays."""

import statistics
from typing import Any

import numpy as np

from .cases import LOSSES, Case
from .expressions import EXPRESSIONS
from .peers import Call
from .timing import interleave

SMALL = ("mse", "bce_probabilities")
SIZES = (10, 100, 1000)


def measure(rounds: int) -> list[dict[str, Any]]:
    """Seconds per call of each loss and size."""
    found = []
    for name in SMALL:
        for n in SIZES:
            y, p = Case(name, (n,), "float32", "float32").data()
            loss, expression = LOSSES[name], EXPRESSIONS[name]
            calls: dict[str, Call] = {"fastloss": lambda: loss(y, p), "numpy": lambda: expression(np, y, p)}  # noqa: B023 - timed here
            for call in calls.values():
                call()
            medians = {key: statistics.median(its.seconds) for key, its in interleave(calls, rounds).items()}
            found.append({"loss": name, "n": n} | medians)
    return found
