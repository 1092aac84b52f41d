"""Compiled kernels on disk: where they are kept, and what has to be the same for one to be used again.

A kernel is a file of its own, whose name holds all that it depends on: the package, the versions of Python and Numba,
the processor, the options of the compiler. It begins with a checksum. So versions, checkouts and machines share a
folder without evicting each other, and a damaged or unwritable cache costs a compilation, never a call.
"""

import contextlib
import functools
import hashlib
import os
import pickle
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

import numba
from numba import config
from numba.core import caching
from numba.core.serialize import dumps

from .digest import digest, unchanged

_SWITCHES = ("OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "BOUNDSCHECK", "DEBUGINFO_DEFAULT", "DISABLE_INTEL_SVML")
"""The settings of Numba that change the code it makes, and are no part of its own key."""
_SUM = 32
"""Bytes of a checksum."""


def _writable(folder: str) -> bool:
    try:
        os.makedirs(folder, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


@functools.cache
def cache_folder() -> str | None:
    """Where compiled kernels are kept: NUMBA_CACHE_DIR, __pycache__ here, the user's cache, or None."""
    if digest() is None:
        return None
    here = Path(__file__).resolve().parents[1]
    user = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    choices = [str(here / "__pycache__")]
    if os.path.isabs(user):  # there may be no home
        choices.append(os.path.join(user, "fastloss", hashlib.sha256(str(here).encode()).hexdigest()[:16]))
    if config.CACHE_DIR:
        choices.insert(0, os.path.join(config.CACHE_DIR, "fastloss"))
    return next((folder for folder in choices if _writable(folder)), None)


class KernelFiles:
    """The files of one kernel, one for each key; in place of Numba's index and the files that it numbers."""

    def __init__(self, folder: str, kernel: str, versions: str) -> None:
        self._folder, self._kernel, self._versions = folder, kernel, versions

    def _path(self, key: Any) -> str:
        python = f"py{sys.version_info[0]}{sys.version_info[1]}{getattr(sys, 'abiflags', '')}"
        depends = hashlib.sha256(repr((digest(), self._versions, key)).encode()).hexdigest()[:16]
        return os.path.join(self._folder, f"fastloss-{self._kernel}-{self._versions}-{python}-{depends}.nbc")

    def load(self, key: Any) -> Any:
        """What was saved under the key; None where there is nothing, or not what was saved."""
        path = self._path(key)
        try:
            with open(path, "rb") as file:
                checksum, data = file.read(_SUM), file.read()
        except OSError:
            return None
        return pickle.loads(data) if checksum == self._checksum(path, data) else None

    def save(self, key: Any, data: Any) -> None:
        """Write it under another name first: whoever reads sees all of it or nothing."""
        path, data = self._path(key), dumps(data)
        aside = f"{path}.{uuid.uuid4().hex[:16]}"
        try:
            with open(aside, "wb") as file:
                file.write(self._checksum(path, data) + data)
            os.replace(aside, path)
        except OSError:  # a full disk, or a folder that was removed
            with contextlib.suppress(OSError):
                os.unlink(aside)

    def flush(self) -> None:
        """Nothing is kept in memory."""

    @staticmethod
    def _checksum(path: str, data: bytes) -> bytes:
        """Of the file's name too: under another one it would be another kernel."""
        return hashlib.blake2b(os.path.basename(path).encode() + b"\0" + data, digest_size=_SUM).digest()


class Locator(caching._CacheLocator):
    """One folder for the whole package."""

    def __init__(self, py_func: Any) -> None:
        self._py_file = py_func.__code__.co_filename

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> "Locator":
        """The locator of a function."""
        return cls(py_func)

    def get_cache_path(self) -> str:
        """The folder."""
        return cache_folder() or ""

    def get_source_stamp(self) -> str:
        """What Numba asks for; the file's name says it."""
        return digest() or ""

    def get_disambiguator(self) -> str:
        """Nothing: names of kernels are unique."""
        return ""


class KernelCache:
    """What the caches for the CPU and for a GPU have in common; before Numba's class in the order of bases.

    Numba's own key holds the bytes of the closure, and a compiled function in a closure never has the same bytes in
    two processes; here the name and the digest say the same and more.
    """

    versions = f"numba{numba.__version__}"

    def __init__(self, py_func: Any) -> None:
        super().__init__(py_func)  # type: ignore[call-arg]
        name = py_func.__qualname__.rsplit(".", 1)[-1]
        self._cache_file = KernelFiles(cache_folder() or "", name, self.versions)

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        return sig, codegen.magic_tuple(), [(name, getattr(config, name, None)) for name in _SWITCHES]

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The kernel, if it is there and whole."""
        try:
            return super().load_overload(sig, target_context)  # type: ignore[misc]
        except Exception:  # what another Numba wrote, say
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep a kernel, unless a source was edited meanwhile: its code may be of neither version."""
        if unchanged():
            with contextlib.suppress(Exception):
                super().save_overload(sig, data)  # type: ignore[misc]


class _Impl(caching.CompileResultCacheImpl):
    _locator_classes = [Locator]


class FunctionCache(KernelCache, caching.FunctionCache):
    """The cache of a function for the CPU."""

    _impl_class = _Impl
