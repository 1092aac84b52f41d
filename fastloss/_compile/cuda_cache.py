"""Compiled kernels on disk, by the same rules as the CPU's."""

from typing import Any

import numba
import numba_cuda
from numba.cuda.dispatcher import CUDACache, CUDACacheImpl

from .cache import KernelCache, Locator, cache_folder


class _Impl(CUDACacheImpl):
    _locator_classes = [Locator]


class CudaKernelCache(KernelCache, CUDACache):
    """The cache of a kernel; the compute capability is in the magic tuple of its key."""

    _impl_class = _Impl
    versions = f"cuda{numba_cuda.__version__}-numba{numba.__version__}"

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        return *super()._index_key(sig, codegen), self._launch_config_key


def attach(dispatcher: Any, function: Any) -> None:
    """Let a kernel use the disk cache, where there is a folder for it."""
    if cache_folder() is not None:
        dispatcher._cache = CudaKernelCache(function)
