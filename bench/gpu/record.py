"""What is kept of a run on a GPU: one JSON for a day, a card and the sources, written again after every case."""

import contextlib
import json
import os
import subprocess
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from fastloss._compile.digest import digest

from ..report import paths
from ..report.versions import installed_versions
from .cases import GpuCase

GPU_PACKAGES = ("numpy", "numba", "numba-cuda", "torch", "triton", "cupy-cuda13x", "cupy-cuda12x", "liger-kernel",
            "quack-kernels")  # fmt: skip
SAME = ("date", "device", "driver", "commit", "sources", "versions")
"""What has to agree for a run to go on where another stopped."""


def driver_version() -> str | None:
    """The version of the device's driver, asked of the driver's own tool."""
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.split("\n")[0].strip() or None


def commit() -> str | None:
    """The commit that is checked out, with -dirty where files differ from it; None outside a repository."""
    query = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(query, capture_output=True, text=True, timeout=60, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def make_heading(device: dict[str, Any], command: str) -> dict[str, Any]:
    """What a record says of a run besides its rows."""
    return {"date": date.today().isoformat(), "command": command, **device, "driver": driver_version(),
            "commit": commit(), "sources": digest(), "versions": installed_versions(GPU_PACKAGES)}  # fmt: skip


class Record:
    """The rows of a run, by case. path None: nothing is saved."""

    def __init__(self, path: Path | None, heading: dict[str, Any]) -> None:
        self.path, self.heading = path, heading
        self.rows: dict[GpuCase, dict[str, Any]] = {}
        with contextlib.suppress(OSError, ValueError):
            saved = json.loads(path.read_text()) if path else {}
            if saved and all(saved.get(key) == heading.get(key) for key in SAME):
                self.rows = {GpuCase.of(row): row for row in saved["results"]}

    def left(self, cases: Iterable[GpuCase]) -> list[GpuCase]:
        """The cases without a row; those in which fastloss failed are tried again."""
        return [case for case in cases if case not in self.rows or self.rows[case]["failed"]]

    def add(self, case: GpuCase, row: dict[str, Any]) -> None:
        """Keep a row, on disk too."""
        self.rows[case] = row
        if self.path is not None:
            self.path.parent.mkdir(exist_ok=True)
            temporary = self.path.with_suffix(".tmp")
            temporary.write_text(json.dumps({**self.heading, "results": [*self.rows.values()]}, indent=1) + "\n")
            os.replace(temporary, self.path)  # atomic: a run that is killed leaves the old file whole

    @property
    def failures(self) -> list[str]:
        """Where fastloss raised or was wrong."""
        return [f"{name} in {case}: {why}" for case, row in self.rows.items() for name, why in row["failed"].items()]


def record_path(card: str, day: str, suffix: str) -> Path:
    """bench/results/gpu-<card>-<date><suffix>.json."""
    name = "-".join(card.lower().replace("nvidia", "").split())
    return paths.RESULTS / f"gpu-{name}-{day}{suffix}.json"
