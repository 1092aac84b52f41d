"""`python -m bench [--quick] [-k EXPR]`: run the benchmarks, print one table, save bench/results/cpu-<date>.json."""

import argparse
import json
import shlex
import sys
import tempfile
from pathlib import Path

import pytest
from pytest_benchmark.logger import PytestBenchmarkWarning

from . import report


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


def main() -> int:
    """Run, print, save; the exit code is pytest's."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one size of each loss, fewer rounds")
    parser.add_argument("-k", metavar="EXPR", help='only these benchmarks, as in pytest: -k "bce and 2p20"')
    options = parser.parse_args()
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
            parser.error(f"nothing was run: -k {options.k!r} selects no benchmark")
        text = recorded.read_text() if recorded.exists() else ""
    if not text:
        return code or 1
    document = json.loads(text)
    reasons = list(notes.reasons)
    report.show(document, reasons)
    suffix = ("-quick" if options.quick else "") + ("-part" if options.k else "")
    command = shlex.join(["python", "-m", "bench", *sys.argv[1:]])
    print("saved", report.save(document, command, reasons, suffix))
    return code


if __name__ == "__main__":
    sys.exit(main())
