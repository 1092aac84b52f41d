"""The command for a card, as far as no card is needed: its stages, their time, what it says."""

import json
import os
import subprocess
import sys
import time

import pytest

from tests.card import __main__ as command, losses, plugin, stages
from tests.card.stages import STAGES, Stage, budget
from tests.devices import usable

PYTHON = sys.executable


def stage(code, name="stage", limit=60.0):
    return Stage(
        name, (PYTHON, "-c", code, "{folder}", "{seconds}"), 1.0, limit, lambda text, folder: text.split("\n")[:2]
    )


def test_every_stage_gets_its_share_of_what_is_left():
    parts = [Stage(str(k), (), share, 100.0, lambda text, folder: []) for k, share in enumerate((1.0, 3.0))]
    assert budget(parts[0], parts[1:], 40.0) == 10.0
    assert budget(parts[1], [], 30.0) == 30.0
    assert budget(parts[1], [], 300.0) == 100.0


def test_a_stage_that_fails_or_hangs_does_not_stop_the_others(tmp_path, monkeypatch, capsys):
    """Nor do the processes that it started live on."""
    hangs = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
    made = [
        stage("print('fine')", "first"),
        stage("import sys; sys.exit('broken')", "second"),
        stage(hangs + "print('begun', flush=True); time.sleep(60)", "third", limit=5.5),
        stage("import os; os.abort()", "fourth"),
        Stage("fifth", ("no-such-program",), 1.0, 60.0, lambda text, folder: []),
        stage("import sys; print(sys.argv[1:])", "sixth"),
    ]
    monkeypatch.setattr(command, "STAGES", made)
    monkeypatch.setattr(sys, "argv", ["card", str(tmp_path / "out"), "--minutes", "3"])
    begin = time.monotonic()
    assert command.main() == 1
    assert time.monotonic() - begin < 50
    said = (tmp_path / "out" / "summary.txt").read_text()
    for words in ("first: passed", "second: ended with 1", "  broken", "third: stopped at its limit", "  begun",
                  "fourth: ended with -6", "fifth: did not start", "sixth: passed",
                  "4 of 6 stages are not as they should be"):  # fmt: skip
        assert words in said, said
    assert said in capsys.readouterr().out


@pytest.mark.skipif(usable(), reason="there is a GPU here, or its simulator")
def test_without_a_gpu_it_ends_at_once_and_says_so(tmp_path):
    done = subprocess.run([PYTHON, "-m", "tests.card", tmp_path], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "no array can be put on a GPU here" in (tmp_path / "summary.txt").read_text()
    assert len(done.stdout.split("=" * 20)[1].splitlines()) <= command.LINES + 1


def test_the_summary_of_the_suite(tmp_path):
    writer = plugin.Writer(str(tmp_path / "suite.jsonl"))
    report = type("Report", (), {"when": "call", "outcome": "failed", "nodeid": "a test", "duration": 1.0,
                                 "longrepr": "\x1b[1mE  off by\n 7"})  # fmt: skip
    writer.pytest_runtest_logreport(report)
    report.outcome, report.nodeid = "passed", "another"
    writer.pytest_runtest_logreport(report)
    writer.file.close()
    suite = next(s for s in STAGES if s.name == "suite")
    assert suite.summary("", tmp_path) == ["1 passed, 1 failed, 0 skipped", "a test: E off by 7"]


def test_the_summary_of_the_losses(tmp_path):
    lines = ["A: numba ok (0 ulp), 1 s", "B: numba WRONG loss by 70 ulp, 1 s", "C: ended with -11: no word"]
    summary = next(s for s in STAGES if s.name == "losses").summary("\n".join(lines), tmp_path)
    assert summary == ["1 of 3 losses are right", *lines[1:]]


def test_the_summary_of_a_benchmark(tmp_path, monkeypatch):
    from bench.report import paths

    monkeypatch.setattr(paths, "RESULTS", tmp_path / "results")
    (tmp_path / "results").mkdir()
    row = {"where": "device", "loss": "mse", "shape": [8], "dtype": "float32", "failed": {"fastloss": "it is off"},
           "milliseconds": {"copy": 1.0, "fastloss": 2.0, "torch": 4.0}}  # fmt: skip
    (tmp_path / "results" / "gpu-a-card.json").write_text(json.dumps({"device": "A card", "results": [row]}))
    said = next(s for s in STAGES if s.name == "bench").summary("", tmp_path)
    assert "1 cases on A card" in said[0]
    assert said[1:] == ["mse 8 float32: fastloss 0.50, torch 0.25", "failed: fastloss in mse [8]: it is off"]
    assert (tmp_path / "gpu-a-card.json").exists()
    os.utime(tmp_path / "results" / "gpu-a-card.json", (0, 0))  # of an earlier run
    assert next(s for s in STAGES if s.name == "bench").summary("no GPU\nhere", tmp_path) == ["no GPU", "here"]


@pytest.mark.parametrize("words", ["CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered",
                                   "CUDA_ERROR_MISALIGNED_ADDRESS", "unspecified launch failure"])  # fmt: skip
def test_a_lost_context_is_known_by_its_words(words):
    assert plugin.LOST.search(f"RuntimeError: {words}")


def test_what_is_compared():
    assert losses.off([1.0, 2.0], [1.0, 2.0]) == 0
    assert losses.off([1.0, 2.5], [1.0, 2.0]) > losses.TOLERANCE
    assert losses.off([float("nan")], [1.0]) == float("inf")
    assert losses.off([1.0], [1.0, 1.0]) == float("inf")
    assert stages.plain("\x1b[31mred\x1b[0m") == "red"
