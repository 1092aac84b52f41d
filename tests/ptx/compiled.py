"""The PTX that numba-cuda makes of a kernel, for a card that need not be there.

It is what a card runs: it is assembled as it is, without optimisation at link time, and every product and sum in it has
a rounding of its own that no assembler may take away. Texts are kept in `.cache/ptx` until the sources or a compiler
change.
"""

import hashlib
import importlib.metadata
import os
import shutil
import types
from pathlib import Path
from unittest.mock import patch

from fastloss._compile.cuda import every_rounding
from fastloss._compile.digest import digest
from fastloss._compile.jit import compiling

ROOT = Path(__file__).resolve().parent.parent.parent / ".cache" / "ptx"
PACKAGES = ("numba", "numba-cuda", "llvmlite", "nvidia-nvvm")


def folder():
    """Where the texts of these sources and these compilers are."""
    versions = [importlib.metadata.version(package) for package in PACKAGES]
    return ROOT / hashlib.sha256(repr((digest(), versions)).encode()).hexdigest()[:16]


def prune():
    """Forget the texts of other sources."""
    for other in ROOT.glob("*"):
        if other != folder():
            shutil.rmtree(other, ignore_errors=True)


def text(kernel, capability):
    """The PTX of a kernel."""
    major, minor = capability
    path = folder() / f"{kernel.name}-{major}{minor}.ptx"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        mine = path.with_suffix(f".{os.getpid()}")
        mine.write_text(_compiled(kernel, capability).rstrip("\0"))
        mine.replace(path)
    return path.read_text()


def _compiled(kernel, capability):
    """As numba's own dispatcher would call the compiler."""
    from numba.cuda import codegen, dispatcher

    card = types.SimpleNamespace(compute_capability=capability)
    options = kernel.jit().targetoptions
    taken = {k: options[k] for k in ("lto", "opt", "fastmath", "debug", "lineinfo", "launch_bounds")}
    with (
        compiling(),
        every_rounding(),
        patch.object(dispatcher, "get_current_device", lambda: card),
        patch.object(codegen.CUDACodeLibrary, "_ensure_cc", lambda self, cc: cc or capability),
    ):
        library = dispatcher._Kernel(kernel.function, kernel.signature.args, **taken)._codelibrary
        return library.get_asm_str(cc=capability)
