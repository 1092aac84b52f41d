"""What the first calls cost: import, compilation, and loading what was compiled, each in a process of its own.

`python -m bench.timing.startup mse mae` prints the seconds of the imports and of each loss's first call.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ..cases.startup import BEFORE, IMPORT, PAIRS  # not even NumPy: what is imported here is not timed below


def first_calls(losses: list[str]) -> list[float]:
    """Seconds of the imports of numba and of fastloss after it, and of each first call, in this process."""
    stamps = [time.perf_counter()]
    import numba  # noqa: F401  what fastloss needs of it is loaded with it, so the next stamp is of fastloss alone
    import numpy as np

    stamps.append(time.perf_counter())
    import fastloss

    stamps.append(time.perf_counter())
    softmax = fastloss.CategoricalCrossentropy(from_logits=True)
    y, p = np.zeros(2**16, np.float32), np.ones(2**16, np.float32)
    seconds = [stamps[1] - stamps[0], stamps[2] - stamps[1]]
    for name in losses:
        loss = softmax if name == "softmax" else getattr(fastloss, name)
        arguments = (np.zeros(2**12, np.int64), p.reshape(2**12, -1)) if name == "softmax" else (y, p)
        start = time.perf_counter()
        loss(*arguments)
        seconds.append(time.perf_counter() - start)
    return seconds


def measure_startup(rounds: int = 3) -> dict[str, Any]:
    """Seconds: once with an empty cache, then the medians of `rounds` processes that find it filled."""
    found: dict[str, Any] = {}
    for first, second in PAIRS:
        with tempfile.TemporaryDirectory() as folder:
            cold = _process((first, second), folder)
            runs = [_process((first, second), folder) for _ in range(rounds)]
        warm = [statistics.median(column) for column in zip(*runs, strict=True)]
        found.setdefault(BEFORE, warm[0])
        found.setdefault(IMPORT, warm[1])
        found.setdefault("first call, cold", cold[2])
        found.setdefault("first call, warm", warm[2])
        found |= {f"second loss, cold ({second})": cold[3], f"second loss, warm ({second})": warm[3]}
    return found


def _process(losses: tuple[str, ...], cache: str) -> list[float]:
    """What `first_calls` returns in a process of its own, with this cache."""
    environment = os.environ | {"NUMBA_CACHE_DIR": cache}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an import is timed as users have it, with bytecode kept
    command = [sys.executable, "-m", __spec__.name, *losses]
    output = subprocess.run(command, cwd=Path(__file__).parents[2], env=environment, capture_output=True, check=True)
    seconds: list[float] = json.loads(output.stdout)
    return seconds


if __name__ == "__main__":
    print(json.dumps(first_calls(sys.argv[1:])))
