"""A plugin of pytest that writes each report as it comes, and ends a worker whose context on the GPU is lost.

Every later test in such a process would fail; pytest-xdist starts a new worker in its place.
"""

import json
import os
import re
from typing import Any

import pytest

from tests.card.stages import plain

LOST = re.compile(r"ILLEGAL_ADDRESS|illegal memory access|MISALIGNED_ADDRESS|misaligned address|LAUNCH_FAILED|"
                  r"unspecified launch failure|CONTEXT_IS_DESTROYED")  # fmt: skip


def pytest_addoption(parser: Any) -> None:
    parser.addoption("--card-reports", help="where a line of JSON is written for every test")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: Any, call: Any) -> Any:
    outcome = yield
    report = outcome.get_result()
    if report.failed and LOST.search(str(report.longrepr)) and hasattr(item.config, "workerinput"):
        with open(f"{item.config.getoption('--card-reports')}.lost", "a") as file:
            file.write(f"{report.nodeid}\n{report.longrepr}\n")
        os._exit(9)


class Writer:
    def __init__(self, path: str) -> None:
        self.file = open(path, "w", buffering=1)  # noqa: SIM115 - open as long as the run

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when == "call" or report.outcome != "passed":
            crash = getattr(report.longrepr, "reprcrash", None)
            why = report.longrepr[2] if isinstance(report.longrepr, tuple) else crash.message if crash else str(
                report.longrepr or "")  # fmt: skip
            line = {"test": report.nodeid, "outcome": report.outcome, "seconds": round(report.duration, 2),
                    "why": " ".join(plain(why).split())[:400]}  # fmt: skip
            if report.outcome == "failed":
                line["text"] = str(report.longrepr)[-3000:]
            self.file.write(json.dumps(line) + "\n")


def pytest_configure(config: Any) -> None:
    path = config.getoption("--card-reports")
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Writer(path))
