"""What Numba has found of calls, so that it does not search again.

Numba tries dozens of templates for each `+`, each time one is compiled, which took a fifth of the time of a first call.
"""

from functools import cache
from typing import Any

from numba import types

from .private import LOWERING

Context: Any = LOWERING.Context


class _Remembering(Context):
    """Numba's knowledge of types, with a memory of signatures."""

    __slots__ = ("_signatures",)  # the rest is Numba's own, and shared

    def __init__(self, shared: Any) -> None:
        object.__setattr__(self, "__dict__", shared.__dict__)
        self._signatures: dict[Any, Any] = {}

    def resolve_function_type(self, func: Any, args: Any, kws: Any) -> Any:
        """The signature of a call; those of functions that are not compiled by themselves depend on types alone."""
        if kws or not isinstance(func, types.Function):
            return super().resolve_function_type(func, args, kws)
        known, call = self._signatures, (func, tuple(args))
        if call not in known:
            known[call] = super().resolve_function_type(func, args, kws)
        return known[call]


@cache
def remembering(context: Any) -> Any:
    """The same knowledge of types as context has, with a memory."""
    return _Remembering(context)
