"""What the CUDA compiler makes of every kernel, which needs no card: no double precision where there should be none, no
local memory, 128-bit loads and stores."""

import dataclasses
import importlib.util
import re
import types

import ml_dtypes
import numpy as np
import pytest

import fastloss as fl
from tests.devices import SIMULATED
from tests.support import JIT, VARIANTS, categorical, pairs

if importlib.util.find_spec("numba_cuda") is None or SIMULATED or not JIT:
    pytest.skip("compiles, with numba-cuda: make test-cuda", allow_module_level=True)

from fastloss._cuda import passes
from fastloss._cuda.formats import format_of
from fastloss._cuda.layout import _copier, _filler
from fastloss._cuda.tiling import tiling
from tests.ptx.compiled import text

pytestmark = pytest.mark.slow
F32, F64, F16, BF16 = (format_of(np.dtype(t)) for t in (np.float32, np.float64, np.float16, ml_dtypes.bfloat16))
U8, I64 = (format_of(np.dtype(t)) for t in (np.uint8, np.int64))
KINDS = [(np.float32, F32, F32), (np.float32, U8, BF16), (np.float32, I64, F16), (np.float64, U8, F64)]
"""Compute dtype, labels, predictions."""
OLDER_AND_NEWER = [(7, 5), (8, 0), (10, 0)]


def losses():
    """Every loss, and the gammas that have kernels of their own."""
    for loss in VARIANTS:
        yield loss
        if hasattr(loss, "gamma"):
            yield from (dataclasses.replace(loss, gamma=g) for g in (0.0, 0.5, 1.0, 3.7))


ELEMENTWISE = [loss for loss in losses() if not categorical(loss)]
ROWWISE = [loss for loss in losses() if categorical(loss)]


def short(value):
    if isinstance(value, fl.Loss):
        return repr(value).split("label")[0]
    if type(value) is tuple:
        return "-".join(map(short, value))
    return getattr(value, "name", None) or getattr(value, "__name__", None) or str(value)


def check(ptx, real):
    """What holds for every kernel."""
    assert ".local" not in ptx, "local memory"
    assert not re.search(r"\bcall\b", ptx), "a call that was not inlined"
    if real is np.float32:  # the sum of a block is added in double precision
        double = [line for line in ptx.splitlines() if ".f64" in line and ".reg" not in line]
        expected = r"cvt\.f64\.f32|cvt\.rn\.f64\.s64|div\.rn\.f64|st\.global\.f64"
        assert all(re.search(expected, line) for line in double), double
        assert len(double) <= 4, double


def vectors(ptx, form):
    """The widest loads and stores are those of 16 bytes of this format."""
    bits = {"float32": "v4.f32|v4.b32|v4.u32", "float64": "v2.f64|v2.b64|v2.u64|v4.b32|v4.u32"}.get(
        form.name, "v4.b32|v4.u32"
    )
    assert re.search(rf"ld\.global\.({bits})", ptx), "no 128-bit load"
    assert re.search(rf"st\.global\.({bits})", ptx), "no 128-bit store"


@pytest.mark.parametrize("loss", ELEMENTWISE, ids=short)
@pytest.mark.parametrize(("real", "label", "pred"), KINDS, ids=short)
def test_elementwise(loss, real, label, pred):
    kernel = passes._elementwise(loss._maths(), real, label, pred, pred, 1, True)
    ptx = text(kernel, (9, 0))
    check(ptx, real)
    vectors(ptx, pred)


@pytest.mark.parametrize("label", [F32, U8], ids=short)
def test_elementwise_that_leaves_out(label):
    loss = fl.BinaryCrossentropy(from_logits=True, pos_weight=(1.0, 2.0))
    kernel = passes._elementwise(loss._maths(), np.float32, label, F32, F32, 2, True, True, label is F32)
    check(text(kernel, (9, 0)), np.float32)  # such elements are read one by one


OTHERS = [(0, np.float32, F32, True), (2, np.float32, F32, True), (2, np.float32, BF16, True),
          (2, np.float64, F64, True), (2, np.float32, F32, False)]  # fmt: skip


@pytest.mark.parametrize("loss", [loss for loss in VARIANTS if not categorical(loss)], ids=short)
@pytest.mark.parametrize(("order", "real", "pred", "aligned"), OTHERS, ids=short)
def test_elementwise_other_results(loss, order, real, pred, aligned):
    kernel = passes._elementwise(loss._maths(), real, pred, pred, pred, order, aligned)
    ptx = text(kernel, (9, 0))
    check(ptx, real)
    if aligned and order:
        vectors(ptx, pred)


def rowwise(loss, real, label, pred, spread, order, classes, inner=1, classed=False):
    """The kernel of a loss of rows of so many classes; without a label format of indices."""
    maths = loss._maths()
    keeps = loss.from_logits and (not spread or maths.is_nll)
    shared = tiling(classes, inner, np.dtype(pred.storage).itemsize, np.dtype(real).itemsize, aligned=True,
                    stageable=keeps or order < 2, keeps=keeps)  # fmt: skip
    formats = label or I64, pred, pred
    return passes._rowwise(
        maths, loss.from_logits, real, *formats, shared, label is None, spread, False, classed, order
    )


@pytest.mark.parametrize("loss", VARIANTS, ids=short)
@pytest.mark.parametrize("capability", OLDER_AND_NEWER, ids=str)
def test_other_cards(loss, capability):
    if categorical(loss):
        kernel = rowwise(loss, np.float32, None, BF16, False, 1, 1000)
    else:
        kernel = passes._elementwise(loss._maths(), np.float32, U8, BF16, BF16, 1, True)
    ptx = text(kernel, capability)
    check(ptx, np.float32)
    assert f".target sm_{capability[0]}{capability[1]}" in ptx
    assert "bf16" not in ptx or capability >= (8, 0)  # before, there are no such instructions


SIZES = [10, 16, 100, 1000, 20000]
"""Rows of a thread, through shared memory or not; of four lanes; of a warp; of a block."""


ROWS = pairs(ROWWISE, [(None, False), (None, True), (U8, True)],
             [(np.float32, F32, 1), (np.float32, BF16, 2), (np.float64, F64, 1)], SIZES)  # fmt: skip


@pytest.mark.parametrize(("loss", "targets", "kind", "classes"), ROWS, ids=short)
def test_rowwise(loss, targets, kind, classes):
    (label, spread), (real, pred, order) = targets, kind
    ptx = text(rowwise(loss, real, label, pred, spread, order, classes), (9, 0))
    check(ptx, real)
    if classes % (16 // np.dtype(pred.storage).itemsize) == 0 and classes > 32:
        vectors(ptx, pred)


@pytest.mark.parametrize("loss", ROWWISE, ids=short)
@pytest.mark.parametrize("classes", [10, 1000])
def test_rowwise_on_any_axis(loss, classes):
    check(text(rowwise(loss, np.float32, U8, F32, True, 2, classes, 50, True), (9, 0)), np.float32)


def test_the_rest():
    for real, pred in ((np.float32, BF16), (np.float64, F64)):
        size, wide = np.dtype(pred.storage).itemsize, np.dtype(real).itemsize
        for classes, inner in ((10, 1), (1000, 1), (20000, 1), (10, 50), (1000, 50)):
            shared = tiling(classes, inner, size, wide, aligned=True, stageable=True, keeps=True)
            check(text(passes._softmax(real, pred, pred, shared), (9, 0)), np.float64)
        for indices in (False, True):
            check(text(passes._totals(real, U8, indices), (9, 0)), np.float64)
        check(text(passes._final_total(real), (9, 0)), np.float64)
        check(text(_filler(real), (9, 0)), np.float64)
        check(text(_copier(pred, F32), (9, 0)), np.float64)
        check(text(_copier(F32, pred), (9, 0)), np.float64)
    check(text(passes._final(), (9, 0)), np.float64)


def test_the_disk_cache_knows_a_kernel_by_name_sources_and_card(tmp_path, monkeypatch):
    """A kernel saved by one process is found by another, and not for another card."""
    from fastloss._compile.cuda_cache import CudaKernelCache

    monkeypatch.setattr("fastloss._compile.cache.cache_folder", lambda: str(tmp_path))
    monkeypatch.setattr("fastloss._compile.cuda_cache.CudaKernelCache.reduce", lambda self, kernel: kernel.states)
    monkeypatch.setattr("fastloss._compile.cuda_cache.CudaKernelCache.rebuild", lambda self, context, states: states)
    kernel = passes._elementwise(fl.mse._maths(), np.float32, F32, F32, F32, 1, True)
    kernel.function.__qualname__ = kernel.name

    def codegen(capability):
        return types.SimpleNamespace(magic_tuple=lambda: ((13, 0), capability))

    def context(capability):
        return types.SimpleNamespace(refresh=lambda: None, codegen=lambda: codegen(capability))

    saved = types.SimpleNamespace(states="compiled", codegen=codegen((9, 0)))
    CudaKernelCache(kernel.function).save_overload(kernel.signature, saved)
    assert [path.name for path in tmp_path.glob("fastloss-mean_squared_error_float32*-cuda*.nbc")]
    again = CudaKernelCache(kernel.function)
    assert again.load_overload(kernel.signature, context((9, 0))) == "compiled"
    assert again.load_overload(kernel.signature, context((8, 0))) is None
    for path in tmp_path.iterdir():
        path.write_bytes(b"damaged")
    assert again.load_overload(kernel.signature, context((9, 0))) is None
