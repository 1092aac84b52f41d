"""Compiled kernels on disk, by the same rule as the CPU's: the name and a digest of the package's sources.

A damaged or unwritable cache costs a compilation, never a call. numba-cuda's own key, which is not used, holds the
bytes of the kernel's closure, and these differ from process to process.
"""

import sys
from typing import Any

import numba_cuda
from numba.cuda.dispatcher import CUDACache, CUDACacheImpl

from .._jit import _DIGEST, _Locator, _package_digest, cache_folder


class _Impl(CUDACacheImpl):
    _locator_classes = [_Locator]

    def get_filename_base(self, fullname: str, abiflags: str) -> str:
        python = f"py{sys.version_info[0]}{sys.version_info[1]}{abiflags}"
        return f"fastloss-cuda-{fullname.rsplit('.', 1)[-1]}-{_DIGEST[:12]}.{python}"


class KernelCache(CUDACache):
    """One entry for each kernel and compute capability, which is in the magic tuple."""

    _impl_class = _Impl

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        return sig, codegen.magic_tuple(), numba_cuda.__version__, self._launch_config_key

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception:
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        if _package_digest() != _DIGEST:  # an edit came between: this code may be of neither version
            return
        try:
            super().save_overload(sig, data)
        except Exception:
            return


def attach(dispatcher: Any, function: Any) -> None:
    """Let a kernel use the disk cache, where there is a folder for it."""
    if cache_folder() is not None:
        dispatcher._cache = KernelCache(function)
