"""The only place where Numba's options are chosen, and where its disk cache is taught what a kernel depends on."""

import contextlib
import functools
import gc
import hashlib
import os
import pickle
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from numba import config, njit, types
from numba.core import caching

from ._lowering import Inner, InnerInterleaved, Interleaved

# error_model: a division by zero gives inf as IEEE says, instead of a check for an exception.
_COMMON = {"error_model": "numpy", "nogil": True}

# called from kernels only
_INNER = {**_COMMON, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_PARALLEL = {
    "prange": True,
    **dict.fromkeys(("comprehension", "reduction", "inplace_binop", "setitem", "numpy", "stencil", "fusion"), False),
}


def _inner(pipeline_class: Any = Inner, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    make = njit(pipeline_class=pipeline_class, **_INNER, **options)

    def decorate(function: Callable[..., Any]) -> Any:
        dispatcher = make(function)
        if not config.DISABLE_JIT:
            template = dispatcher.get_call_template
            # Numba would compile a function anew for each literal integer that it is called with.
            dispatcher.get_call_template = lambda args, kws: template(tuple(map(types.unliteral, args)), kws)
        return dispatcher

    return decorate


scalar = _inner(forceinline=True)
"""Maths on scalars: always inlined, never compiled alone."""

helper = _inner()
"""A loop that kernels call."""

long_loop = _inner(InnerInterleaved)
"""A loop that kernels call and whose body is long: it works on two vectors at a time."""


def _package_digest() -> str:
    """A digest of every source file of the package, taken at import: the sources that the running code came from."""
    digest = hashlib.sha256()
    root = os.path.dirname(os.path.abspath(__file__))
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if f != "__pycache__")
        for name in sorted(f for f in files if f.endswith(".py")):
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                digest.update(os.path.relpath(path, root).encode() + b"\0" + file.read() + b"\0")
    return digest.hexdigest()


_DIGEST = _package_digest()


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
    here = Path(__file__).resolve().parent
    user = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    choices = [
        str(here / "__pycache__"),
        os.path.join(user, "fastloss", hashlib.sha256(str(here).encode()).hexdigest()[:16]),
    ]
    if config.CACHE_DIR:
        choices.insert(0, os.path.join(config.CACHE_DIR, "fastloss"))
    return next((folder for folder in choices if _writable(folder)), None)


class _Locator(caching._CacheLocator):
    """One folder for the whole package, stale as soon as any of its files changes."""

    def __init__(self, py_func: Any) -> None:
        self._py_file = py_func.__code__.co_filename

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> "_Locator":
        return cls(py_func)

    def get_cache_path(self) -> str:
        return cache_folder() or ""

    def get_source_stamp(self) -> str:
        return _DIGEST

    def get_disambiguator(self) -> str:
        return ""


class _Impl(caching.CompileResultCacheImpl):
    _locator_classes = [_Locator]

    def get_filename_base(self, fullname: str, abiflags: str) -> str:
        # The digest in the name lets two checkouts or versions share a folder without evicting each other.
        python = f"py{sys.version_info[0]}{sys.version_info[1]}{abiflags}"
        return f"fastloss-{fullname.rsplit('.', 1)[-1]}-{_DIGEST[:12]}.{python}"


class _Cache(caching.FunctionCache):
    """Numba's cache, keyed by the kernel's name and the package's sources.

    Numba's own key holds the bytes of the closure, and a compiled function in a closure never has the same bytes in
    two processes; here the name and the digest say the same and more.
    """

    _impl_class = _Impl

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        return (sig, codegen.magic_tuple())

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # a damaged or half-written entry costs a compilation, never a crash
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        if _package_digest() != _DIGEST:  # an edit came between: this code may be of neither version
            return
        with contextlib.suppress(OSError):  # a full disk, or a folder that was removed
            try:
                super().save_overload(sig, data)
            except (pickle.PickleError, EOFError, ValueError):  # a damaged index: start it anew
                self.flush()
                super().save_overload(sig, data)


def _name_closures(function: Any, name: str) -> None:
    """Put the kernel's name into those of the functions in its closure.

    Numba tells functions of one qualified name apart by a counter that starts anew in each process. Two kernels from
    the disk cache whose inner loops had the same name and number would be linked to the same one of the two.
    """
    for cell in function.__closure__ or ():
        inner = getattr(cell.cell_contents, "py_func", None)
        if inner is not None and "<locals>" in inner.__qualname__:
            _name_closures(inner, name)
            inner.__qualname__ = f"{name}.{inner.__name__}"


@contextlib.contextmanager
def _no_garbage() -> Iterator[None]:
    """No garbage collection: compiling makes objects by the million that all live until it is done."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def entry(
    name: str, function: Callable[..., Any], signature: Any, *, parallel: bool = False, interleaved: bool = False
) -> Any:
    """Compile a function for one signature as an entry point, cached on disk under this name."""
    options = {"pipeline_class": Interleaved} if interleaved else {}
    dispatcher = njit(parallel=_PARALLEL if parallel else False, **_COMMON, **options)(function)
    if config.DISABLE_JIT:
        return dispatcher
    _name_closures(function, name)
    if cache_folder() is not None:
        function.__qualname__ = name
        dispatcher._cache = _Cache(function)
    with _no_garbage():
        dispatcher.compile(signature)
    dispatcher.disable_compile()
    return dispatcher
