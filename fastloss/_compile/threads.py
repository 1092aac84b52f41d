"""Whether a parallel loop may start, and pays: otherwise the same blocks run on one thread; the bits are the same."""

import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

from numba import get_num_threads, threading_layer

from .forks import Inherited

SPINS = "10000"
"""How often a worker of GNU OpenMP looks for work before it sleeps: for some 0.15 ms, of 4 by its own default."""
AWAKE = 150e-6
"""Seconds between two calls within which workers are still awake."""
PARALLEL, WORTH_WAKING = 16384, 65536
"""From how many elements on a call uses all threads: awake ones, and those that have to be woken."""
PATIENCE = 16
"""How many calls one thread computes, at most, after others have had to wait for cores."""
T = TypeVar("T")


@contextmanager
def _short_spins() -> Iterator[None]:
    """Within it, GNU OpenMP reads how long to spin, if it is loaded now and the user has not said it."""
    mine = not {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & os.environ.keys()
    if mine:
        os.environ["GOMP_SPINCOUNT"] = SPINS
    try:
        yield
    finally:
        if mine:
            del os.environ["GOMP_SPINCOUNT"]


@cache
def layer() -> str:
    """Numba's threading layer, started; "" where there is none, so that all runs on one thread."""
    try:
        with _short_spins():
            get_num_threads()  # starts it
        return str(threading_layer())
    except ValueError as reason:  # of NUMBA_THREADING_LAYER, or of its priorities
        first = str(reason).partition("\n")[0]
        warnings.warn(f"fastloss computes on one thread: {first}", RuntimeWarning, stacklevel=2)
        return ""


def may_run_parallel() -> bool:
    """Whether a parallel loop may start now.

    Numba's workqueue aborts the process when two threads run parallel loops at once, be they of this package or of
    anyone else: it is used only while no other thread runs Python.
    """
    if Inherited.layer not in (None, "tbb"):
        return False
    if Inherited.openmp and layer() == "omp":
        return False
    return layer() != "" and get_num_threads() > 1 and (layer() != "workqueue" or len(sys._current_frames()) == 1)


class _Calls:
    """What earlier calls have shown. It decides how many threads compute, and nothing about the results."""

    last = float("-inf")
    """When the last call began that was large enough for several threads."""
    lost = 0
    """Elements of the last call for which one thread would have been faster."""
    patience = 0
    """How many calls of that size one thread computes until others are tried again."""
    left = 0
    """Of these, how many are left."""


def pays_parallel(elements: int) -> bool:
    """Whether so many elements are enough for several threads: more have to be there where these sleep."""
    if elements < PARALLEL:
        return False
    before, _Calls.last = _Calls.last, time.perf_counter()
    if elements < WORTH_WAKING:
        return _Calls.last - before < AWAKE
    if _Calls.left and elements <= 2 * _Calls.lost:
        _Calls.left -= 1
        return False
    return True


def watched(elements: int, run: Callable[[], T]) -> T:
    """Run a parallel loop, and learn whether its threads found cores.

    Workers of another pool that go on spinning (XGBoost brings an OpenMP of its own) keep them, for milliseconds. This
    thread then sleeps, and longer than it computes.
    """
    if elements < WORTH_WAKING:
        return run()
    begin, busy = time.perf_counter(), time.thread_time()
    result = run()
    wall, busy = time.perf_counter() - begin, time.thread_time() - busy
    if wall > 2 * busy and wall > get_num_threads() * busy:
        _Calls.lost, _Calls.patience = elements, min(2 * _Calls.patience or 1, PATIENCE)
        _Calls.left = _Calls.patience
    elif elements <= 2 * _Calls.lost:
        _Calls.patience = 0
    return result
