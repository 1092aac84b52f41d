"""What all threads gain over one, for fastloss and for the plain pass in the same rounds."""

import statistics
from collections.abc import Callable
from typing import Any

import numba

from ..cases.cpu import THREADED
from ..peers import Call
from ..peers.registry import prepare_contender
from .interleave import interleave


def measure_threads(rounds: int) -> list[dict[str, Any]]:
    """Seconds of each with one thread and with all of them; nothing where there is but one."""
    threads = numba.get_num_threads()
    found: list[dict[str, Any]] = []
    try:
        for case in THREADED if threads > 1 else ():
            y, p = case.data()
            calls = {name: prepare_contender(name, case, y, p) for name in ("plain", "fastloss")}
            limited = {f"{name} on {n}": _with_threads(call, n) for name, call in calls.items() for n in (1, threads)}
            for call in limited.values():
                call()
            medians = {name: statistics.median(its.seconds) for name, its in interleave(limited, rounds).items()}
            gains = {name: medians[f"{name} on 1"] / medians[f"{name} on {threads}"] for name in calls}
            found.append({"loss": case.loss, "size": case.size, "threads": threads} | medians | {"gains": gains})
    finally:
        numba.set_num_threads(threads)
    return found


def _with_threads(call: Call, threads: int) -> Callable[[], None]:
    """The call on so many threads."""

    def run() -> None:
        numba.set_num_threads(threads)
        call()

    return run
