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

from .digest import digest, unchanged
from .private import CACHE, warn

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
    """The files of one kernel, one for each key."""

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
        path, data = self._path(key), CACHE.dumps(data)
        temporary = f"{path}.{uuid.uuid4().hex[:16]}"
        try:
            with open(temporary, "wb") as file:
                file.write(self._checksum(path, data) + data)
            os.replace(temporary, path)
        except OSError:  # a full disk, or a folder that was removed
            with contextlib.suppress(OSError):
                os.unlink(temporary)

    @staticmethod
    def _checksum(path: str, data: bytes) -> bytes:
        """Of the file's name too: under another one it would be another kernel."""
        return hashlib.blake2b(os.path.basename(path).encode() + b"\0" + data, digest_size=_SUM).digest()


class KernelCache:
    """Where a dispatcher of Numba looks for a kernel before it compiles one, and keeps it afterwards."""

    versions = f"numba{numba.__version__}"

    def __init__(self, function: Any) -> None:
        self.cache_path = cache_folder() or ""
        self._files = KernelFiles(self.cache_path, function.__qualname__.rsplit(".", 1)[-1], self.versions)

    @staticmethod
    def key(signature: Any, codegen: Any) -> Any:
        """What a file's name depends on, beside what is the same for the whole process."""
        return signature, codegen.magic_tuple(), [(name, getattr(config, name, None)) for name in _SWITCHES]

    def load_overload(self, signature: Any, context: Any) -> Any:
        """The kernel, if it is there and whole."""
        try:
            context.refresh()
            data = self._files.load(self.key(signature, context.codegen()))
            return None if data is None else self.rebuild(context, data)
        except Exception:  # what another Numba wrote, say
            return None

    def save_overload(self, signature: Any, kernel: Any) -> None:
        """Keep a kernel, unless a source was edited meanwhile: its code may be of neither version."""
        if unchanged():
            with contextlib.suppress(Exception):
                self._files.save(self.key(signature, kernel.codegen), self.reduce(kernel))

    def reduce(self, kernel: Any) -> Any:
        """What of a kernel goes to disk."""
        if kernel.library.has_dynamic_globals:
            raise TypeError("an address of this process is in the machine code")
        return type(kernel), kernel._reduce()

    def rebuild(self, context: Any, data: Any) -> Any:
        """The kernel from what was on disk."""
        cls, states = data
        return cls._rebuild(context, *states)


def attach(dispatcher: Any, cache: Any, names: Any = CACHE) -> None:
    """Let a dispatcher use a cache."""
    if not hasattr(dispatcher, "_cache"):
        names.lacks(names.late[0])
        warn()
    dispatcher._cache = cache
