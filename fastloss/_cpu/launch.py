"""Compiling a kernel on first use, and running it on one thread or on all, without ever crashing the process."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import prange, types

from .._compile.invoke import invoke
from .._compile.jit import COMPILED, address_of, compiling, entry, helper
from .._compile.memory import address
from .._compile.threads import may_run_parallel
from .._compile.vectors import WIDTH
from .call import REPORT, Call, gather

TASK_ELEMENTS = 8192
"""Elements of a task of rows, at least."""
_REPORTS: Any = np.dtype((np.record, REPORT))
TASKS = 256
"""A parallel call is cut into at most so many tasks; what it allocates is a report for each."""


@helper
def row_tasks(rows: int, classes: int) -> int:
    """Into how many tasks a call on rows of so many classes is cut, of enough elements for several."""
    return min(TASKS, rows, rows * (classes if classes > WIDTH else WIDTH) // TASK_ELEMENTS)


class Function:
    """A compiled function of integers, on its own or by its address from other compiled code."""

    def __init__(
        self, name: str, function: Callable[..., Any], arguments: int = 5, *, parallel: bool = False,
        independent: bool = False,
    ) -> None:  # fmt: skip
        signature = types.int64(*[types.int64] * arguments)
        how = {"parallel": parallel, "independent": independent}
        with compiling():
            self.run = entry(name, function, signature, **how)
            self.address: Any = address_of(self.run, signature, **how) if COMPILED else self.run


class Kernel(Function):
    """A compiled kernel: takes a call, first and last block, the reports of all tasks and the number of its own."""

    def __call__(self, call: Call, blocks: int, tasks: int = 1) -> Any:
        """Run all blocks, in so many tasks where several threads may be used; the report."""
        reports = np.zeros(tasks, _REPORTS)
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


@cache
def _parallel() -> Function:
    """The one parallel loop, shared by every kernel: tasks of equal numbers of blocks."""

    def loop(function, call, blocks, tasks, reports):
        for t in prange(tasks):
            invoke(function, call, t * blocks // tasks, (t + 1) * blocks // tasks, reports, t)
        gather(reports, tasks)
        return 0

    return Function("parallel", loop, parallel=True)


def parallel_loop() -> Any:
    """The address of the parallel loop, or 0 where it may not start now."""
    return _parallel().address if may_run_parallel() else 0
