"""Compiling a kernel on first use, and running it on one thread or on all, without ever taking a process down."""

import contextlib
import os
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
from numba import config, get_num_threads, prange, types
from numba.np.ufunc import parallel as threading_layer

from .._jit import entry
from .blocks import FIELDS, TASKS, gather
from .invoke import invoke
from .memory import address


class Function:
    """A compiled function of integers, on its own or by its address from other compiled code."""

    def __init__(
        self, name: str, function: Callable[..., Any], arguments: int = 5, *, parallel: bool = False,
        interleaved: bool = False,
    ) -> None:  # fmt: skip
        signature = types.int64(*[types.int64] * arguments)
        self.run = entry(name, function, signature, parallel=parallel, interleaved=interleaved)
        self.address: Any = self.run if config.DISABLE_JIT else _pointer(self.run)


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
        if config.DISABLE_JIT:
            with np.errstate(all="ignore"):  # as compiled code, which warns of nothing
                self.run((*arrays, *numbers), 0, blocks, (report,), 0)
            return report
        call = self._pack(*map(id, arrays), *numbers)
        row = id(report).to_bytes(8, "little")
        if tasks == 1:
            self.run(address(call), 0, blocks, address(row), 0)
            return report
        with threads() as loop:
            if loop:
                _parallel().run(self.address, address(call), blocks, tasks, address(row))
            else:
                self.run(address(call), 0, blocks, address(row), 0)
        return report


def _pointer(dispatcher: Any) -> int:
    (compiled,) = dispatcher.overloads.values()
    return int(compiled.library.get_pointer_to_function(compiled.fndesc.llvm_cfunc_wrapper_name))


@cache
def _parallel() -> Function:
    """The one parallel loop, shared by every kernel: tasks of equal numbers of blocks."""

    def loop(function, call, blocks, tasks, report):
        for t in prange(tasks):
            invoke(function, call, t * blocks // tasks, (t + 1) * blocks // tasks, report, t)
        gather(report, tasks)
        return 0

    return Function("parallel", loop, parallel=True)


# --- threads -----------------------------------------------------------------------------------------------------
# GNU OpenMP kills a forked child at its first parallel call, if the parent had made one; Numba's workqueue aborts
# the process when two threads call it at once. In both cases the serial path gives the same bits.

_busy = threading.Lock()
_forked_after_start = False


def _after_fork() -> None:
    global _busy, _forked_after_start
    _busy = threading.Lock()
    _forked_after_start = threading_layer._is_initialized


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def layer() -> str:
    if not threading_layer._is_initialized:
        threading_layer._launch_threads()
    return str(threading_layer.threading_layer())


@contextlib.contextmanager
def threads() -> Iterator[int]:
    """The address of the parallel loop, to be used inside, or 0 where a parallel loop may not start now."""
    parallel = _may_run_parallel()
    try:
        yield _parallel().address if parallel else 0
    finally:
        if parallel:
            _release()


def _may_run_parallel() -> bool:
    """Whether a parallel loop may start now; when true, _release must follow."""
    if get_num_threads() == 1 or (_forked_after_start and layer() != "tbb"):
        return False
    return layer() != "workqueue" or _busy.acquire(blocking=False)


def _release() -> None:
    if _busy.locked():
        _busy.release()
