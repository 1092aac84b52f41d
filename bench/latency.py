"""Time per call over sizes from one element to 2^26: where a call is overhead, cache, or memory."""

import statistics
from typing import Any

from .cases import Array, Case
from .peers import Call, contenders, prepare
from .timing import interleave

LOSSES = ("mse", "bce_logits")
SIZES = tuple(4**k for k in range(14))
QUICK = SIZES[::5]
LARGE = 2**20
BUDGET = 0.1
"""Seconds for all samples of one contender at one size."""


def measure(quick: bool, notes: list[str]) -> list[dict[str, Any]]:
    """Seconds per call of each contender at each size; why one is missing goes to `notes`.

    Results are not checked here: the same calls are, in the cases of `bench.measure`.
    """
    found = []
    for loss in LOSSES:
        dynamic: dict[str, Any] = {}
        for n in QUICK if quick else SIZES:
            case = Case(loss, (n,), "float32", "float32")
            y, p = case.data()
            calls: dict[str, Call] = {}
            for name in contenders(case):
                try:
                    call = _prepare(name, case, y, p, dynamic)
                    call()
                    calls[name] = call
                except Exception as error:  # the others are still worth measuring
                    notes.append(f"{name} in {case.id}: {type(error).__name__}: {str(error).partition(chr(10))[0]}")
            for name, samples in interleave(calls, 5 if n < LARGE else 3, BUDGET).items():
                found.append({"loss": loss, "n": n, "contender": name, "median": statistics.median(samples.seconds)})
    return found


def _prepare(name: str, case: Case, y: Array, p: Array, dynamic: dict[str, Any]) -> Call:
    """As everywhere, but that torch.compile compiles once for all sizes: once for each would take minutes."""
    if name != "torch.compile":
        return prepare(name, case, y, p)
    from . import peers_torch

    if case.loss not in dynamic:
        if reason := peers_torch.cannot_compile():
            raise RuntimeError(reason)
        dynamic[case.loss] = peers_torch.compiled(case.loss, dynamic=True)
    return peers_torch.prepare_compiled(case, y, p, dynamic[case.loss])
