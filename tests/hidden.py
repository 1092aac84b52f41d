"""A name of Numba or llvmlite taken away from fastloss, and from nobody else: Numba itself could not do without it.

Imported before fastloss, which it must not import.
"""

import importlib
import sys
from functools import reduce
from types import ModuleType
from typing import Any


def asked_by_fastloss() -> bool:
    """Whether the function two frames up belongs to fastloss, or to the module by which it looks up names."""
    caller = sys._getframe(2).f_globals["__name__"]
    return caller == "pkgutil" or caller.partition(".")[0] == "fastloss"


class Guard:
    """In place of an attribute of a class, or of its instances."""

    def __init__(self, cls: type, name: str) -> None:
        self.name, self.real = name, vars(cls).get(name) or getattr(cls, name, None)

    def __get__(self, instance: Any, owner: Any) -> Any:
        if asked_by_fastloss():
            raise AttributeError(self.name)
        if self.real is None:
            return vars(instance)[self.name]
        return self.real.__get__(instance, owner) if hasattr(self.real, "__get__") else self.real

    def __set__(self, instance: Any, value: Any) -> None:
        vars(instance)[self.name] = value


def hide(name: str) -> None:
    """Take a name away, in the form "module:attributes"; with no attributes the module itself."""
    module, _, path = name.partition(":")
    if not path:
        real = importlib.import_module

        def import_module(wanted: str, package: str | None = None) -> ModuleType:
            if wanted == module and asked_by_fastloss():
                raise ImportError(wanted)
            return real(wanted, package)

        importlib.import_module = import_module
        return
    *owners, last = path.split(".")
    owner = reduce(getattr, owners, importlib.import_module(module))
    if isinstance(owner, ModuleType):

        class Hiding(ModuleType):
            def __getattribute__(self, attribute: str) -> Any:
                if attribute == last and asked_by_fastloss():
                    raise AttributeError(attribute)
                return super().__getattribute__(attribute)

        assert hasattr(owner, last), f"Numba has no {name}"
        owner.__class__ = Hiding
        return
    cls = owner if isinstance(owner, type) else type(owner)
    setattr(cls, last, Guard(cls, last))
