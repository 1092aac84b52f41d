"""`make demo-distributed`: softmax regression over Dask, on more data than one worker may hold, one of which is killed.

The digits of scikit-learn, drawn again and again with noise, make an array larger than the memory limit of one of two
worker processes. Gradient descent runs twice: on the cluster, where a worker is killed half-way and Dask computes what
was lost again, and in one process over NumPy's arrays. Both end at the same loss.
"""

import logging
import os
import signal
import sys
import time
from typing import Any

import dask
import dask.array as da
import numpy as np
from distributed import Client, LocalCluster, progress, wait
from rich.console import Console
from sklearn.datasets import load_digits

import fastloss as fl

ROWS, FEATURES, CLASSES, STEPS = 4_000_000, 64, 10, 8
LIMIT = 900 * 2**20
"""Of the memory of a worker, in bytes."""
LOSS = fl.CategoricalCrossentropy(from_logits=True)


def draw(block: Any, block_info: Any = None) -> Any:
    """A chunk of rows: pixels of digits with noise, and the label behind them."""
    start, stop = block_info[None]["array-location"][0]
    x, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(start)
    which = rng.integers(0, len(x), stop - start)
    found = np.empty((stop - start, FEATURES + 1), np.float32)
    found[:, :FEATURES] = x[which] / 16 + rng.normal(scale=0.5, size=(stop - start, FEATURES))
    found[:, FEATURES] = y[which]
    return found


def drawn(chunk: int, rows: int = ROWS) -> Any:
    """The array, which no process has to hold."""
    return da.zeros((rows, FEATURES + 1), chunks=(chunk, -1), dtype=np.float32).map_blocks(draw, dtype=np.float32)


def step(table: Any, w: Any) -> tuple[float, Any]:
    """Loss and gradient by w, of an array of Dask."""
    x, y = table[:, :FEATURES].astype(np.float64), table[:, FEATURES]
    loss, gradient = LOSS(y, x @ w)
    found: tuple[float, Any] = dask.compute(loss, x.T @ gradient)
    return found


def step_alone(table: Any, w: Any) -> tuple[float, Any]:
    """The same of an array of NumPy, a part at a time: weights of 1/n make sums that add up to the mean."""
    total, slope = 0.0, np.zeros_like(w)
    for part in np.array_split(table, 50):
        x = part[:, :FEATURES].astype(np.float64)
        loss, gradient = LOSS(part[:, FEATURES], x @ w, 1 / len(table), reduction="sum")
        total, slope = total + loss, slope + x.T @ gradient
    return total, slope


def descend(take: Any, table: Any, halfway: Any = lambda: None) -> tuple[float, float]:
    """The loss after some steps of gradient descent, and the seconds of one of them."""
    w, seconds, loss = np.zeros((FEATURES, CLASSES)), [], np.nan
    for number in range(STEPS):
        if number == STEPS // 2:
            halfway()
        start = time.perf_counter()
        loss, gradient = take(table, w)
        seconds.append(time.perf_counter() - start)
        w -= 0.5 * gradient
    return float(loss), float(np.median(seconds))


def kill(client: Client, console: Console) -> None:
    """Kill one of the workers, without a chance to say goodbye."""
    victim = sorted(info["pid"] for info in client.run(lambda: {"pid": os.getpid()}).values())[0]
    os.kill(victim, signal.SIGKILL)
    console.print(f"Worker {victim} was killed; its chunks are computed again.")


def on_cluster(workers: int, chunk: int, console: Console | None = None, rows: int = ROWS,
               limit: int = LIMIT) -> tuple[float, float]:  # fmt: skip
    """Loss and seconds of a step; with a console, progress is shown and a worker is killed half-way."""
    with (
        LocalCluster(n_workers=workers, threads_per_worker=1, memory_limit=limit, dashboard_address=None,
                     silence_logs=logging.ERROR) as cluster,
        Client(cluster) as client,
    ):  # fmt: skip
        table = client.persist(drawn(chunk, rows))
        if console:
            progress(table, notebook=False)
        wait(table)
        if not console:
            return descend(step, table)
        console.print()
        return descend(step, table, lambda: kill(client, console))


def main() -> int:
    """Show what happens; 0 where both ways end at the same loss."""
    console = Console()
    size = ROWS * (FEATURES + 1) * 4
    console.print(f"{ROWS:,} rows of {FEATURES} pixels: {size >> 20} MiB; two workers of {LIMIT >> 20} MiB each")
    found, seconds = on_cluster(2, 50_000, console)
    console.print(f"Two workers: loss {found:.12f} after {STEPS} steps of {seconds:.2f} s")
    whole = drawn(50_000).compute(scheduler="sync")
    alone, seconds = descend(step_alone, whole)
    console.print(f"One process, NumPy: loss {alone:.12f} after {STEPS} steps of {seconds:.2f} s")
    console.print(f"Difference {abs(found - alone):.1e}")
    return int(abs(found - alone) > 1e-10)


if __name__ == "__main__":
    sys.exit(main())
