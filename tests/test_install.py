"""Import, what a report says, and what the compiled code holds."""

import re
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import fastloss as fl
from fastloss._compile import jit
from fastloss._cpu import elementwise_pass
from tests.support import CLASSES, VARIANTS, categorical, name_of, sample
from tests.test_threads import compiled, run

ROOT = Path(fl.__file__).parent


def test_import_brings_no_other_array_library():
    code = """
    import sys, numba, numpy
    before = set(sys.modules)
    import fastloss
    new = {m.split(".")[0] for m in set(sys.modules) - before}
    assert not new & {"torch", "cupy", "jax", "dask", "scipy", "sklearn", "pandas", "numba_cuda", "tensorflow"}, new
    """
    run(code)


def test_show_versions(capsys):
    fl.show_versions()
    printed = capsys.readouterr().out
    for word in ("fastloss", "numpy", "numba", "llvmlite", "threads", "layer", "cuda", "kernel cache"):
        assert word in printed


@compiled
@pytest.mark.parametrize("cls", CLASSES, ids=name_of)
def test_no_double_precision_in_float32_loops(cls, monkeypatch):
    """The vectorised loops of a float32 kernel hold no vector of doubles, and there are vectors of floats."""
    monkeypatch.setattr(jit, "cache_folder", lambda: None)  # code from the cache cannot be listed
    for loss in (v for v in VARIANTS if type(v) is cls and not categorical(v)):
        kernel = elementwise_pass.block_function.__wrapped__(loss._maths(), np.float32, 1)
        listing = kernel.run.inspect_llvm(kernel.run.signatures[0])
        assert re.search(r"<\d+ x float>", listing), f"{name_of(loss)} is not vectorised"
        doubles = [line for line in listing.splitlines() if re.search(r"<\d+ x double>", line) and "store" not in line]
        assert not doubles, doubles[:5]


@compiled
def test_a_loss_compiles_few_kernels(monkeypatch):
    """Layouts, weights' shapes and read-only flags share kernels: one for each set of outputs."""
    loss = fl.MeanAbsoluteError()
    before = elementwise_pass.block_function.cache_info().currsize
    y, p = sample(loss, (30, 4), np.float32)
    for array in (p, np.asfortranarray(p), p[::2].repeat(2, 0), p.astype(np.float16)):
        for reduction in ("mean", "none", "sum"):
            loss(y, array, reduction=reduction)
            loss.loss(y, array, reduction=reduction)
            loss.gradient(y, array, reduction=reduction)
            loss.gradient_hessian(y, array, reduction=reduction)
    assert elementwise_pass.block_function.cache_info().currsize - before <= 3


@compiled
def test_a_call_with_out_allocates_nothing_that_grows():
    for loss in VARIANTS:
        peaks = []
        for rows in (1 << 14, 1 << 16):
            y, p = sample(loss, (rows, 4), np.float32)
            out = np.empty_like(p)
            for order in "CF":
                q = np.asarray(p, order=order)
                loss(y, q, out=out)
                tracemalloc.start()
                loss(y, q, out=out)
                peaks.append(tracemalloc.get_traced_memory()[1])
                tracemalloc.stop()
        assert peaks[2] < peaks[0] + 50_000, name_of(loss)
        assert peaks[3] < peaks[1] + 500_000, name_of(loss)
