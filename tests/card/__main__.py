"""Everything that a GPU can be asked, in one command: `python -m tests.card FOLDER [--minutes 12]`.

It runs from a source tree, needs no network, and installs nothing. Each stage is a process of its own with a time
limit, whatever became of the one before. What a stage prints goes to FOLDER/<stage>.log as it comes; FOLDER/summary.txt
and the end of the output say what was found. The exit code is 0 where every stage ran and found nothing wrong.
"""

import argparse
import os
import sys
import time
from pathlib import Path

from tests.card.stages import STAGES, Stage, budget
from tests.processes import run_for

LINES = 40
"""The longest summary."""


def run(stage: Stage, folder: Path, seconds: float) -> tuple[str, float, str]:
    """Run a stage: how it ended, how long it took, what it printed."""
    path, begin = folder / f"{stage.name}.log", time.monotonic()
    command = [part.format(folder=folder, seconds=int(seconds)) for part in stage.command]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (os.getcwd(), os.environ.get("PYTHONPATH"))))
    print(f"--- {stage.name}: at most {seconds:.0f} s", flush=True)
    with path.open("wb") as log:
        try:
            code = run_for(seconds, command, log, env=environment)
        except OSError as reason:
            log.write(str(reason).encode())
            return f"did not start: {reason}", 0.0, ""
    ended = "stopped at its limit" if code is None else "passed" if code in stage.fine else f"ended with {code}"
    return ended, time.monotonic() - begin, path.read_text(errors="replace")


def main() -> int:
    """Run the stages; 0 where all passed."""
    parser = argparse.ArgumentParser(prog="python -m tests.card", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("folder", type=Path, help="where logs, the GPU's benchmark and the summary go")
    parser.add_argument("--minutes", type=float, default=12.0, help="for all stages together")
    parser.add_argument("--stages", default=",".join(s.name for s in STAGES), help="which, in this order")
    given = parser.parse_args()
    names = [s.name for s in STAGES]
    if unknown := [name for name in given.stages.split(",") if name not in names]:
        parser.error(f"no such stage: {', '.join(unknown)}; expected some of {', '.join(names)}")
    wanted = [STAGES[names.index(name)] for name in given.stages.split(",")]
    given.folder.mkdir(parents=True, exist_ok=True)
    for old in given.folder.glob("*.jsonl"):
        old.unlink()
    deadline, summary, wrong = time.monotonic() + 60 * given.minutes, [], 0
    for k, stage in enumerate(wanted):
        left = deadline - time.monotonic()
        seconds = budget(stage, wanted[k + 1 :], left)
        if seconds < 5:
            summary.append(f"{stage.name}: no time was left for it")
            wrong += 1
            continue
        ended, took, text = run(stage, given.folder, seconds)
        try:
            found = stage.summary(text, given.folder)
        except Exception as reason:  # what a stage left may be cut off anywhere
            found = [f"no summary: {type(reason).__name__}: {reason}"]
        for line in (head := f"{stage.name}: {ended}, {took:.0f} s"), *found:
            print(line, flush=True)
        summary += [head, *(f"  {line}"[:150] for line in found)]
        wrong += ended != "passed"
        if stage.name == "versions" and ended != "passed":
            break  # nothing else can run without a GPU
    summary = [*summary[: LINES - 1], f"{wrong} of {len(wanted)} stages are not as they should be"]
    (given.folder / "summary.txt").write_text("\n".join(summary) + "\n")
    print("=" * 20, *summary, sep="\n", flush=True)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
