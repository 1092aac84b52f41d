"""What is kept of a run: one document, from which tables, page and figures are made."""

import json
import re
from pathlib import Path
from typing import Any

from .peers import PEERS

RESULTS = Path(__file__).parent / "results"
_STATS = ("median", "min", "max", "mean", "stddev", "iqr", "rounds")

OfCase = dict[str, dict[str, Any]]
"""The rows of one case, by contender."""


def document(recorded: dict[str, Any], command: str, notes: list[str], others: dict[str, Any]) -> dict[str, Any]:
    """pytest-benchmark's JSON, one row per case and contender; beside it what else was measured."""
    about = recorded["machine_info"]
    return {
        "date": recorded["datetime"],
        "command": command,
        "versions": about["versions"],
        "hardware": about["hardware"],
        "platform": f"{about['system']} {about['release']} {about['machine']}",
        "notes": notes,
        "results": [
            bench["extra_info"] | {key: bench["stats"][key] for key in _STATS}
            for bench in recorded.get("benchmarks", [])
        ],
    } | others


def save(made: dict[str, Any], suffix: str) -> Path:
    """Write bench/results/cpu-<date><suffix>.json: a later run of the same day and kind replaces it."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"cpu-{made['date'][:10]}{suffix}.json"
    path.write_text(json.dumps(made, indent=1) + "\n")
    return path


def newest() -> Path | None:
    """The newest file of a whole run."""
    found = [path for path in RESULTS.glob("cpu-*.json") if re.fullmatch(r"cpu-\d{4}-\d\d-\d\d", path.stem)]
    return max(found, default=None)


def by_case(results: list[dict[str, Any]]) -> dict[tuple[str, str, str], OfCase]:
    """Rows by loss, size, and dtype as it is printed, in the order of the run."""
    grouped: dict[tuple[str, str, str], OfCase] = {}
    for row in results:
        kind = row["dtype"] if row["label"] in (row["dtype"], "int64") else f"{row['dtype']}, {row['label']}"
        grouped.setdefault((row["loss"], row["size"], kind), {})[row["contender"]] = row
    return grouped


def peers_of(results: list[dict[str, Any]]) -> list[str]:
    """The peers that took part at all."""
    present = {row["contender"] for row in results}
    return [name for name in PEERS if name in present]


def faster(of_case: OfCase) -> list[str]:
    """The peers that are faster than fastloss, the fastest first."""
    if "fastloss" not in of_case:
        return []
    own = of_case["fastloss"]["median"]
    found = [name for name in PEERS if name in of_case and of_case[name]["median"] < own]
    return sorted(found, key=lambda name: float(of_case[name]["median"]))


def times(row: dict[str, Any] | None) -> str:
    """A multiple of the plain pass as it is printed."""
    return "-" if row is None else digits(row["times plain"])


def digits(value: float) -> str:
    """Three digits, or as many as there are before the point."""
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}"
