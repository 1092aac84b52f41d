"""One case on a GPU: its data, contenders that are checked, and their times, in rounds of changing order."""

import gc
import importlib
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import torch

from . import gpu_check, peers_gpu
from .cases import ELEMENTWISE
from .gpu_cases import GpuCase

HEAD_START = 2_000_000
"""Cycles that the device is kept busy before a timed call, so that its work is queued when its turn comes."""
CALLS = 50
"""Calls between two looks at the clock of the host: what they launch fits the driver's queue."""


def tensors(case: GpuCase, device: str) -> tuple[Any, Any]:
    """Targets and predictions in the domain of a loss."""
    generator = torch.Generator(device).manual_seed(0)
    name, dtype = case.loss, getattr(torch, case.dtype)

    def normal() -> Any:
        return torch.randn(case.shape, generator=generator, device=device)

    z = normal()
    if name not in ELEMENTWISE:
        return torch.randint(case.shape[1], case.shape[:1], generator=generator, device=device), z.to(dtype)
    y = normal()
    if name.startswith("bce") or name.startswith("binary"):
        y, z = (y > 0).float(), (z.sigmoid().clip(0.01, 0.99) if name.endswith("probabilities") else z)
    elif name.startswith("squared_hinge"):
        y = torch.where(y > 0, 1.0, -1.0)
    elif name in ("msle", "poisson_rates"):
        y, z = y.exp().round(), z.exp()
    elif name == "poisson_logits":
        y = y.exp().round()
    return y.to(dtype), z.to(dtype)


def contenders(case: GpuCase, prepares: dict[str, Any], y: Any, p: Any,
               left_out: set[str]) -> tuple[dict[str, Callable[[], Any]], dict[str, str], dict[str, str]]:  # fmt: skip
    """The calls whose results are right, why others take no part, and where fastloss itself is wrong."""
    calls: dict[str, Callable[[], Any]] = {}
    missing: dict[str, str] = {}
    failed: dict[str, str] = {}
    for name, prepare in prepares.items():
        if name in left_out:
            missing[name] = "left out"
            continue
        own = name.startswith("fastloss")
        allowed = (gpu_check.OURS if own else gpu_check.TOLERANCES)[case.dtype]
        factor = 1 / case.shape[0] if name in peers_gpu.SUMMED else 1.0
        try:
            call = prepare(case.loss, y, p)
            value, gradient = call()
            if type(gradient) is not torch.Tensor:
                gradient = torch.from_dlpack(gradient)
            value = value.detach() if type(value) is torch.Tensor else value
            wrong = gpu_check.difference(torch, (value, gradient), case.loss, y, p, allowed, factor)
            if wrong:
                raise ArithmeticError(wrong)
            calls[name] = call
        except Exception as reason:  # whatever one raises, the others are measured
            fault = own and not isinstance(reason, ModuleNotFoundError)
            (failed if fault else missing)[name] = (
                f"{type(reason).__name__}: {str(reason).strip().partition(chr(10))[0]}"
            )
    return calls, missing, failed


def milliseconds(call: Callable[[], Any], device: str) -> float:
    """The work of one call on the device, from event to event."""
    if device == "cpu":
        begin = time.perf_counter()
        call()
        return (time.perf_counter() - begin) * 1e3
    start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda._sleep(HEAD_START)
    start.record()
    call()
    stop.record()
    stop.synchronize()
    return float(start.elapsed_time(stop))


def microseconds(call: Callable[[], Any], device: str) -> float:
    """The host's time until a call returns; nothing waits for the device, which is drained before and after."""
    drain(device)
    begin = time.perf_counter()
    for _ in range(CALLS):
        call()
    elapsed = time.perf_counter() - begin
    drain(device)
    return elapsed / CALLS * 1e6


def drain(device: str) -> None:
    """Wait until the device has done what is queued."""
    if device != "cpu":
        torch.cuda.synchronize()


def rounds_of(calls: dict[str, Callable[[], Any]], clock: Any, device: str, rounds: int) -> dict[str, float]:
    """Medians of every call's time; the first rounds, which fill caches and raise clocks, do not count."""
    samples: dict[str, list[float]] = {name: [] for name in calls}
    names = list(calls)
    for turn in range(rounds + 2):
        order = names[turn % len(names) :] + names[: turn % len(names)] if names else []
        for name in order if turn % 2 else reversed(order):
            elapsed = clock(calls[name], device)
            if turn >= 2:
                samples[name].append(elapsed)
    return {name: statistics.median(times) for name, times in samples.items()}


def measure(case: GpuCase, device: str, rounds: int, left_out: set[str]) -> dict[str, Any]:
    """A row: the times of all contenders, and what was wrong with the others."""
    y, p = tensors(case, device)
    prepares = peers_gpu.DEVICE if case.where == "device" else peers_gpu.HOST
    calls, missing, failed = contenders(case, prepares, y, p, left_out)
    moved = 2 * p.nbytes + y.nbytes
    row: dict[str, Any] = case._asdict() | {"bytes": moved, "missing": missing, "failed": failed}
    gc.collect()
    gc.disable()
    try:
        if case.where == "device":
            source = torch.empty(moved // 2, dtype=torch.uint8, device=device)
            target = torch.empty_like(source)
            calls = {"copy": lambda: target.copy_(source), **calls}
            row["milliseconds"] = rounds_of(calls, milliseconds, device, rounds)
        else:
            row["microseconds"] = rounds_of(calls, microseconds, device, rounds)
    finally:
        gc.enable()
    return row


def release() -> None:
    """Give back what the pools of torch and CuPy keep: neither sees the other's."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if "cupy" in sys.modules:
        importlib.import_module("cupy").get_default_memory_pool().free_all_blocks()


def card(device: str) -> dict[str, Any]:
    """The device that is measured; None of it where there is none."""
    if device == "cpu":
        return {}
    if not torch.cuda.is_available():
        raise RuntimeError("torch sees no GPU here")
    properties = torch.cuda.get_device_properties(0)
    return {
        "device": properties.name,
        "compute capability": f"{properties.major}.{properties.minor}",
        "memory": properties.total_memory,
        "cuda of torch": torch.version.cuda,
    }
