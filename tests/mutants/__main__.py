"""`python -m tests.mutants [NAME ...]`: put in each fault, alone, and see whether its tests fail; 1 if one passes."""

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.mutants.faults import FAULTS, Fault
from tests.processes import run_for

ROOT = Path(__file__).resolve().parents[2]
IGNORED = shutil.ignore_patterns(".*", "__pycache__", "site", "build", "dist")


def caught(fault: Fault, folder: Path) -> bool:
    """Whether the tests of a fault fail, in a copy of the project."""
    path = folder / "fastloss" / fault.file
    text = path.read_text()
    path.write_text(text.replace(fault.old, fault.new, 1))
    environment = {**os.environ, "PYTHONPATH": str(folder), "NUMBA_CACHE_DIR": str(folder / "kernels")}
    if fault.simulated:
        environment |= {"NUMBA_ENABLE_CUDASIM": "1", "NUMBA_DISABLE_JIT": "1"}
    file, _, chosen = fault.tests.partition(" -k ")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        file,
        *(["-k", chosen] if chosen else []),
    ]
    log = folder / "pytest.log"
    try:
        with log.open("wb") as printed:
            code = run_for(300, command, printed, cwd=folder, env=environment)
    finally:
        path.write_text(text)
    # a test that hangs is one that no run would pass over
    return code is None or "FAILED tests/" in log.read_text(errors="replace")


def main(names: list[str]) -> int:
    """Run the faults of these names, or all."""
    chosen = [fault for fault in FAULTS if not names or any(name in fault.name for name in names)]
    missed = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "project"
        shutil.copytree(ROOT, folder, ignore=IGNORED)
        for number, fault in enumerate(chosen, 1):
            start = time.monotonic()
            found = caught(fault, folder)
            if not found:
                missed.append(fault.name)
            spent = time.monotonic() - start
            print(
                f"{number:3}/{len(chosen)} {'caught' if found else 'MISSED'} {fault.name} ({spent:.0f} s)", flush=True
            )
    print(f"{len(chosen) - len(missed)} of {len(chosen)} caught", *missed, sep="\n  ")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
