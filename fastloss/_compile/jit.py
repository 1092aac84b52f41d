"""The only place where Numba's options are chosen, and where functions are compiled."""

import contextlib
import gc
import importlib
import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any

from numba import cfunc, config, njit, types

from .cache import KernelCache, attach, cache_folder
from .forks import COMPILING
from .private import ADDRESSES, CACHE, LITERALS, LOWERING, REFERENCES, SETTINGS

COMPILED = not config.DISABLE_JIT
"""Whether the package is compiled: what NUMBA_DISABLE_JIT said at import holds for good, whatever is set later."""

# error_model: a division by zero gives inf as IEEE says, instead of a check for an exception.
_COMMON = {"error_model": "numpy", "nogil": True}

# called from kernels only
_INNER = {**_COMMON, **({"_nrt": False} if REFERENCES else {}), "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_PARALLEL = {
    "prange": True,
    **dict.fromkeys(("comprehension", "reduction", "inplace_binop", "setitem", "numpy", "stencil", "fusion"), False),
}


@contextlib.contextmanager
def _jit_enabled() -> Iterator[None]:
    """Numba compiles, for one thread at a time, whatever its settings say now."""
    with COMPILING:
        if SETTINGS:
            SETTINGS.reload_config()  # what has changed in the environment, which Numba would read while it compiles
        disabled, config.DISABLE_JIT = config.DISABLE_JIT, 0
        try:
            yield
        finally:
            config.DISABLE_JIT = disabled


def _number_functions() -> None:
    """Begin Numba's numbers of functions at random.

    Symbols of functions of one name differ by these numbers alone, and by types, of which records are numbered by the
    process too. Kernels on disk from several processes, or from children of one fork, would else be linked to each
    other's functions.
    """
    if CACHE:
        CACHE.FunctionIdentity._unique_ids = itertools.count(int.from_bytes(os.urandom(6), "little"))


@contextlib.contextmanager
def compiling() -> Iterator[None]:
    """Numba as it was at import, for one thread at a time, and no garbage collection.

    A fork waits for it. Compiling makes objects by the million that all live until it is done.
    """
    enabled = gc.isenabled()
    with _jit_enabled():
        try:
            gc.disable()
            _number_functions()
            yield
        finally:
            if enabled:
                gc.enable()


_lowering: Any = importlib.import_module(".lowering", __package__) if LOWERING else None


def _pipeline(name: str) -> dict[str, Any]:
    """The option that takes a compiler of _compile/lowering.py; none where that cannot be had."""
    return {"pipeline_class": getattr(_lowering, name)} if LOWERING else {}


def _inner(compiler: str = "Inner", **options: Any) -> Callable[[Callable[..., Any]], Any]:
    make = njit(**_pipeline(compiler), **_INNER, **options)

    def decorate(function: Callable[..., Any]) -> Any:
        if not COMPILED:
            return function
        with _jit_enabled():
            dispatcher = make(function)
        if LITERALS:
            template = dispatcher.get_call_template
            # Numba would compile a function anew for each literal integer that it is called with.
            dispatcher.get_call_template = lambda args, kws: template(tuple(map(types.unliteral, args)), kws)
        return dispatcher

    return decorate


scalar = _inner(forceinline=True)
"""Maths on scalars: always inlined, never compiled alone."""

helper = _inner()
"""A loop that kernels call."""

independent = _inner("InnerIndependent")
"""A loop that kernels call and whose iterations are independent: 16 are taken at a time, also of short rows."""


def in_python(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function for code that is not compiled, whose call of a compiled one would begin by compiling it."""
    plain: Callable[..., Any] = getattr(function, "py_func", function)
    return plain


def _options(parallel: bool, independent: bool) -> dict[str, Any]:
    """Numba's options for an entry point."""
    pipeline = _pipeline("EntryIndependent" if independent else "Entry")
    return {"parallel": _PARALLEL if parallel else False, **_COMMON, **pipeline}


def entry(
    name: str, function: Callable[..., Any], signature: Any, *, parallel: bool = False, independent: bool = False
) -> Any:
    """Compile a function for one signature as an entry point, cached on disk under this name."""
    if not COMPILED:
        return function
    options = _options(parallel, independent)
    with compiling():
        if not CACHE or cache_folder() is None:
            return njit(signature, **options)(function)
        dispatcher = njit(**options)(function)
        function.__qualname__ = name
        attach(dispatcher, KernelCache(function))
        dispatcher.compile(signature)
    dispatcher.disable_compile()
    return dispatcher


def address_of(dispatcher: Any, signature: Any, *, parallel: bool = False, independent: bool = False) -> int:
    """The address of what entry has compiled, for other compiled code to call."""
    if ADDRESSES:
        (compiled,) = dispatcher.overloads.values()
        return int(compiled.library.get_pointer_to_function(compiled.fndesc.llvm_cfunc_wrapper_name))
    with compiling():
        made = cfunc(signature, **_options(parallel, independent))(dispatcher.py_func)
    dispatcher.compiled_for_c = made  # alive as long as the dispatcher is
    return int(made.address)
