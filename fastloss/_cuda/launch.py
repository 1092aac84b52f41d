"""Compiling a kernel on first use, and launching it by the driver's own call, without a look at any array.

numba's launch would box every argument anew, and warns of each grid of few blocks: the last sum of a call is one.
"""

import ctypes
import sys
import warnings
from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numba import cuda, types

from .._compile.cuda import SIMULATED, every_rounding, handle
from .._compile.cuda_memory import flat
from .._compile.forks import Inherited
from .._compile.jit import compiling

INTEGER = types.int64
REALS = {np.float32: (types.float32, ctypes.c_float), np.float64: (types.float64, ctypes.c_double)}
NO_CONTEXT = -1


class Address(NamedTuple):
    """A place in memory that every call knows anew: so many bytes from the start of one of its arrays."""

    slot: int
    offset: int = 0
    kind: Any = None
    """The dtype of what lies there, which only the simulator asks for."""


class Kernel:
    """A kernel of integers (addresses among them), then reals. Compiled where it is first launched."""

    def __init__(self, name: str, function: Callable[..., Any], integers: int, reals: int = 0,
                 real: Any = np.float64, threads: int | None = None) -> None:  # fmt: skip
        self.name, self.function, self.integers, self.threads = name, function, integers, threads
        self.real, self.ctype = real, REALS[real][1]
        self.signature = types.void(*[INTEGER] * integers, *[REALS[real][0]] * reals)
        self._dispatcher: Any = None
        self._handles: dict[int, int] = {}

    def jit(self) -> Any:
        """The function, to be compiled: assembled as NVVM writes it, without optimisation at link time."""
        return cuda.jit(self.function, lto=False, launch_bounds=self.threads)

    def dispatcher(self) -> Any:
        """numba's kernel, compiled for the current device; in the simulator its function."""
        if self._dispatcher is None:
            self.function.__qualname__ = self.function.__name__ = self.name
            if SIMULATED:
                self._dispatcher = cuda.jit(self.function)
                return self._dispatcher
            from .._compile.cuda_cache import attach_to

            with compiling(), every_rounding():
                dispatcher = self.jit()
                attach_to(dispatcher, self.function)
                dispatcher.compile(self.signature.args)
            dispatcher.disable_compile()
            self._dispatcher = dispatcher
        return self._dispatcher

    def handle(self, device: int) -> int:
        """The driver's handle on a device, which is the current one; 0 where numba has to launch."""
        found = self._handles.get(device)
        if found is None:
            found = self._handles[device] = handle(self.dispatcher().overloads[self.signature.args])
        return found


class Driver:
    """The two calls of the CUDA driver that every call here needs, by ctypes: each costs half a microsecond."""

    def __init__(self) -> None:
        # numba has loaded it already, and the loader knows it by this name, wherever it was found.
        if sys.platform == "win32":
            library = ctypes.WinDLL("nvcuda.dll")
        else:
            library = ctypes.CDLL("libcuda.so.1")
        self.launch = library.cuLaunchKernel
        self.launch.argtypes = [ctypes.c_void_p, *[ctypes.c_uint] * 7, *[ctypes.c_void_p] * 3]
        self._device, self._name = library.cuCtxGetDevice, library.cuGetErrorName

    def device(self) -> int:
        """The number of this thread's current device; NO_CONTEXT where it has none yet."""
        number = ctypes.c_int()
        return NO_CONTEXT if self._device(ctypes.byref(number)) else number.value

    def error(self, code: int) -> str:
        """The name of an error of the driver."""
        name = ctypes.c_char_p()
        self._name(code, ctypes.byref(name))
        return (name.value or b"unknown error").decode()


@cache
def _driver() -> Driver:
    return Driver()


def driver() -> Any:
    """The driver, loaded once; RuntimeError in the child of a fork, where no context works."""
    if Inherited.cuda:
        raise RuntimeError("CUDA was used before this process was forked and cannot be used in it; expected a process "
                           'that was started by "spawn" or "forkserver"')  # fmt: skip
    return _driver()


class Launch:
    """One launch, again and again: everything but the addresses is packed once."""

    def __init__(self, kernel: Kernel, blocks: int, threads: int, arguments: tuple[Any, ...]) -> None:
        self.kernel, self.arguments, self.grid = kernel, arguments, (blocks, 1, 1, threads, 1, 1, 0)
        self.moving = [(i, a.slot, a.offset) for i, a in enumerate(arguments) if isinstance(a, Address)]
        count, self._lock = kernel.integers, Lock()
        whole = [0 if isinstance(a, Address) else int(a) for a in arguments[:count]]
        self.integers = (ctypes.c_int64 * count)(*whole)
        self.reals = (kernel.ctype * (len(arguments) - count))(*arguments[count:])
        places = [ctypes.addressof(self.integers) + 8 * i for i in range(count)]
        places += [ctypes.addressof(self.reals) + ctypes.sizeof(kernel.ctype) * i for i in range(len(self.reals))]
        self._parameters = (ctypes.c_void_p * len(places))(*places)
        self._at = ctypes.addressof(self._parameters)

    def __call__(self, places: list[Any], stream: int, device: int) -> None:
        """Launch with these arrays on a stream of the current device."""
        handle, values = self.kernel.handle(device), self.integers
        with self._lock:  # the driver copies the arguments before it returns
            for i, slot, offset in self.moving:
                values[i] = places[slot] + offset
            if not handle:
                self._by_numba(stream)
                return
            code = driver().launch(handle, *self.grid, stream, self._at, None)
        if code:
            raise RuntimeError(f"the launch of {self.kernel.name} failed: {driver().error(code)}")

    def _by_numba(self, stream: int) -> None:
        """The launch of numba itself, which looks at every argument."""
        blocks, threads = self.grid[0], self.grid[3]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a grid of few blocks
            launch = self.kernel.dispatcher()[blocks, threads, cuda.external_stream(stream) if stream else 0]
            launch(*self.integers, *map(self.kernel.real, self.reals))

    def simulate(self, places: list[Any]) -> None:
        """The same in the simulator, where a place is an array of NumPy."""
        kernel = self.kernel
        values = [
            flat(places[a.slot], a.offset, a.kind) if isinstance(a, Address) else a
            for a in self.arguments[: kernel.integers]
        ]
        with np.errstate(all="ignore"):  # as on a device, which warns of nothing
            kernel.dispatcher()[self.grid[0], self.grid[3]](
                *values, *map(kernel.real, self.arguments[kernel.integers :])
            )
