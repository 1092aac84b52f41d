"""A digest of the package as it was imported: machine code on disk is used again only where it is the same.

What counts is what the import system loads, and not which files lie around: a wheel may be installed without its
sources, imported from a zip archive or frozen into an application.
"""

import contextlib
import hashlib
import importlib.machinery
import importlib.util
import pkgutil
from collections.abc import Iterator
from types import CodeType
from typing import Any

_HASH_BASED = 1
"""The flag of a compiled file that is not checked against the time and size of its source (PEP 552)."""


def _modules(name: str, paths: list[str]) -> Iterator[Any]:
    """The specs of all modules of a package, in order, without importing them."""
    found = sorted(pkgutil.iter_modules(paths), key=lambda module: module.name)
    for finder, short, is_package in found:
        spec: Any = finder.find_spec(f"{name}.{short}", None)
        if spec is None:
            raise ImportError(f"no module {name}.{short}")
        yield spec
        if is_package:
            yield from _modules(spec.name, list(spec.submodule_search_locations))


def _constants(code: CodeType) -> Iterator[str]:
    """A code object as text that is the same in every process: sets are sorted."""
    yield repr((code.co_name, code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars,
                code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags))  # fmt: skip
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _constants(constant)
        else:
            yield repr(sorted(map(repr, constant)) if isinstance(constant, frozenset) else constant)


def _loaded(spec: Any) -> Iterator[bytes]:
    """What the import system makes a module of."""
    loader = spec.loader
    if isinstance(loader, importlib.machinery.SourceFileLoader):
        yield loader.get_data(spec.origin)
        with contextlib.suppress(OSError), open(spec.cached or "", "rb") as file:
            head = file.read(16)
            if head[:4] == importlib.util.MAGIC_NUMBER and head[4] & _HASH_BASED:  # may be of another source
                yield file.read()
    else:
        yield from (text.encode() for text in _constants(loader.get_code(spec.name)))


def package_digest(package: str = __package__) -> str | None:
    """The digest, or None where it cannot be known: then nothing is kept on disk."""
    digest = hashlib.sha256()
    try:
        root: Any = importlib.util.find_spec(package)
        specs = [root, *_modules(package, list(root.submodule_search_locations))]
        if len(specs) < 2:
            return None
        for spec in specs:
            digest.update(spec.name.encode() + b"\0")
            for part in _loaded(spec):
                digest.update(part + b"\0")
    except Exception:  # an importer that does not say what it loads
        return None
    return digest.hexdigest()


DIGEST = package_digest()
"""Taken at import: of the sources that the running code came from."""
