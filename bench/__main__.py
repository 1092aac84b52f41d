"""`python -m bench [--quick] [-k EXPR]`: run the benchmarks, print tables, save bench/results/cpu-<date>.json.

A whole run writes docs/performance/ too: the page, its targets and its figures.
"""

import argparse
import json
import shlex
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.logger import PytestBenchmarkWarning

from .report.cpu_page import write_cpu_page, write_cpu_readme
from .report.document import make_document, newest_result, save_document
from .report.terminal import print_tables
from .timing.latency import measure_latency
from .timing.small import measure_small_calls
from .timing.startup import measure_startup
from .timing.threads import measure_threads

NEWEST = Path("newest")
"""Stands for the newest saved file of a whole run."""


class Notes:
    """Collects the reasons of skipped and failed benchmarks while pytest runs them."""

    def __init__(self) -> None:
        self.reasons: dict[str, None] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep each reason once."""
        if report.skipped and isinstance(report.longrepr, tuple):
            self.reasons[report.longrepr[2].removeprefix("Skipped: ")] = None
        elif report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            self.reasons[crash.message if crash else report.nodeid] = None


def parser() -> argparse.ArgumentParser:
    """The options."""
    found = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    found.add_argument("--quick", action="store_true", help="one size of each loss, fewer rounds")
    found.add_argument("-k", metavar="EXPR", help='only these benchmarks, as in pytest: -k "bce and 2p20"')
    again: Any = {"metavar": "FILE", "nargs": "?", "type": Path, "const": NEWEST}
    found.add_argument("--redraw", **again, help="measure nothing: write the page from a saved file, or the newest")
    found.add_argument("--readme", **again, help="measure nothing: write README's table from a saved file")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, save; the exit code is pytest's."""
    options = parser().parse_args(arguments)
    if options.redraw or options.readme:
        if options.redraw:
            print("wrote", write_cpu_page(_saved(options.redraw)))
        if options.readme:
            write_cpu_readme(_saved(options.readme))
        return 0
    whole = not (options.quick or options.k)
    others: dict[str, Any] = {"start": measure_startup()} if whole else {}  # first, while nothing else is loaded
    code, recorded, notes = _run(options)
    if recorded is None:
        return code or 1
    if not options.k:
        print("small calls, threads, sizes ...", flush=True)
        others |= {"small": measure_small_calls(15), "threads": measure_threads(5 if options.quick else 9)}
        others["latency"] = measure_latency(options.quick, notes)
    command = shlex.join(["python", "-m", "bench", *(sys.argv[1:] if arguments is None else arguments)])
    document = make_document(recorded, command, notes, others)
    print_tables(document)
    print("saved", save_document(document, ("-quick" if options.quick else "") + ("-part" if options.k else "")))
    if whole:
        print("wrote", write_cpu_page(document))
    return code


def _saved(path: Path) -> dict[str, Any]:
    """The document of a saved run; the command ends where there is none."""
    found = newest_result() if path == NEWEST else path
    if found is None or not found.exists():
        parser().error(f"no such file: {found}" if found else "nothing is saved yet")
    document: dict[str, Any] = json.loads(found.read_text())
    return document


def _run(options: argparse.Namespace) -> tuple[int, dict[str, Any] | None, list[str]]:
    """The benchmarks under pytest: its exit code, pytest-benchmark's JSON, and why some were not measured."""
    notes = Notes()
    with tempfile.TemporaryDirectory() as folder:
        recorded = Path(folder) / "benchmarks.json"
        arguments = [str(Path(__file__).parent), "--no-header", "-n0", "-p", "no:cacheprovider"]
        arguments += ["--benchmark-quiet", f"--benchmark-json={recorded}"]
        arguments += ["--quick"] if options.quick else []
        arguments += ["-k", options.k] if options.k else []
        try:
            code = int(pytest.main(arguments, plugins=[notes]))
        except PytestBenchmarkWarning:  # an error by our settings; pytest-benchmark's where nothing was run
            parser().error(f"nothing was run: -k {options.k!r} selects no benchmark")
        text = recorded.read_text() if recorded.exists() else ""
    return code, json.loads(text) if text else None, list(notes.reasons)


if __name__ == "__main__":
    sys.exit(main())
