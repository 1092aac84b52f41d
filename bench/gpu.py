"""`python -m bench.gpu [--quick] [-k TEXT]`: the losses on a GPU as shares of a device-to-device copy; saves JSON.

Every contender returns loss and gradient of the same tensors, is checked against torch before anything is timed, and is
timed by events on the stream, in rounds of changing order. Needs torch with CUDA; CuPy, Liger and quack take part
where they are installed. `--device cpu` goes through the motions where there is no card, and saves nothing.
"""

import argparse
import importlib.metadata
import json
import shlex
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import torch
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from . import peers_gpu
from .cases import ELEMENTWISE, LOSSES

RESULTS = Path(__file__).parent / "results"
SIZES = [1 << 20, 1 << 24, 1 << 26, 1 << 28]
SHAPES = [(1 << 22, 10), (1 << 20, 100), (1 << 17, 1000), (1 << 14, 8192), (1 << 12, 32000), (1 << 11, 128256),
          (1 << 10, 262144)]  # fmt: skip
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def cases(quick: bool) -> list[tuple[str, tuple[int, ...], str]]:
    """Loss, shape and dtype."""
    sizes, shapes = (SIZES[:1], [(1000, 10), (64, 1000)]) if quick else (SIZES, SHAPES)
    found: list[tuple[str, tuple[int, ...], str]] = []
    for name in LOSSES:
        of_loss = [(n,) for n in sizes] if name in ELEMENTWISE else shapes
        found += [(name, shape, dtype) for shape in of_loss for dtype in DTYPES]
    return found


def tensors(name: str, shape: tuple[int, ...], dtype: torch.dtype, device: str) -> tuple[Any, Any]:
    """Targets and predictions in the domain of a loss."""
    generator = torch.Generator(device).manual_seed(0)

    def normal() -> Any:
        return torch.randn(shape, generator=generator, device=device)

    z = normal()
    if name not in ELEMENTWISE:
        return torch.randint(shape[1], shape[:1], generator=generator, device=device), z.to(dtype)
    y = normal()
    if name.startswith("bce") or name.startswith("binary"):
        y, z = (y > 0).float(), (z.sigmoid() if name.endswith("probabilities") else z)
    elif name.startswith("squared_hinge"):
        y = torch.where(y > 0, 1.0, -1.0)
    elif name in ("msle", "poisson_rates"):
        y, z = y.exp().round(), z.exp()
    elif name == "poisson_logits":
        y = y.exp().round()
    return y.to(dtype), z.to(dtype)


def milliseconds(call: Callable[[], Any], device: str) -> float:
    """One call, from event to event on the stream."""
    if device == "cpu":
        begin = time.perf_counter()
        call()
        return (time.perf_counter() - begin) * 1e3
    start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    call()
    stop.record()
    stop.synchronize()
    return float(start.elapsed_time(stop))


def measure(name: str, shape: tuple[int, ...], dtype: str, device: str, rounds: int) -> dict[str, Any]:
    """Median milliseconds of each contender, the copy of as many bytes among them; why others took no part."""
    y, p = tensors(name, shape, DTYPES[dtype], device)
    moved = 2 * p.nbytes + y.nbytes
    source = torch.empty(moved // 2, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    contenders: dict[str, Callable[[], Any]] = {"copy": lambda: target.copy_(source)}
    missing: dict[str, str] = {}
    _, want = peers_gpu.eager(name, y, p)()
    for peer, prepare in peers_gpu.CONTENDERS.items():
        try:
            call = prepare(name, y, p)
            gradient = call()[1]
            gradient = torch.as_tensor(gradient, device=device) if type(gradient) is not torch.Tensor else gradient
            # Each over its largest value: quack leaves the division by the number of rows to the caller.
            found, true = (g.float() / g.float().abs().max() for g in (gradient, want))
            error = float((found - true).abs().max())
            if error > (2e-2 if dtype == "bfloat16" else 1e-3):
                raise ArithmeticError(f"its gradient is off by {error:.1e}")
            contenders[peer] = call
        except Exception as reason:  # whatever a peer raises, the others are measured
            missing[peer] = f"{type(reason).__name__}: {str(reason).strip().splitlines()[0] if str(reason) else ''}"
    samples: dict[str, list[float]] = {peer: [] for peer in contenders}
    names = list(contenders)
    for turn in range(rounds + 2):
        order = names[turn % len(names) :] + names[: turn % len(names)]
        for peer in order if turn % 2 else reversed(order):
            elapsed = milliseconds(contenders[peer], device)
            if turn >= 2:  # the first rounds fill caches and raise clocks
                samples[peer].append(elapsed)
    return {
        "loss": name, "shape": shape, "dtype": dtype, "bytes": moved, "missing": missing,
        "milliseconds": {peer: statistics.median(times) for peer, times in samples.items()},
    }  # fmt: skip


def table(results: list[dict[str, Any]], title: str) -> Table:
    """GB/s of fastloss, and everyone's share of the rate of the copy."""
    peers = [peer for peer in peers_gpu.CONTENDERS if any(peer in r["milliseconds"] for r in results)]
    out = Table(title=title, box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for column in ("loss", "size", "dtype", "copy GB/s", "fastloss GB/s", *peers):
        out.add_column(column, justify="left" if column in ("loss", "size", "dtype") else "right", no_wrap=True)
    for r in results:
        times = r["milliseconds"]
        rates = [f"{r['bytes'] / times[k] / 1e6:.0f}" if k in times else "-" for k in ("copy", "fastloss")]
        shares = [f"{times['copy'] / times[peer]:.2f}" if peer in times else "-" for peer in peers]
        behind = "fastloss" in times and any(times[k] < times["fastloss"] for k in peers if k in times)
        size = "x".join(map(str, r["shape"]))
        out.add_row(r["loss"], size, r["dtype"], *rates, *shares, style="red" if behind else None)
    return out


def save(results: list[dict[str, Any]], suffix: str) -> Path:
    """Write bench/results/gpu-<card>-<date>.json."""
    packages = (
        "fastloss",
        "numba",
        "numba-cuda",
        "torch",
        "cupy-cuda13x",
        "cupy-cuda12x",
        "liger-kernel",
        "quack-kernels",
    )
    versions = {}
    for package in packages:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    properties = torch.cuda.get_device_properties(0)
    document = {
        "date": date.today().isoformat(),
        "command": shlex.join(["python", "-m", "bench.gpu", *sys.argv[1:]]),
        "device": properties.name,
        "memory": properties.total_memory,
        "cuda": torch.version.cuda,
        "versions": versions,
        "results": results,
    }
    card = "-".join(properties.name.lower().replace("nvidia", "").split())
    path = RESULTS / f"gpu-{card}-{document['date']}{suffix}.json"
    path.write_text(json.dumps(document, indent=1) + "\n")
    return path


def main() -> int:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(prog="python -m bench.gpu", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small arrays, few rounds")
    parser.add_argument("-k", metavar="TEXT", default="", help="only cases whose loss, size and dtype contain this")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("torch sees no GPU here")
    results = []
    for name, shape, dtype in cases(options.quick):
        label = f"{name} {'x'.join(map(str, shape))} {dtype}"
        if options.k in label:
            print(label, file=sys.stderr, flush=True)
            results.append(measure(name, shape, dtype, options.device, 5 if options.quick else 30))
    console = Console() if sys.stdout.isatty() else Console(width=160)
    where = torch.cuda.get_device_name(0) if options.device == "cuda" else "the CPU"
    console.print(table(results, f"Share of the rate of a copy on {where} (medians; more is faster; red: behind)"))
    for peer, reason in sorted({(k, v) for r in results for k, v in r["missing"].items()}):
        console.print(f"not measured: {peer}: {reason}", markup=False, highlight=False)
    if options.device == "cuda":
        print("saved", save(results, ("-quick" if options.quick else "") + ("-part" if options.k else "")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
