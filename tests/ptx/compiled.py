"""The PTX that numba-cuda makes of a kernel, for a card that need not be there.

Before it is linked ("ptx"), and what nvJitLink makes of it ("lto"), which is what a card runs where nvJitLink is
installed. Texts are kept in `.cache/ptx` until the sources or a compiler change.
"""

import hashlib
import importlib.metadata
import os
import shutil
import types
from pathlib import Path
from unittest.mock import patch

from fastloss._compile.digest import digest
from fastloss._compile.jit import compiling

ROOT = Path(__file__).resolve().parent.parent.parent / ".cache" / "ptx"
PACKAGES = ("numba", "numba-cuda", "llvmlite", "nvidia-nvvm", "nvidia-nvjitlink")
LINKS = ("ptx", "lto")


def folder():
    """Where the texts of these sources and these compilers are."""
    versions = [importlib.metadata.version(package) for package in PACKAGES]
    return ROOT / hashlib.sha256(repr((digest(), versions)).encode()).hexdigest()[:16]


def prune():
    """Forget the texts of other sources."""
    for other in ROOT.glob("*"):
        if other != folder():
            shutil.rmtree(other, ignore_errors=True)


def text(kernel, capability, link):
    """The PTX of a kernel. Both ways of linking are kept at once: most of the time goes into what they share."""
    major, minor = capability
    path = folder() / f"{kernel.name}-{major}{minor}-{link}.ptx"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        for name, made in zip(LINKS, _compiled(kernel, capability), strict=True):
            target = path.with_name(f"{kernel.name}-{major}{minor}-{name}.ptx")
            mine = target.with_suffix(f".{os.getpid()}")
            mine.write_text(made.rstrip("\0"))
            mine.replace(target)
    return path.read_text()


def _compiled(kernel, capability):
    """Both texts, by the compiler that numba's own dispatcher would call."""
    from numba import cuda
    from numba.cuda import codegen, dispatcher

    card = types.SimpleNamespace(compute_capability=capability)
    options = cuda.jit(kernel.function, lto=True).targetoptions
    taken = {k: options[k] for k in ("lto", "opt", "fastmath", "debug", "lineinfo", "launch_bounds")}
    with (
        compiling(),
        patch.object(dispatcher, "get_current_device", lambda: card),
        patch.object(codegen.CUDACodeLibrary, "_ensure_cc", lambda self, cc: cc or capability),
    ):
        library = dispatcher._Kernel(kernel.function, kernel.signature.args, **taken)._codelibrary
        return library.get_asm_str(cc=capability), library.get_lto_ptx(cc=capability)
