"""Compiled kernels on disk, by the same rules as the CPU's."""

from typing import Any

import numba
import numba_cuda

from .cache import KernelCache, attach, cache_folder
from .private import CUDA_CACHE, warn


class CudaKernelCache(KernelCache):
    """The cache of a kernel; the compute capability is in the magic tuple of its key."""

    versions = f"cuda{numba_cuda.__version__}-numba{numba.__version__}"

    def load_overload(self, signature: Any, context: Any) -> Any:
        """The kernel, if it is there and whole; whatever the context looks up is for a GPU."""
        with CUDA_CACHE.target_override("cuda"):
            return super().load_overload(signature, context)

    def reduce(self, kernel: Any) -> Any:
        """What of a kernel goes to disk."""
        return type(kernel), kernel._reduce_states()

    def rebuild(self, context: Any, data: Any) -> Any:
        """The kernel from what was on disk."""
        cls, states = data
        return cls._rebuild(**states)


def attach_to(dispatcher: Any, function: Any) -> None:
    """Let a kernel use the disk cache, where there is a folder for it."""
    if not CUDA_CACHE:
        warn()
    elif cache_folder() is not None:
        attach(dispatcher, CudaKernelCache(function), CUDA_CACHE)
