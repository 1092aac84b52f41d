"""Compiling a kernel on first use, and running it on one thread or on all, without ever taking a process down."""

import sys
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import get_num_threads, prange, types
from numba.np.ufunc import parallel as threading_layer

from .._compile.forks import Inherited
from .._compile.invoke import invoke
from .._compile.jit import COMPILED, compiling, entry
from .._compile.memory import address
from .call import REPORT, Call, gather

PARALLEL = 16384
"""From how many elements on a call uses all threads."""
TASKS = 256
"""A parallel call is cut into at most so many tasks; what it allocates is a report for each."""


class Function:
    """A compiled function of integers, on its own or by its address from other compiled code."""

    def __init__(
        self, name: str, function: Callable[..., Any], arguments: int = 5, *, parallel: bool = False,
        interleaved: bool = False,
    ) -> None:  # fmt: skip
        signature = types.int64(*[types.int64] * arguments)
        with compiling():
            self.run = entry(name, function, signature, parallel=parallel, interleaved=interleaved)
            self.address: Any = _pointer(self.run) if COMPILED else self.run


class Kernel(Function):
    """A compiled kernel: takes a call, first and last block, the reports of all tasks and the number of its own."""

    def __call__(self, call: Call, blocks: int, tasks: int = 1) -> Any:
        """Run all blocks, in so many tasks where several threads may be used; the report."""
        reports = np.zeros(tasks, REPORT).view(np.recarray)
        if not COMPILED:
            with np.errstate(all="ignore"):  # as compiled code, which warns of nothing
                self.run(call, 0, blocks, reports, 0)
            return reports[0]
        packed = call.pack()
        if tasks > 1 and may_run_parallel():
            _parallel().run(self.address, address(packed), blocks, tasks, id(reports))
        else:
            self.run(address(packed), 0, blocks, id(reports), 0)
        return reports[0]


def _pointer(dispatcher: Any) -> int:
    (compiled,) = dispatcher.overloads.values()
    return int(compiled.library.get_pointer_to_function(compiled.fndesc.llvm_cfunc_wrapper_name))


@cache
def _parallel() -> Function:
    """The one parallel loop, shared by every kernel: tasks of equal numbers of blocks."""

    def loop(function, call, blocks, tasks, reports):
        for t in prange(tasks):
            invoke(function, call, t * blocks // tasks, (t + 1) * blocks // tasks, reports, t)
        gather(reports, tasks)
        return 0

    return Function("parallel", loop, parallel=True)


# --- threads -----------------------------------------------------------------------------------------------------
# Where a parallel loop cannot start safely, the same blocks run on one thread and give the same bits.


@cache
def layer() -> str:
    """Numba's threading layer, started; "" where there is none, so that all runs on one thread."""
    try:
        if not threading_layer._is_initialized:
            threading_layer._launch_threads()
        return str(threading_layer.threading_layer())
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


def parallel_loop() -> Any:
    """The address of the parallel loop, or 0 where it may not start now."""
    return _parallel().address if may_run_parallel() else 0
