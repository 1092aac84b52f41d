"""What of numba-cuda's insides the kernels of a GPU need: whether it is simulated, and its options."""

import importlib

import numpy as np
from numba import cuda


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
            importlib.import_module("numba.cuda.np.arrayobj")
        finally:
            delattr(np, name)


SIMULATED = simulated()
if not SIMULATED:
    _import_arrayobj()
device = cuda.jit(device=True) if SIMULATED else cuda.jit(device=True, forceinline=True)
"""A function with synchronisation or shared memory in it; all others are `scalar`."""
