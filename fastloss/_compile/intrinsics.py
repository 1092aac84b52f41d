"""Functions that compiled code runs by instructions of LLVM, and plain Python as they are written."""

from collections.abc import Callable
from typing import Any

from numba.extending import lower_builtin, type_callable


def compiles(function: Callable[..., Any], *signature: Any, typer: Callable[..., Any]) -> Callable[[Any], Any]:
    """Decorate what lowers calls of a function; typer gives the type of the result, from those of the arguments."""

    def decorate(lower: Any) -> Any:
        type_callable(function)(lambda context: typer)
        lower_builtin(function, *signature)(lower)
        return lower

    return decorate
