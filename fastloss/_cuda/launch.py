"""Compiling a kernel on first use, and launching it on the caller's stream without a look at the arrays."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numba import cuda, types

from .memory import SIMULATED

INTEGER = types.int64
REALS = {np.float32: types.float32, np.float64: types.float64}


class Kernel:
    """A kernel of integers (addresses among them), then reals. Compiled where it is first launched."""

    def __init__(self, name: str, function: Callable[..., Any], integers: int, reals: int = 0,
                 real: Any = np.float64) -> None:  # fmt: skip
        self.name, self.function = name, function
        self.signature = types.void(*[INTEGER] * integers, *[REALS[real]] * reals)
        self._real, self._integers = real, integers
        self._compiled: Any = None

    def _compile(self) -> Any:
        self.function.__qualname__ = self.function.__name__ = self.name
        dispatcher = cuda.jit(self.function)
        if not SIMULATED:
            from .cache import attach

            attach(dispatcher, self.function)
            dispatcher.compile(self.signature.args)
            dispatcher.disable_compile()
        return dispatcher

    def __call__(self, blocks: int, threads: int, stream: int, *arguments: Any) -> None:
        """Launch `blocks` blocks of `threads` threads."""
        if self._compiled is None:
            self._compiled = self._compile()
        reals = [self._real(x) for x in arguments[self._integers :]]
        place = (blocks, threads) if SIMULATED else (blocks, threads, _stream(stream))
        if SIMULATED:
            with np.errstate(all="ignore"):  # as on a device, which warns of nothing
                self._compiled[place](*arguments[: self._integers], *reals)
        else:
            self._compiled[place](*arguments[: self._integers], *reals)


@lru_cache(64)  # the same object for the same stream: numba keeps a configured launch for each
def _stream(handle: int) -> Any:
    return cuda.external_stream(handle) if handle else 0
