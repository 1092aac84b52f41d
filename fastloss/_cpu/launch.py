"""Compiling a kernel on first use, and running it on one thread or on all, without ever taking a process down."""

import struct
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from numba import prange, types

from .._compile.invoke import invoke
from .._compile.jit import COMPILED, address_of, compiling, entry
from .._compile.memory import address
from .._compile.threads import may_run_parallel
from .blocks import FIELDS, TASKS, gather


class Function:
    """A compiled function of integers, on its own or by its address from other compiled code."""

    def __init__(
        self, name: str, function: Callable[..., Any], arguments: int = 5, *, parallel: bool = False,
        interleaved: bool = False,
    ) -> None:  # fmt: skip
        signature = types.int64(*[types.int64] * arguments)
        how = {"parallel": parallel, "interleaved": interleaved}
        with compiling():
            self.run = entry(name, function, signature, **how)
            self.address: Any = address_of(self.run, signature, **how) if COMPILED else self.run


class Kernel(Function):
    """A compiled kernel: callable from Python with one call, first and last block, and by address from other code."""

    def __init__(self, name: str, function: Callable[..., Any], slots: str, unit: int = 1) -> None:
        super().__init__(name, function)
        # 'O' is an array (by its identity; that of None is never looked at), 'q' an integer, 'd' a float
        self._pack = struct.Struct(slots.replace("O", "q")).pack
        self.unit = unit
        """How many examples make a block."""

    def __call__(self, arrays: Sequence[Any], numbers: tuple[Any, ...], blocks: int, parallel: bool) -> Any:
        """Run all blocks; the report: high, low, index of the first offence or -1, and the values there."""
        tasks = min(blocks, TASKS) if parallel else 1
        report = np.empty(tasks * FIELDS)
        if not COMPILED:
            with np.errstate(all="ignore"):  # as compiled code, which warns of nothing
                self.run((*arrays, *numbers), 0, blocks, (report,), 0)
            return report
        call = self._pack(*map(id, arrays), *numbers)
        row = id(report).to_bytes(8, "little")
        if tasks == 1:
            self.run(address(call), 0, blocks, address(row), 0)
            return report
        if may_run_parallel():
            _parallel().run(self.address, address(call), blocks, tasks, address(row))
        else:
            self.run(address(call), 0, blocks, address(row), 0)
        return report


@cache
def _parallel() -> Function:
    """The one parallel loop, shared by every kernel: tasks of equal numbers of blocks."""

    def loop(function, call, blocks, tasks, report):
        for t in prange(tasks):
            invoke(function, call, t * blocks // tasks, (t + 1) * blocks // tasks, report, t)
        gather(report, tasks)
        return 0

    return Function("parallel", loop, parallel=True)


def parallel_loop() -> Any:
    """The address of the parallel loop, or 0 where it may not start now."""
    return _parallel().address if may_run_parallel() else 0
