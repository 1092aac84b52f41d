"""The document of a run on the CPU: one JSON, from which tables, page and figures are made."""

import json
import re
from pathlib import Path
from typing import Any

from . import paths

_STATS = ("median", "min", "max", "mean", "stddev", "iqr", "rounds")


def make_document(recorded: dict[str, Any], command: str, notes: list[str], others: dict[str, Any]) -> dict[str, Any]:
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


def save_document(document: dict[str, Any], suffix: str) -> Path:
    """Write bench/results/cpu-<date><suffix>.json: a later run of the same day and kind replaces it."""
    paths.RESULTS.mkdir(exist_ok=True)
    path = paths.RESULTS / f"cpu-{document['date'][:10]}{suffix}.json"
    path.write_text(json.dumps(document, indent=1) + "\n")
    return path


def newest_result() -> Path | None:
    """The newest file of a whole run."""
    found = [path for path in paths.RESULTS.glob("cpu-*.json") if re.fullmatch(r"cpu-\d{4}-\d\d-\d\d", path.stem)]
    return max(found, default=None)
