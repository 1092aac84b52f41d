"""numba-cuda up to 0.30.4 names numpy.row_stack when it compiles its first kernel; NumPy 2.5 removed it.

So the module that names it is imported here, while numpy.row_stack is there.
"""

import importlib

import numpy as np

from .memory import SIMULATED

NAME = "row_stack"

if not SIMULATED and not hasattr(np, NAME):
    setattr(np, NAME, np.vstack)
    try:
        importlib.import_module("numba.cuda.np.arrayobj")
    finally:
        delattr(np, NAME)
