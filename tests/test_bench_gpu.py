"""The benchmark on a GPU, as far as no card is needed: its reference, its record, what it does when it is cut off."""

import ctypes
import importlib.util
import json
import shutil
import subprocess
import sys
import types

import numpy as np
import pytest

from bench.cases.case import Case
from bench.cases.losses import ELEMENTWISE, LOSSES
from bench.gpu import __main__ as command, record as records
from bench.gpu.cases import GpuCase, gpu_cases
from bench.gpu.check import OWN_TOLERANCE, mismatch, reference_chunks
from bench.gpu.page import device_table, write_gpu_page
from bench.gpu.record import Record
from bench.peers.cupy import ELEMENTS
from bench.peers.expressions import EXPRESSIONS
from bench.report import paths

every_name = pytest.mark.parametrize("name", LOSSES)
ALLOWED = OWN_TOLERANCE["float32"]


def data(name):
    label = "float32" if name in ELEMENTWISE else "int64"
    return Case(name, (40,) if name in ELEMENTWISE else (6, 50), "float32", label).data()


@every_name
def test_the_reference_in_pieces_is_the_whole(name):
    y, p = data(name)
    wide = y if y.dtype == np.int64 else y.astype(float)
    loss, gradient = EXPRESSIONS[name](np, wide, p.astype(float))
    parts = [*reference_chunks(np, name, y, p, chunk=130 if p.ndim > 1 else 7)]
    assert len(parts) > 2
    assert sum(part[1] for part in parts) == pytest.approx(loss, rel=1e-14)
    np.testing.assert_allclose(np.concatenate([part[2] for part in parts]), gradient, rtol=1e-14)


@every_name
def test_the_check_knows_right_from_wrong(name):
    y, p = data(name)
    value, gradient = LOSSES[name](y, p)
    assert mismatch(np, (value, gradient), name, y, p, ALLOWED) is None
    assert mismatch(np, (value, gradient * len(p)), name, y, p, ALLOWED, 1 / len(p)) is None
    broken = gradient.copy()
    broken.flat[3] = np.nan
    for wrong, words in (
        ((value * 1.00002, gradient), "its loss is"),
        ((np.nan, gradient), "its loss is nan"),
        ((value, gradient * np.float32(len(p))), "off by"),
        ((value, -gradient), "off by"),
        ((value, broken), "off by"),
        ((value, gradient.astype(float)), "float64"),
        ((value, gradient[1:]), "its gradient is"),
    ):
        assert words in (mismatch(np, wrong, name, y, p, ALLOWED) or ""), words


def test_the_small_elements_of_long_rows_count():
    y, p = np.zeros(4, np.int64), np.zeros((4, 100_000), np.float32)
    value, gradient = LOSSES["softmax_crossentropy"](y, p)
    gradient[:, 1:] /= 2  # each of them is 1e-5 of the largest
    assert "of itself" in mismatch(np, (value, gradient), "softmax_crossentropy", y, p, ALLOWED)


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
def test_the_kernels_for_cupy_compute_the_losses(tmp_path):
    assert set(ELEMENTS) == set(ELEMENTWISE)
    functions = [
        f"void {name}(long n, const float* y, const float* p, float s, float* ls, float* gs) {{ for (long i = 0; i < n;"
        f" i++) {{ const float a = y[i], x = p[i]; float l, g; {body} ls[i] = l; gs[i] = g; }} }}"
        for name, body in ELEMENTS.items()
    ]
    source, library = tmp_path / "kernels.c", tmp_path / "kernels.so"
    source.write_text("#include <math.h>\n" + "\n".join(functions))
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-lm"], check=True)
    loaded = ctypes.CDLL(str(library))
    for name in ELEMENTS:
        y, p = data(name)
        losses, gradient = np.empty_like(p), np.empty_like(p)
        addresses = [ctypes.c_void_p(a.ctypes.data) for a in (y, p, losses, gradient)]
        scale = ctypes.c_float(1 / p.size)
        getattr(loaded, name)(ctypes.c_long(p.size), *addresses[:2], scale, *addresses[2:])
        assert mismatch(np, (losses.mean(), gradient), name, y, p, ALLOWED) is None, name


CASES = [case for case in gpu_cases(quick=True) if "mse" in str(case)]


def row(case, failed=None):
    unit = "milliseconds" if case.where == "device" else "microseconds"
    return case._asdict() | {"bytes": 1, "missing": {}, "failed": failed or {}, unit: {"copy": 1.0, "fastloss": 1.0}}


def test_every_loss_is_measured_in_both_dtypes():
    for quick in (True, False):
        found = {(case.loss, case.dtype) for case in gpu_cases(quick) if case.where == "device"}
        assert found == {(name, dtype) for name in LOSSES for dtype in ("float32", "bfloat16")}
    shapes = {case.shape for case in gpu_cases(quick=False)}
    assert {(1 << 20,), (1 << 28,), (1 << 22, 10), (1 << 10, 262144)} <= shapes


def test_a_record_grows_by_the_case_and_goes_on(tmp_path):
    path, heading = tmp_path / "results" / "gpu.json", {"date": "2026-11-25", "device": "A card", "commit": "c0ffee"}
    record = Record(path, heading)
    assert record.left(CASES) == CASES
    for count, case in enumerate(CASES[:2], 1):
        record.add(case, row(case))
        saved = json.loads(path.read_text())
        assert saved["device"] == "A card"
        assert len(saved["results"]) == count
    path.with_suffix(".tmp").write_text("{")  # cut off while it wrote
    assert Record(path, heading).left(CASES) == CASES[2:]
    for other in ({"commit": "decade"}, {"device": "Another"}, {"date": "2026-11-26"}, {"driver": "1"}):
        assert Record(path, heading | other).left(CASES) == CASES
    record.add(CASES[0], row(CASES[0], {"fastloss": "ArithmeticError: off"}))
    assert Record(path, heading).left(CASES) == [CASES[0], *CASES[2:]], "what failed is tried again"
    path.write_text("{")
    assert Record(path, heading).left(CASES) == CASES


@pytest.fixture
def bench(monkeypatch, tmp_path):
    """The command with a device that only pretends; what it measured, and what the next cases bring."""
    made = types.SimpleNamespace(measured=[], failed={}, seconds=0.0, shown=None)
    clock = types.SimpleNamespace(now=0.0)

    def measure(case, device, rounds, left_out):
        clock.now += made.seconds
        if made.failed.get(str(case)) is KeyboardInterrupt:
            raise KeyboardInterrupt
        made.measured.append(str(case))
        return row(case, made.failed.get(str(case)))

    fake = types.SimpleNamespace(
        measure_gpu_case=measure, free_memory=lambda: None, describe_device=lambda device: {"device": "A card"}
    )
    monkeypatch.setitem(sys.modules, "bench.gpu.measure", fake)
    table = types.SimpleNamespace(print_gpu_tables=lambda rows, where: setattr(made, "shown", (rows, where)))
    monkeypatch.setitem(sys.modules, "bench.gpu.terminal", table)
    monkeypatch.setattr(paths, "RESULTS", tmp_path)
    monkeypatch.setattr(command.time, "monotonic", lambda: clock.now)
    made.file = lambda: next(tmp_path.glob("gpu-a-card-*.json"))
    return made


RUN = ["--quick", "-k", "device mse"]
MSE = ["device mse 1048576 float32", "device mse 1048576 bfloat16"]


def test_a_run_and_what_it_saves(bench):
    assert command.main(RUN) == 0
    assert bench.measured == MSE
    assert bench.shown[1] == "A card"
    saved = json.loads(bench.file().read_text())
    assert saved["command"] == "python -m bench.gpu --quick -k 'device mse'"
    assert {"date", "device", "driver", "commit", "sources", "versions", "results"} <= set(saved)
    assert "numba" in saved["versions"]
    assert command.main(RUN) == 0
    assert bench.measured == MSE, "measured again"


def test_where_fastloss_fails_the_exit_code_says_so(bench, capsys):
    bench.failed = {MSE[0]: {"fastloss": "ArithmeticError: its loss is 2.0, expected 1.0"}}
    assert command.main(RUN) == 1
    assert "failed: fastloss in device mse 1048576 float32: ArithmeticError" in capsys.readouterr().out
    bench.failed = {}
    assert command.main(RUN) == 0
    assert bench.measured == [*MSE, MSE[0]]


def test_a_budget_splits_a_run(bench):
    bench.seconds = 40.0
    assert command.main([*RUN, "--budget", "60"]) == 3
    assert bench.measured == MSE[:1], "a second case would not have ended in time"
    assert command.main([*RUN, "--budget", "60"]) == 0
    assert bench.measured == MSE


def test_a_run_that_is_cut_off_keeps_its_rows(bench):
    bench.failed = {MSE[1]: KeyboardInterrupt}
    with pytest.raises(KeyboardInterrupt):
        command.main(RUN)
    assert [GpuCase.of(row) for row in json.loads(bench.file().read_text())["results"]] == [CASES[1]]


def test_a_run_without_a_card_saves_nothing(bench, tmp_path):
    assert command.main([*RUN, "--device", "cpu"]) == 0
    assert not [*tmp_path.iterdir()]


def test_arguments(bench, capsys):
    for wrong in (["-k", "no such loss"], ["--budget", "soon"], ["--device", "tpu"]):
        with pytest.raises(SystemExit) as left:
            command.main(wrong)
        assert left.value.code == 2
    assert "selects no case" in capsys.readouterr().err
    assert not bench.measured


def test_the_driver_is_asked_for_its_version(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert records.driver_version() is None
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 580.95.05\necho 580.95.05\n")
    tool.chmod(0o755)
    assert records.driver_version() == "580.95.05"


def test_the_tables():
    pytest.importorskip("rich")
    from bench.gpu.terminal import gpu_table

    device = gpu_table([row(case) for case in CASES], "device", "milliseconds", "shares")
    assert [column.header for column in device.columns][-3:] == ["copy GB/s", "fastloss GB/s", "fastloss"]
    assert device.row_count == 2
    assert gpu_table([row(case) for case in CASES], "host", "microseconds", "host").row_count == 1
    assert gpu_table([], "host", "microseconds", "host") is None


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
def test_only_what_is_right_is_timed(monkeypatch):
    from bench.gpu.measure import measure_gpu_case
    from bench.peers import gpu as peers_gpu

    def raises(name, y, p):
        raise RuntimeError("no such thing\nbut this")

    def of_the_sum(name, y, p):
        value, gradient = peers_gpu.torch_eager(name, y, p)()
        return lambda: (value, gradient * len(p))

    own = {"fastloss": peers_gpu.fastloss_out, "fastloss wrong": of_the_sum, "fastloss raises": raises}
    peers = {
        "quack": of_the_sum,
        "torch": peers_gpu.torch_eager,
        "wrong": of_the_sum,
        "raises": raises,
        "unwanted": raises,
    }
    for where, unit in (("device", "milliseconds"), ("host", "microseconds")):
        monkeypatch.setattr(peers_gpu, f"{where.upper()}_CONTENDERS", own | peers)
        case = GpuCase(where, "softmax_crossentropy", (8, 5), "bfloat16")
        row = measure_gpu_case(case, "cpu", 3, {"unwanted"})
        assert set(row[unit]) - {"copy"} == {"fastloss", "quack", "torch"}
        assert ("copy" in row[unit]) == (where == "device")
        assert all(time > 0 for time in row[unit].values())
        assert set(row["failed"]) == {"fastloss wrong", "fastloss raises"}
        assert "gradient is off" in row["missing"].pop("wrong")
        assert row["missing"] == {"raises": "RuntimeError: no such thing", "unwanted": "left out"}
        assert json.loads(json.dumps(row))["shape"] == [8, 5]
        assert GpuCase.of(json.loads(json.dumps(row))) == case


def test_the_page_and_the_table_are_of_the_newest_run(tmp_path):
    """They are made from what is saved, and from nothing else."""
    saved = max(paths.RESULTS.glob("gpu-*.json"))
    guide = tmp_path / "guide.md"
    guide.write_text(paths.GPU_GUIDE.read_text())
    page = write_gpu_page(saved, tmp_path, guide)
    assert page.read_text() == (paths.PAGES / "gpu.md").read_text()
    assert guide.read_text() == paths.GPU_GUIDE.read_text()


def test_a_peer_that_is_ahead_is_in_bold():
    of_case = row(CASES[1]) | {"milliseconds": {"copy": 1.0, "fastloss": 2.0, "torch": 1.6, "cupy": 4.0}}
    line = device_table([of_case]).splitlines()[-1]
    assert line.endswith("| 0.50 | **0.62** | 0.25 | ◀ |")
