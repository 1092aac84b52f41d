"""The benchmark's tables, targets, page and figures, from a document that was never measured."""

import ast
import importlib
import importlib.util
import json
import shutil
from pathlib import Path

import pytest

import bench
from bench.cases.cpu import LATENCY_LOSSES, SMALL_LOSSES, SMALL_SIZES, THREADED, cpu_cases
from bench.cases.startup import IMPORT, PAIRS
from bench.cases.targets import UNITS, targets
from bench.peers.registry import BASELINE, CONTENDERS, PEERS
from bench.report import document as documents, paths
from bench.report.verdicts import compare_targets

TIMES = {"plain": 1.0, "fastloss": 1.25, BASELINE: 1.5} | {name: 5.0 + k for k, name in enumerate(PEERS)}


def _needs(*packages):
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} is not installed")


def _rows(case):
    common = {"loss": case.loss, "size": case.size, "shape": case.shape, "dtype": case.dtype, "label": case.label,
              "bytes": case.bytes, "plain median": 1e-3}  # fmt: skip
    names = [*CONTENDERS, *[BASELINE] * (case.baseline is not None)]
    return [common | {"contender": name, "times plain": TIMES[name], "median": TIMES[name] / 1e3} for name in names]


@pytest.fixture
def document():
    """Everything that a whole run measures, in round numbers; naive Numba is ahead of fastloss once."""
    made = {
        "date": "2026-11-25T12:00:00",
        "command": "python -m bench",
        "versions": {"numba": "0.68.1"},
        "hardware": {"cpu": "A CPU", "threads used": 2, "numba threading layer": "omp", "load at start": 0.1},
        "platform": "Linux 6 x86_64",
        "notes": ["jax is tired"],
        "results": [row for case in cpu_cases() for row in _rows(case)],
        "small": [{"loss": loss, "n": n, "fastloss": 1e-6, "numpy": 3.5e-6}
                  for loss in SMALL_LOSSES for n in SMALL_SIZES],
        "start": {IMPORT: 0.02, "first call, cold": 5.0, "first call, warm": 0.3}
        | {f"second loss, {kind} ({second})": 0.05 for kind in ("cold", "warm") for _, second in PAIRS},
        "threads": [{"loss": case.loss, "size": case.size, "threads": 2, "gains": {"plain": 2.0, "fastloss": 1.9}}
                    for case in THREADED],
        "latency": [{"loss": loss, "n": n, "contender": name, "median": TIMES[name] * n / 1e9}
                    for loss in LATENCY_LOSSES for n in (1, 16, 256) for name in CONTENDERS],
    }  # fmt: skip
    ahead = next(row for row in made["results"] if row["contender"] == "naive numba")
    ahead |= {"median": 1e-4, "times plain": 0.1}
    return json.loads(json.dumps(made))


def test_imports_run_downwards():
    """In the order that bench/__init__.py states."""
    levels = {"cases": 0, "peers": 1, "report": 2, "timing": 2}  # others: commands, on top
    root = Path(bench.__file__).parent
    for path in root.rglob("*.py"):
        package = path.relative_to(root).parts[:-1]
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level > len(package):
                target = (node.module or "").split(".")[0]
                room = package[0] if package else ""
                assert levels.get(target, 3) < levels.get(room, 4), f"{path} imports {target}"


def test_every_target_finds_its_measurement(document):
    rows = compare_targets(document)
    assert [row.target for row in rows if row.verdict == "not measured"] == []
    assert len({(row.target.unit, row.target.case) for row in rows}) == len(rows)
    assert {row.target.unit for row in rows} == set(UNITS)
    found = {(row.target.unit, row.target.case): row for row in rows}
    for unit, case, number, verdict in (
        ("plain", "mse 2^24 float32", 1.25, "missed"),
        ("plain", "msle 2^24 float32", 1.25, "reached"),
        ("plain", "softmax_crossentropy 2^20x10 float32", 1.25, "aim"),
        ("labels", "mse 2^24", 1.25 / 1.5, "reached"),
        ("halves", "mse 2^24 bfloat16", 1.25 / 1.5, "reached"),
        ("small", "mse 10", 3.5, "aim"),
        ("small", "bce_probabilities 10", 3.5, "reached"),
        ("peers", "jax, squared_hinge", TIMES["jax"] / 1.25, "aim"),
        ("start", IMPORT, 20.0, "aim"),
        ("start", "first call, cold", 5000.0, "missed"),
        ("threads", "mse 2^24", 0.95, "reached"),
    ):
        row = found[unit, case]
        assert row.value.number == pytest.approx(number), case
        assert row.verdict == verdict, case


def test_a_target_beyond_what_was_measured_stays(document):
    document |= {"results": [], "start": {}}
    rows = compare_targets(document)
    assert len(rows) == len(targets())
    assert {row.verdict for row in rows if row.target.unit in ("plain", "peers", "start")} == {"not measured"}


def test_the_worst_ratio_to_a_peer_says_where(document):
    row = next(row for row in document["results"] if row["contender"] == "jax" and row["loss"] == "softmax_one_hot")
    row["median"] = 1e-9
    (found,) = [row for row in compare_targets(document) if row.target.case == "jax, the other losses"]
    assert found.value.remark == "softmax_one_hot 2^20x10"


def test_a_run_is_kept(document, tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "RESULTS", tmp_path)
    recorded = {"machine_info": {"versions": {}, "hardware": {}, "system": "Linux", "release": "6", "machine": "x86"},
                "datetime": document["date"],
                "benchmarks": [{"extra_info": row, "stats": dict.fromkeys(documents._STATS, 1.0)}
                               for row in document["results"]]}  # fmt: skip
    made = documents.make_document(recorded, "python -m bench", [], {"small": []})
    for suffix in ("", "-quick", "-part"):
        path = documents.save_document(made, suffix)
        assert json.loads(path.read_text())["results"][0]["median"] == 1.0
    assert documents.newest_result().name == "cpu-2026-11-25.json"


@_needs("rich")
def test_the_tables_on_the_terminal(document, capsys):
    from bench.report.terminal import print_tables

    print_tables(document)
    printed = capsys.readouterr().out
    for words in ("naive numba", "softmax_axis_1", "missed", "not measured: jax is tired"):
        assert words in printed


@_needs("matplotlib")
def test_the_page(document, tmp_path):
    from bench.report.cpu_page import write_cpu_page

    text = write_cpu_page(document, tmp_path).read_text()
    assert "**missed**" in (tmp_path / "targets.md").read_text()
    for words in (
        "`python -m bench` on 2026-11-25",
        "A CPU",
        "numba 0.68.1",
        "**0.08×**",
        "GB/s",
        "roofline",
    ):
        assert words in text
    figures = {path.name: path.read_bytes() for path in tmp_path.glob("*.svg")}
    assert {*figures} == {"roofline.svg", "roofline-dark.svg", "latency.svg", "latency-dark.svg"}
    assert all(name in text and len(figure) < 150_000 for name, figure in figures.items())
    write_cpu_page(document, tmp_path)
    assert figures == {path.name: path.read_bytes() for path in tmp_path.glob("*.svg")}, "the same data, other files"


@_needs("matplotlib")
def test_the_figures_say_what_they_show(document):
    from bench.report import plots

    roofline, latency = plots.roofline_figure(document), plots.latency_figure(document)
    for figure in (roofline, latency):
        shown = [text.get_text() for text in figure.legends[0].get_texts()]
        assert shown == ["fastloss", *PEERS, "plain pass"]
        assert all(axes.get_title() for axes in figure.axes)
    assert len(roofline.axes) == 4
    assert "plain pass" in roofline.get_supylabel()
    labels = [label.get_text() for axes in roofline.axes for label in axes.get_xticklabels()]
    assert {"mse", "bce logits", "crossentropy 2^20x10", "axis 1 16x21x256x256"} <= {*labels}
    assert latency.axes[0].get_ylabel() == "µs per call"
    assert all(axes.get_xlabel() == "elements, float32" for axes in latency.axes)


@_needs("matplotlib")
def test_the_table_of_the_readme(document, tmp_path):
    from bench.report.cpu_page import write_cpu_readme

    path = tmp_path / "README.md"
    shutil.copy(paths.README, path)
    write_cpu_readme(document, path)
    text = path.read_text()
    assert "| `softmax_crossentropy` | 2^20\N{MULTIPLICATION SIGN}10 | 1.25\N{NO-BREAK SPACE}ms |" in text
    write_cpu_readme(document, path)
    assert path.read_text() == text
    path.write_text("no marks")
    with pytest.raises(ValueError, match="lacks the marks"):
        write_cpu_readme(document, path)


@_needs("matplotlib", "rich", "pytest_benchmark")
def test_only_a_whole_run_writes_the_page(document, tmp_path, monkeypatch, capsys):
    command = importlib.import_module("bench.__main__")
    recorded = {"machine_info": {"versions": {}, "hardware": document["hardware"], "system": "Linux", "release": "6",
                                 "machine": "x86"}, "datetime": document["date"], "benchmarks": []}  # fmt: skip
    pages = []
    monkeypatch.setattr(paths, "RESULTS", tmp_path)
    monkeypatch.setattr(command, "_run", lambda options: (0, recorded, []))
    monkeypatch.setattr(command, "write_cpu_page", lambda made: pages.append(made["command"]))
    for function, name in (("measure_startup", "start"), ("measure_small_calls", "small"),
                           ("measure_threads", "threads"), ("measure_latency", "latency")):  # fmt: skip
        monkeypatch.setattr(command, function, lambda *_, name=name: document[name])
    with pytest.raises(SystemExit):
        command.main(["--redraw"])
    assert "nothing is saved yet" in capsys.readouterr().err
    for arguments in (["--quick"], ["-k", "mse"], ["--quick", "-k", "mse"]):
        assert command.main(arguments) == 0
    assert pages == []
    assert command.main([]) == 0
    assert {path.name[len("cpu-2026-11-25") :] for path in tmp_path.iterdir()} == {
        ".json", "-quick.json", "-part.json", "-quick-part.json"}  # fmt: skip
    assert command.main(["--redraw"]) == 0
    assert pages == ["python -m bench", "python -m bench"]


def test_two_checkouts_take_turns(monkeypatch, capfd, tmp_path):
    """The other one is a package of the same name."""
    checkouts = importlib.import_module("bench.timing.checkouts")
    monkeypatch.setattr(checkouts, "ROUNDS", 1)
    checkouts.main(str(checkouts.ROOT), ["mse-2p10"])
    _, line = capfd.readouterr().out.splitlines()
    assert line.startswith("mse-2p10-float32 ")
    (tmp_path / "fastloss.py").write_text("raise SystemExit('the other one')")
    with pytest.raises((ValueError, BrokenPipeError)):
        checkouts.main(str(tmp_path), ["mse-2p10"])
    assert "the other one" in capfd.readouterr().err
