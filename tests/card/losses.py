"""Every loss once with the arrays of each library against the CPU, a line each: `python -m tests.card.losses`.

Each loss is computed in a process of its own, so that a lost context is lost for that loss alone.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from tests.card.stages import plain
from tests.support import VARIANTS, categorical, name_of, sample

TOLERANCE = 64
"""In ulp of the largest value: a look at whether a card computes at all; the bounds are those of the suite."""


def off(got: Any, want: Any) -> float:
    """The largest difference, in ulp of the largest value."""
    got, want = np.asarray(got, float), np.asarray(want, float)
    if got.shape != want.shape or not np.isfinite(got).all():
        return float("inf")
    return float(np.abs(got - want).max() / np.abs(want).max() / np.finfo(np.float32).eps)


def calls(loss: Any, put: Any, get: Any) -> dict[str, float]:
    """How far the results of three calls are from the CPU's."""
    shape = (512, 40) if categorical(loss) else (5000,)
    y, p = sample(loss, shape, np.float32)
    w = np.linspace(0, 2, shape[0], dtype=np.float32)
    here, there = loss(y, p, sample_weight=w), loss(put(y), put(p), sample_weight=put(w))
    found = {"loss": off(get(there.loss), here.loss), "gradient": off(get(there.gradient), here.gradient)}
    here, there = (loss.gradient_hessian(*arrays, reduction="sum") for arrays in ((y, p), (put(y), put(p))))
    found["Hessian"] = off(get(there.hessian), here.hessian) if np.any(here.hessian) else 0.0
    here, there = (loss.loss(*arrays, reduction="none") for arrays in ((y, p), (put(y), put(p))))
    return {**found, "losses": off(get(there), here)}


def one(number: int) -> int:
    """A line about one loss."""
    from tests.devices import libraries

    loss, line, wrong = VARIANTS[number], [], False
    for library in libraries():
        begin = time.monotonic()
        try:
            found = calls(loss, library.put, library.get)
            bad = [f"{what} by {far:.3g} ulp" for what, far in found.items() if not far < TOLERANCE]
            said = f"WRONG {', '.join(bad)}" if bad else f"ok ({max(found.values()):.0f} ulp)"
        except Exception as reason:
            bad = [reason]
            said = f"WRONG {type(reason).__name__}: {' '.join(plain(str(reason)).split())[:120]}"
        wrong |= bool(bad)
        line.append(f"{library.name} {said}, {time.monotonic() - begin:.1f} s")
    print(f"{name_of(loss)}: {'; '.join(line)}", flush=True)
    return int(wrong)


def process(number: int) -> int:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "tests.card.losses", str(number)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.stdout.strip():
        print(done.stdout.strip(), flush=True)
    else:
        said = (done.stderr.strip() or "no word").split("\n")[-1]
        print(f"{name_of(VARIANTS[number])}: ended with {done.returncode}: {said}", flush=True)
    return done.returncode


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(one(int(sys.argv[1])))
    with ThreadPoolExecutor(max(1, min(len(VARIANTS), (os.cpu_count() or 2) // 2))) as pool:
        sys.exit(int(any([*pool.map(process, range(len(VARIANTS)))])))
