"""A digest of the package as it was imported: machine code on disk is used again only where it is the same.

What counts is the code that the import system makes of each module, and not which files lie around: a wheel may be
installed without its sources, imported from a zip archive or frozen into an application, an import hook may change the
code, and a compiled file may be older than its source.
"""

import functools
import hashlib
import os
import pkgutil
import sys
from collections.abc import Iterator
from types import CodeType
from typing import Any

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def _stamp() -> list[tuple[str, int, int]]:
    """Times and sizes of the package's files, or of the archive that they are in."""
    if not os.path.isdir(_ROOT):
        path = _ROOT
        while not os.path.exists(path) and path != os.path.dirname(path):
            path = os.path.dirname(path)
        return [(path, os.stat(path).st_mtime_ns, os.stat(path).st_size)]
    found = []
    for folder, folders, files in os.walk(_ROOT):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(name for name in files if name.endswith((".py", ".pyc"))):
            state = os.stat(os.path.join(folder, name))
            found.append((os.path.join(folder, name), state.st_mtime_ns, state.st_size))
    return found


_STAMP = _stamp()
"""Taken at import: of the files that the running code came from."""


def unchanged() -> bool:
    """Whether the files are still those that the running code came from."""
    try:
        return _stamp() == _STAMP
    except OSError:
        return False


def _modules(name: str, paths: list[str]) -> Iterator[Any]:
    """The specs of all modules of a package, in order, as an import would find them, without importing them."""
    for module in sorted(pkgutil.iter_modules(paths), key=lambda module: module.name):
        full = f"{name}.{module.name}"
        found = (finder.find_spec(full, paths) for finder in sys.meta_path if hasattr(finder, "find_spec"))
        spec: Any = next(filter(None, found))
        yield spec
        if module.ispkg:
            yield from _modules(full, list(spec.submodule_search_locations))


def _text(code: CodeType) -> Iterator[str]:
    """A code object as text that is the same in every process: sets are sorted."""
    yield repr((code.co_name, code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars,
                code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags))  # fmt: skip
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _text(constant)
        else:
            yield repr(sorted(map(repr, constant)) if isinstance(constant, frozenset) else constant)


@functools.cache
def digest() -> str | None:
    """The digest, or None where it cannot be known: then nothing is kept on disk."""
    found, package = hashlib.sha256(), str(__package__).partition(".")[0]
    try:
        root: Any = sys.modules[package].__spec__
        specs = [root, *_modules(package, list(root.submodule_search_locations))]
        for spec in specs:
            found.update(spec.name.encode() + b"\0")
            for text in _text(spec.loader.get_code(spec.name)):
                found.update(text.encode() + b"\0")
    except Exception:  # an importer that does not say what it loads
        return None
    return found.hexdigest() if len(specs) > 1 and unchanged() else None
