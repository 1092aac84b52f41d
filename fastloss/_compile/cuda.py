"""What of numba-cuda's insides the kernels of a GPU need: whether it is simulated, its options, a kernel's handle."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numba import cuda

from .private import CUDA_IMPORT, CUDA_LAUNCH, CUDA_ROUNDING, warn


def simulated() -> bool:
    """Whether numba.cuda is its simulator, whatever the settings say since it was imported."""
    return "simulator" in cuda.jit.__module__


def _import_arrayobj() -> None:
    """numba-cuda up to 0.30.4 names numpy.row_stack when it compiles its first kernel; NumPy 2.5 removed it.

    So the module that names it is imported while numpy.row_stack is there.
    """
    name = "row_stack"
    if not hasattr(np, name):
        setattr(np, name, np.vstack)
        try:
            bool(CUDA_IMPORT)
        finally:
            delattr(np, name)


SIMULATED = simulated()
if not SIMULATED:
    _import_arrayobj()
    bool(CUDA_LAUNCH)
    bool(CUDA_ROUNDING)
    warn()
device = cuda.jit(device=True) if SIMULATED else cuda.jit(device=True, forceinline=True)
"""A function with synchronisation or shared memory in it; all others are `scalar`."""


def handle(kernel: Any) -> int:
    """The driver's handle of a compiled kernel on the current device; 0 where numba-cuda does not say."""
    if not CUDA_LAUNCH:
        return 0
    if not hasattr(kernel, "_codelibrary"):
        CUDA_LAUNCH.lacks(CUDA_LAUNCH.late[0])
        warn()
        return 0
    kernel.bind()
    return int(kernel._codelibrary.get_cufunc().handle)


@contextmanager
def every_rounding() -> Iterator[None]:
    """What this thread compiles for a GPU keeps every rounding of its source.

    NVVM fuses products with sums unless it is told not to, and numba-cuda has no option that tells it. Then it writes
    `mul.rn`, which no assembler may fuse either.
    """
    if not CUDA_ROUNDING:
        yield
        return
    nvvm, compile_ir = CUDA_ROUNDING.values()
    mine = threading.get_ident()

    def compile_exactly(code: Any, **options: Any) -> Any:
        return compile_ir(code, **options, **({"fma": False} if threading.get_ident() == mine else {}))

    nvvm.compile_ir = compile_exactly
    try:
        yield
    finally:
        nvvm.compile_ir = compile_ir
