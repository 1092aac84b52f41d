"""The compiled code for the GPU: twins of `_cpu`, by name and order. Imported only when an array is on one."""

from .._compile import cuda as cuda  # before anything is compiled
