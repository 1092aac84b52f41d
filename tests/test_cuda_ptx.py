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
from tests.support import JIT, VARIANTS, categorical

if importlib.util.find_spec("numba_cuda") is None or SIMULATED or not JIT:
    pytest.skip("compiles, with numba-cuda: make test-cuda", allow_module_level=True)

from numba import cuda
from numba.cuda import dispatcher

from fastloss._cuda import passes
from fastloss._cuda.formats import format_of
from fastloss._cuda.layout import _copier, _filler

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
    return getattr(value, "name", None) or getattr(value, "__name__", None) or str(value)


def compiled(kernel, capability, monkeypatch):
    """The PTX of a kernel for a card that need not be there."""
    card = types.SimpleNamespace(compute_capability=capability)
    monkeypatch.setattr(dispatcher, "get_current_device", lambda: card)
    ptx, _ = cuda.compile_ptx(kernel.function, kernel.signature, cc=capability)
    return ptx


def check(ptx, real):
    """What holds for every kernel."""
    assert ".local" not in ptx, "local memory"
    assert not re.search(r"\bcall\b", ptx), "a call that was not inlined"
    if real is np.float32:  # the sum of a block is added in double precision
        double = [line for line in ptx.splitlines() if ".f64" in line and ".reg" not in line]
        assert all(re.search(r"cvt\.f64\.f32|st\.global\.f64", line) for line in double), double
        assert len(double) <= 2, double


def vectors(ptx, form):
    """The widest loads and stores are those of 16 bytes of this format."""
    bits = {"float32": "v4.f32|v4.b32|v4.u32", "float64": "v2.f64|v2.b64|v2.u64"}.get(form.name, "v4.b32|v4.u32")
    assert re.search(rf"ld\.global\.({bits})", ptx), "no 128-bit load"
    assert re.search(rf"st\.global\.({bits})", ptx), "no 128-bit store"


@pytest.mark.parametrize("loss", ELEMENTWISE, ids=short)
@pytest.mark.parametrize(("real", "label", "pred"), KINDS, ids=short)
def test_elementwise(loss, real, label, pred, monkeypatch):
    kernel = passes._elementwise(loss._maths(), real, label, pred, pred, 1, True)
    ptx = compiled(kernel, (9, 0), monkeypatch)
    check(ptx, real)
    vectors(ptx, pred)


@pytest.mark.parametrize("label", [F32, U8], ids=short)
def test_elementwise_that_leaves_out(label, monkeypatch):
    loss = fl.BinaryCrossentropy(from_logits=True, pos_weight=(1.0, 2.0))
    kernel = passes._elementwise(loss._maths(), np.float32, label, F32, F32, 2, True, True, label is F32)
    ptx = compiled(kernel, (9, 0), monkeypatch)
    check(ptx, np.float32)
    vectors(ptx, F32)


OTHERS = [(0, np.float32, F32, True), (2, np.float32, F32, True), (2, np.float32, BF16, True),
          (2, np.float64, F64, True), (2, np.float32, F32, False)]  # fmt: skip


@pytest.mark.parametrize("loss", ELEMENTWISE, ids=short)
@pytest.mark.parametrize(("order", "real", "pred", "aligned"), OTHERS, ids=short)
def test_elementwise_other_results(loss, order, real, pred, aligned, monkeypatch):
    kernel = passes._elementwise(loss._maths(), real, pred, pred, pred, order, aligned)
    ptx = compiled(kernel, (9, 0), monkeypatch)
    check(ptx, real)
    if aligned and order:
        vectors(ptx, pred)


@pytest.mark.parametrize("loss", VARIANTS, ids=short)
@pytest.mark.parametrize("capability", OLDER_AND_NEWER, ids=str)
def test_other_cards(loss, capability, monkeypatch):
    if categorical(loss):
        kernel = passes._rowwise(loss._maths(), loss.from_logits, np.float32, None, BF16, BF16, False, False, 1, True)
    else:
        kernel = passes._elementwise(loss._maths(), np.float32, U8, BF16, BF16, 1, True)
    ptx = compiled(kernel, capability, monkeypatch)
    check(ptx, np.float32)
    assert f".target sm_{capability[0]}{capability[1]}" in ptx
    assert "bf16" not in ptx or capability >= (8, 0)  # before, there are no such instructions


@pytest.mark.parametrize("loss", ROWWISE, ids=short)
@pytest.mark.parametrize(("label", "spread"), [(None, False), (None, True), (U8, True)], ids=short)
@pytest.mark.parametrize(("real", "pred", "order"), [(np.float32, F32, 1), (np.float32, BF16, 2), (np.float64, F64, 1)],
                         ids=short)  # fmt: skip
def test_rowwise(loss, label, spread, real, pred, order, monkeypatch):
    kernel = passes._rowwise(loss._maths(), loss.from_logits, real, label, pred, pred, spread, False, order, True)
    ptx = compiled(kernel, (9, 0), monkeypatch)
    check(ptx, real)
    vectors(ptx, pred)


@pytest.mark.parametrize("loss", ROWWISE, ids=short)
def test_rowwise_on_any_axis(loss, monkeypatch):
    kernel = passes._rowwise(loss._maths(), loss.from_logits, np.float32, U8, F32, F32, True, False, 2, False)
    check(compiled(kernel, (9, 0), monkeypatch), np.float32)


def test_the_rest(monkeypatch):
    for real, pred in ((np.float32, BF16), (np.float64, F64)):
        check(compiled(passes._softmax(real, pred, pred, True), (9, 0), monkeypatch), np.float64)
        check(compiled(passes._softmax(real, pred, pred, False), (9, 0), monkeypatch), np.float64)
        for label in (None, U8):
            check(compiled(passes._totals(real, label), (9, 0), monkeypatch), np.float64)
        check(compiled(passes._final_total(real), (9, 0), monkeypatch), np.float64)
        check(compiled(_filler(real), (9, 0), monkeypatch), np.float64)
        check(compiled(_copier(pred, F32), (9, 0), monkeypatch), np.float64)
        check(compiled(_copier(F32, pred), (9, 0), monkeypatch), np.float64)
    check(compiled(passes._final(), (9, 0), monkeypatch), np.float64)


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
