"""One case on a GPU: its data, contenders that are checked, and their times."""

import gc
import importlib
import statistics
import sys
import time
from typing import Any

import torch

from ..cases.losses import ELEMENTWISE
from ..peers import Call, gpu as peers
from . import check
from .cases import GpuCase

SPIN_CYCLES = 2_000_000
"""Of a kernel that spins before a timed call, so that all of the call's kernels are queued when the first starts."""
CALLS = 50
"""Calls in a sample of the host's time: what they launch fits the driver's queue."""


def make_tensors(case: GpuCase, device: str) -> tuple[Any, Any]:
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


def checked_calls(
    case: GpuCase, prepares: dict[str, Any], y: Any, p: Any, left_out: set[str]
) -> tuple[dict[str, Call], dict[str, str], dict[str, str]]:
    """The calls whose results are right, why others take no part, and where fastloss itself is wrong."""
    calls: dict[str, Call] = {}
    missing: dict[str, str] = {}
    failed: dict[str, str] = {}
    for name, prepare in prepares.items():
        if name in left_out:
            missing[name] = "left out"
            continue
        own = name.startswith("fastloss")
        allowed = (check.OWN_TOLERANCE if own else check.PEER_TOLERANCE)[case.dtype]
        factor = 1 / case.shape[0] if name in peers.GRADIENT_OF_SUM else 1.0
        try:
            call = prepare(case.loss, y, p)
            value, gradient = call()
            if type(gradient) is not torch.Tensor:
                gradient = torch.from_dlpack(gradient)
            value = value.detach() if type(value) is torch.Tensor else value
            wrong = check.mismatch(torch, (value, gradient), case.loss, y, p, allowed, factor)
            if wrong:
                raise ArithmeticError(wrong)
            calls[name] = call
        except Exception as reason:  # whatever one raises, the others are measured
            fault = own and not isinstance(reason, ModuleNotFoundError)
            first_line = str(reason).strip().partition("\n")[0]
            (failed if fault else missing)[name] = f"{type(reason).__name__}: {first_line}"
    return calls, missing, failed


def device_milliseconds(call: Call, device: str) -> float:
    """The work of one call on the device, from event to event."""
    if device == "cpu":
        begin = time.perf_counter()
        call()
        return (time.perf_counter() - begin) * 1e3
    start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda._sleep(SPIN_CYCLES)
    start.record()
    call()
    stop.record()
    stop.synchronize()
    return float(start.elapsed_time(stop))


def host_microseconds(call: Call, device: str) -> float:
    """The host's time until a call returns; nothing waits for the device, which is idle before and after."""
    synchronize(device)
    begin = time.perf_counter()
    for _ in range(CALLS):
        call()
    elapsed = time.perf_counter() - begin
    synchronize(device)
    return elapsed / CALLS * 1e6


def synchronize(device: str) -> None:
    """Wait until the device has done what is queued."""
    if device != "cpu":
        torch.cuda.synchronize()


def median_times(calls: dict[str, Call], clock: Any, device: str, rounds: int) -> dict[str, float]:
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


def measure_gpu_case(case: GpuCase, device: str, rounds: int, left_out: set[str]) -> dict[str, Any]:
    """A row: the times of all contenders, and what was wrong with the others."""
    y, p = make_tensors(case, device)
    prepares = peers.DEVICE_CONTENDERS if case.where == "device" else peers.HOST_CONTENDERS
    calls, missing, failed = checked_calls(case, prepares, y, p, left_out)
    moved = 2 * p.nbytes + y.nbytes
    row: dict[str, Any] = case._asdict() | {"bytes": moved, "missing": missing, "failed": failed}
    gc.collect()
    gc.disable()
    try:
        if case.where == "device":
            source = torch.empty(moved // 2, dtype=torch.uint8, device=device)
            target = torch.empty_like(source)
            calls = {"copy": lambda: target.copy_(source), **calls}
            row["milliseconds"] = median_times(calls, device_milliseconds, device, rounds)
        else:
            row["microseconds"] = median_times(calls, host_microseconds, device, rounds)
    finally:
        gc.enable()
    return row


def free_memory() -> None:
    """Empty the memory pools of torch and CuPy: neither sees what the other's keeps."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if "cupy" in sys.modules:
        importlib.import_module("cupy").get_default_memory_pool().free_all_blocks()


def describe_device(device: str) -> dict[str, Any]:
    """What is recorded of the device; nothing of the CPU."""
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
