"""`python -m bench.timing.checkouts OTHER [PART ...]`: all cases in another checkout of fastloss and in this one.

Two processes take turns, with a pause between them: the threads of the one that has just run go on spinning for work.
PART: only cases whose name contains it.
"""

import importlib
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ROUNDS, PAUSE, SAMPLE = 11, 0.02, 0.04
"""Samples of each; seconds between them; seconds of one, at least."""


def serve(checkout: str) -> None:
    """Answer requests on standard input, a line each: an index makes that case ready, a negative number runs it.

    Prepared, a case answers the seconds of a call; -n: the seconds of a call, of n of them after one that is not timed.
    """
    sys.path[:0] = [checkout]
    importlib.import_module("fastloss")  # from there; the benchmark is of this checkout
    sys.path[0] = str(ROOT)
    from ..cases.cpu import cpu_cases
    from ..peers.fastloss import prepare

    cases, call = list(cpu_cases()), None
    for line in sys.stdin:
        number = int(line)
        if number >= 0:
            call = prepare(cases[number], *cases[number].data())
            call()
        assert call is not None
        call()
        start = time.perf_counter()
        for _ in range(max(1, -number)):
            call()
        print((time.perf_counter() - start) / max(1, -number), flush=True)


class Checkout:
    """A process that measures one checkout."""

    def __init__(self, folder: Path) -> None:
        code = f"from bench.timing.checkouts import serve; serve({json.dumps(str(folder))})"
        self._process: Any = subprocess.Popen(
            [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, number: int) -> float:
        """The answer to a request: see `serve`."""
        time.sleep(PAUSE)
        print(number, file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())

    def __enter__(self) -> "Checkout":
        return self

    def __exit__(self, *_: Any) -> None:
        self._process.communicate()  # without requests it ends


def main(other: str, parts: list[str]) -> None:
    """Print a line for each case."""
    from ..cases.cpu import cpu_cases

    print(f"{'case':46}{'other, ms':>12}{'this, ms':>12}{'this / other':>14}")
    with Checkout(Path(other).resolve()) as first, Checkout(ROOT) as second:
        for number, case in enumerate(cpu_cases()):
            if parts and not any(part in case.id for part in parts):
                continue
            calls = max(1, int(SAMPLE / max(first.ask(number), second.ask(number))))
            samples = [(first.ask(-calls), second.ask(-calls)) for _ in range(ROUNDS)]
            old, new = (1e3 * statistics.median(column) for column in zip(*samples, strict=True))
            print(f"{case.id:46}{old:12.4f}{new:12.4f}{new / old:14.2f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
