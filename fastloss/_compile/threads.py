"""Whether a parallel loop may start: where it cannot, the same blocks run on one thread and give the same bits."""

import sys
import warnings
from functools import cache

from numba import get_num_threads, threading_layer

from .forks import Inherited


@cache
def layer() -> str:
    """Numba's threading layer, started; "" where there is none, so that all runs on one thread."""
    try:
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
