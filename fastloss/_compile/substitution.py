"""The same compiled function with others in place of some that it calls."""

from collections.abc import Mapping
from types import CellType, FunctionType
from typing import Any

from .jit import in_python, scalar


def substituted(function: Any, table: Mapping[Any, Any]) -> Any:
    """A `scalar` function that calls what the table has in place of its keys, also where those it calls do.

    The function itself, where it calls none.
    """
    return _substituted(function, dict(table))


def _substituted(function: Any, known: dict[Any, Any]) -> Any:
    if function in known:
        return known[function]
    known[function] = function  # where it calls itself
    plain = in_python(function)
    names = {name: plain.__globals__[name] for name in plain.__code__.co_names if name in plain.__globals__}
    held = [cell.cell_contents for cell in plain.__closure__ or ()]
    changed = {name: new for name, old in names.items() if (new := _value(old, known)) is not old}
    holds = [_value(value, known) for value in held]
    if changed or any(new is not old for new, old in zip(holds, held, strict=True)):
        cells = tuple(CellType(value) for value in holds)
        made = FunctionType(plain.__code__, {**plain.__globals__, **changed}, plain.__name__, plain.__defaults__, cells)
        known[function] = scalar(made)
    return known[function]


def _value(value: Any, known: dict[Any, Any]) -> Any:
    """What a name or a closure holds, with functions substituted."""
    return _substituted(value, known) if isinstance(in_python(value), FunctionType) else value
