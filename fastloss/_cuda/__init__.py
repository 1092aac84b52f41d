"""The compiled code for the GPU: twins of `_cpu`, by name and order. Imported only when an array is on one."""

from . import _numpy25  # noqa: F401 - before anything is compiled
