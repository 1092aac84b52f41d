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
PARALLEL, WORTH_WAKING = 16384, 131072
"""From how many elements on a call uses all threads: awake ones, and those that have to be woken."""
PATIENCE = 16
"""For how many calls it is not asked again, at most, whether one thread is faster."""
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
    elements = 0
    """Of the last call whose threads had to wait for cores."""
    per_element = 0.0
    """Its seconds per element."""
    trial = False
    """Whether the next call of that size is tried on one thread."""
    alone = False
    """Whether one thread was faster."""
    patience, left = 1, 0
    """For how many calls that holds, and of these, how many are left."""


def pays_parallel(elements: int) -> bool:
    """Whether so many elements are enough for several threads: more have to be there where these sleep."""
    if elements < PARALLEL:
        return False
    before, _Calls.last = _Calls.last, time.perf_counter()
    if elements < WORTH_WAKING:
        return _Calls.last - before < AWAKE
    if not _Calls.elements <= 2 * elements <= 4 * _Calls.elements:
        return True
    if _Calls.left:
        _Calls.left -= 1
        return not _Calls.alone
    return not _Calls.trial


def on_threads(elements: int, run: Callable[[bool], T]) -> T:
    """run(whether on several threads), and learn whether these find cores, or one thread is faster.

    Workers of another pool that go on spinning (XGBoost brings an OpenMP of its own) keep the cores for milliseconds.
    This thread then sleeps, and longer than it computes; the next call of that size shows what it would do alone.
    """
    parallel = pays_parallel(elements)
    if elements < WORTH_WAKING or not (parallel or _Calls.trial):
        return run(parallel)
    begin, busy = time.perf_counter(), time.thread_time()
    result = run(parallel)
    wall, busy = time.perf_counter() - begin, time.thread_time() - busy
    if not parallel:
        alone = wall < _Calls.per_element * elements
        _Calls.patience = min(2 * _Calls.patience, PATIENCE) if alone == _Calls.alone else 1
        _Calls.trial, _Calls.alone, _Calls.left = False, alone, _Calls.patience
    elif wall > 2 * busy and not _Calls.left:
        _Calls.trial, _Calls.elements, _Calls.per_element = True, elements, wall / elements
    return result
