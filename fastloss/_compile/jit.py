"""The only place where Numba's options are chosen, and where functions are compiled."""

import contextlib
import gc
import importlib
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


@contextlib.contextmanager
def compiling() -> Iterator[None]:
    """Numba as it was at import, for one thread at a time, and no garbage collection.

    A fork waits for it. Compiling makes objects by the million that all live until it is done.
    """
    enabled = gc.isenabled()
    with _jit_enabled():
        try:
            gc.disable()
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


def name_helper(name: str, helper_: Any) -> Any:
    """Give a name of its own to a helper that a function has made, where it is no closure of a kernel."""
    if COMPILED:
        _name_closures(helper_.py_func, name)
        helper_.py_func.__qualname__ = name
    return helper_


def _options(parallel: bool, interleaved: bool) -> dict[str, Any]:
    """Numba's options for an entry point."""
    pipeline = _pipeline("Interleaved") if interleaved else {}
    return {"parallel": _PARALLEL if parallel else False, **_COMMON, **pipeline}


def entry(
    name: str, function: Callable[..., Any], signature: Any, *, parallel: bool = False, interleaved: bool = False
) -> Any:
    """Compile a function for one signature as an entry point, cached on disk under this name."""
    if not COMPILED:
        return function
    options = _options(parallel, interleaved)
    with compiling():
        _name_closures(function, name)
        if not CACHE or cache_folder() is None:
            return njit(signature, **options)(function)
        dispatcher = njit(**options)(function)
        function.__qualname__ = name
        attach(dispatcher, KernelCache(function))
        dispatcher.compile(signature)
    dispatcher.disable_compile()
    return dispatcher


def address_of(dispatcher: Any, signature: Any, *, parallel: bool = False, interleaved: bool = False) -> int:
    """The address of what entry has compiled, for other compiled code to call."""
    if ADDRESSES:
        (compiled,) = dispatcher.overloads.values()
        return int(compiled.library.get_pointer_to_function(compiled.fndesc.llvm_cfunc_wrapper_name))
    with compiling():
        made = cfunc(signature, **_options(parallel, interleaved))(dispatcher.py_func)
    dispatcher.compiled_for_c = made  # alive as long as the dispatcher is
    return int(made.address)
