"""The stages of `python -m tests.card`: what each runs, its share of the time, and what its summary says."""

import json
import re
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

PYTHON = sys.executable
ORDER = ("test_gpu", "test_cuda", "test_generic", "test_edges", "test_errors", "test_ulp")
"""The files of the suite: what a card alone can show comes first."""
BEGIN = time.time()
DETAIL = 12
"""Lines that a stage may add to the summary."""


class Stage(NamedTuple):
    """A process, and what to say of it."""

    name: str
    command: tuple[str, ...]
    """{folder} and {seconds} are filled in."""
    share: float
    """Of the time that is left when all later stages have theirs."""
    limit: float
    """Seconds at most."""
    summary: Callable[[str, Path], list[str]]
    fine: tuple[int, ...] = (0,)
    """Exit codes that say that all is well."""


def budget(stage: Stage, later: Sequence[Stage], left: float) -> float:
    """How many of the seconds that are left a stage may take: what the later ones do not need."""
    return min(stage.limit, left * stage.share / (stage.share + sum(s.share for s in later)))


def plain(text: str) -> str:
    """Without the colours of a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def _versions(text: str, folder: Path) -> list[str]:
    return text.strip().split("\n")[:10]


def _losses(text: str, folder: Path) -> list[str]:
    text = plain(text)
    rows = [line for line in text.split("\n") if re.search(r"\bok\b|WRONG|ended with", line)]
    wrong = [line for line in rows if "WRONG" in line or "ended with" in line]
    return [f"{len(rows) - len(wrong)} of {len(rows)} losses are right", *wrong[:DETAIL]]


def _suite(text: str, folder: Path) -> list[str]:
    path = folder / "suite.jsonl"
    reports = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    count = {kind: sum(r["outcome"] == kind for r in reports) for kind in ("passed", "failed", "skipped")}
    failed = [f"{r['test']}: {r['why']}" for r in reports if r["outcome"] == "failed"]
    return [", ".join(f"{n} {kind}" for kind, n in count.items()), *failed[:DETAIL]]


def _bench(text: str, folder: Path) -> list[str]:
    from bench.report.paths import RESULTS

    files = sorted(path for path in RESULTS.glob("gpu-*.json") if path.stat().st_mtime > BEGIN)
    if not files:
        return text.strip().split("\n")[-3:]
    shutil.copy(files[-1], folder)
    document: dict[str, Any] = json.loads(files[-1].read_text())
    rows = [row for row in document["results"] if row["where"] == "device" and "fastloss" in row["milliseconds"]]
    shown = [f"{len(document['results'])} cases on {document['device']}; share of the copy's rate of some:"]
    for row in rows[:: max(1, len(rows) // (DETAIL - 3))]:
        times = row["milliseconds"]
        shares = ", ".join(f"{k} {times['copy'] / t:.2f}" for k, t in times.items() if k != "copy")
        shown.append(f"{row['loss']} {'x'.join(map(str, row['shape']))} {row['dtype']}: {shares}")
    failed = [f"failed: {name} in {row['loss']} {row['shape']}: {why}"
              for row in document["results"] for name, why in row["failed"].items()]  # fmt: skip
    return shown + failed[:4]


def _sanitizer(text: str, folder: Path) -> list[str]:
    return re.findall(r"(?:ERROR SUMMARY|Invalid|Error:|\d+ calls).*", plain(text))[:4] or text.strip().split("\n")[-2:]


STAGES = (
    Stage("versions", (PYTHON, "-m", "tests.card.versions"), 1.0, 60, _versions),
    Stage("losses", (PYTHON, "-m", "tests.card.losses"), 1.0, 120, _losses),
    Stage(
        "suite",
        (PYTHON, "-m", "pytest", "-m", "gpu", "-k", "not sanitizer", "--dist", "load", "--maxschedchunk", "1",
         "-p", "no:benchmark", "-p", "tests.card.plugin", "--card-reports", "{folder}/suite.jsonl",
         "-o", "cache_dir={folder}/.pytest", *(f"tests/{name}.py" for name in ORDER)),
        3.0,
        600,
        _suite,
    ),
    Stage(
        "bench",
        (PYTHON, "-m", "bench.gpu", "--budget", "{seconds}", "--without", "torch.compile", "--without", "one graph"),
        3.0,
        600,
        _bench,
        (0, 3),  # 3: cases are left
    ),
    Stage(
        "sanitizer",
        ("compute-sanitizer", "--tool", "memcheck", "--error-exitcode=9", PYTHON, "-m", "tests.sanitized", "--few"),
        0.8,
        240,
        _sanitizer,
    ),
)  # fmt: skip
