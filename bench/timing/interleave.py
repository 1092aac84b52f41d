"""The timer: all contenders of a case in rounds of changing order, so that a drift of the machine meets all of them."""

import gc
import time
from collections.abc import Callable
from typing import Any, NamedTuple

MIN_SAMPLE = 1e-3
"""A sample repeats its call until it takes so many seconds: the clock then weighs little."""
WARM_UP = 2e-2
"""A sample shorter than so many seconds has an untimed call before it."""
BUDGET = 0.8
"""Seconds for all samples of one contender in one case: a slow one takes part in fewer rounds, in 3 at least."""


class Samples(NamedTuple):
    """Seconds per call, and how many calls each sample averages."""

    seconds: list[float]
    calls: int


def interleave(contenders: dict[str, Callable[[], Any]], rounds: int, budget: float = BUDGET) -> dict[str, Samples]:
    """Time every contender in each round, or in every n-th if it is slow; every call must have run once before."""
    samples, every, warm_up = {}, {}, {}
    for name, call in contenders.items():
        seconds, calls = _calibrate(call)
        affordable = max(3, int(budget / (seconds * calls)))
        samples[name], every[name] = Samples([], calls), max(1, rounds // affordable)
        warm_up[name] = seconds * calls < WARM_UP
    names = list(contenders)
    for turn in range(rounds):
        start = turn % len(names)
        order = names[start:] + names[:start]
        if turn % 2:  # a rotation alone would give everyone the same predecessor in every round
            order.reverse()
        for name in order:
            if turn % every[name] == 0:
                settle()
                calls = samples[name].calls
                if warm_up[name]:
                    contenders[name]()  # wakes its threads, and fills the caches as far as they hold its data
                samples[name].seconds.append(_time(contenders[name], calls))
    return samples


def settle(limit: float = 0.03) -> None:
    """Wait until the threads of the contender before have stopped spinning for work, or `limit` seconds.

    Numba, scikit-learn and torch have an OpenMP pool each, which keeps the cores busy for some ms after a call.
    """
    end = time.perf_counter() + limit
    while time.perf_counter() < end:
        busy = time.process_time()
        time.sleep(1e-3)
        if time.process_time() - busy < 2e-4:
            return


def _calibrate(call: Callable[[], Any]) -> tuple[float, int]:
    """Seconds per call, and the number of calls that make a sample."""
    settle()
    calls = 1
    while True:
        seconds = _time(call, calls)
        if seconds < WARM_UP:  # one call may be disturbed
            seconds = min(seconds, _time(call, calls), _time(call, calls))
        if seconds * calls >= MIN_SAMPLE:
            return seconds, calls
        calls *= 2


def _time(call: Callable[[], Any], calls: int) -> float:
    """Seconds per call, without the garbage collector."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        start = time.perf_counter()
        for _ in range(calls):
            call()
        return (time.perf_counter() - start) / calls
    finally:
        if enabled:
            gc.enable()
