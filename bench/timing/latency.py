"""Time per call over sizes from one element to 2^26: where a call is overhead, cache, or memory."""

import statistics
from typing import Any

from ..cases.case import Array, Case
from ..cases.cpu import LATENCY_LOSSES, LATENCY_SIZES
from ..peers import Call
from ..peers.registry import contender_names, prepare_contender
from .interleave import interleave

QUICK_SIZES = LATENCY_SIZES[::5]
LARGE = 2**20
LATENCY_BUDGET = 0.1
"""Seconds for all samples of one contender at one size."""


def measure_latency(quick: bool, notes: list[str]) -> list[dict[str, Any]]:
    """Seconds per call of each contender at each size; why one is missing goes to `notes`.

    Results are not checked here: the same calls are, in the cases of `measure_case`.
    """
    found = []
    for loss in LATENCY_LOSSES:
        dynamic: dict[str, Any] = {}
        for n in QUICK_SIZES if quick else LATENCY_SIZES:
            case = Case(loss, (n,), "float32", "float32")
            y, p = case.data()
            calls: dict[str, Call] = {}
            for name in contender_names(case):
                try:
                    call = _prepare(name, case, y, p, dynamic)
                    call()
                    calls[name] = call
                except Exception as error:  # the others are still worth measuring
                    notes.append(f"{name} in {case.id}: {type(error).__name__}: {str(error).partition(chr(10))[0]}")
            for name, samples in interleave(calls, 5 if n < LARGE else 3, LATENCY_BUDGET).items():
                found.append({"loss": loss, "n": n, "contender": name, "median": statistics.median(samples.seconds)})
    return found


def _prepare(name: str, case: Case, y: Array, p: Array, dynamic: dict[str, Any]) -> Call:
    """As everywhere, but that torch.compile compiles once for all sizes: once for each would take minutes."""
    if name != "torch.compile":
        return prepare_contender(name, case, y, p)
    from ..peers import torch as torch_peer

    if case.loss not in dynamic:
        if reason := torch_peer.cannot_compile():
            raise RuntimeError(reason)
        dynamic[case.loss] = torch_peer.compile_loss(case.loss, dynamic=True)
    return torch_peer.prepare_compiled(case, y, p, dynamic[case.loss])
