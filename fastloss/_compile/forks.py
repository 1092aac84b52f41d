"""What a fork must not break: locks that no thread of the child would ever release, and pools without threads.

The child of a fork has one thread. A lock that another thread of the parent held stays locked in it, so the locks of
the compiler are taken before a fork. GNU OpenMP is one for the whole process: when anything in the parent has used it
(torch, LightGBM, Numba), the child would wait for ever, or be killed, at its first parallel loop.
"""

import contextlib
import ctypes
import os
import sys
import threading
from typing import Any

import numba

from .private import LOCKS

COMPILING: Any = LOCKS.global_compiler_lock or threading.RLock()
"""Held by whoever compiles, or loads a compiled kernel from disk."""
_LOCKS: list[Any] = [lock for lock in (COMPILING, *LOCKS.values()[1:]) if lock is not None]
"""The locks of the compiler, of starting threads and of LLVM, in the order in which Numba takes them."""
_FORKED_WITHOUT_EXEC = 0x40
"""PF_FORKNOEXEC of the flags in /proc/self/stat."""


def _openmp_is_loaded() -> bool:
    """Whether GNU's OpenMP is in this process, the one that Numba would share; who loaded it may have used it."""
    try:
        ctypes.CDLL("libgomp.so.1", mode=os.RTLD_NOLOAD)
    except (OSError, AttributeError):
        return False
    return True


def _is_forked() -> bool:
    """Whether this process is the child of a fork that has not started a program since, as Linux knows."""
    try:
        with open("/proc/self/stat") as file:
            return bool(int(file.read().rpartition(")")[2].split()[6]) & _FORKED_WITHOUT_EXEC)
    except (OSError, ValueError, IndexError):
        return False


class Inherited:
    """What this process has from a parent that forked it."""

    openmp = _is_forked() and _openmp_is_loaded()
    """GNU OpenMP, perhaps with a pool whose threads are not here. At import: the child may be the first to import."""
    layer: str | None = None
    """The layer of Numba's that the parent had started."""
    cuda: bool = False
    """That arrays on a GPU were computed there."""


_held: list[Any] = []
"""The locks that this fork has taken."""


def _hold() -> None:
    """Take every lock, also where an interrupt comes meanwhile: Python would fork all the same."""
    for lock in _LOCKS:
        while True:
            try:
                lock.acquire()
                break
            except BaseException:
                continue
        _held.append(lock)


def _release() -> None:
    while _held:
        _held.pop().release()


def _in_child() -> None:
    if _held:
        _release()
    else:  # a program in C that forks by itself, and only says so afterwards
        for lock in _LOCKS:
            getattr(lock, "_lock", lock)._at_fork_reinit()
    Inherited.openmp |= _openmp_is_loaded()
    with contextlib.suppress(ValueError):  # no parallel loop was started
        Inherited.layer = str(numba.threading_layer())
    Inherited.cuda |= f"{__name__.partition('.')[0]}._cuda.launch" in sys.modules


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_hold, after_in_parent=_release, after_in_child=_in_child)
