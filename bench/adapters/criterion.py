"""`python -m bench.adapters.criterion`: forward and backward pass of TorchLoss, torch eager and torch.compile.

Time in turns in one process; the growth of the process's peak memory in processes of their own.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

import fastloss as fl
from fastloss.torch import TorchLoss

from .boosting import in_turns

BCE = fl.BinaryCrossentropy(from_logits=True), torch.nn.functional.binary_cross_entropy_with_logits
CCE = fl.CategoricalCrossentropy(from_logits=True), torch.nn.functional.cross_entropy
CASES: dict[str, tuple[Any, Any, tuple[int, ...], torch.dtype]] = {
    "BCE from logits, 2^20": (*BCE, (1 << 20,), torch.float32),
    "BCE from logits, 2^24": (*BCE, (1 << 24,), torch.float32),
    "cross-entropy, 64 x 10": (*CCE, (64, 10), torch.float32),
    "cross-entropy, 2^17 x 100": (*CCE, (1 << 17, 100), torch.float32),
    "cross-entropy, 512 x 32000": (*CCE, (512, 32000), torch.float32),
    "cross-entropy, 512 x 32000, bfloat16": (*CCE, (512, 32000), torch.bfloat16),
}
CONTENDERS = ("fastloss", "torch", "torch.compile")


def step(case: str, contender: str) -> Any:
    """What computes loss and gradient once."""
    loss, function, shape, dtype = CASES[case]
    torch.manual_seed(0)
    z = torch.randn(shape, dtype=dtype, requires_grad=True)
    y = torch.randint(0, shape[1], shape[:1]) if len(shape) > 1 else torch.randint(0, 2, shape).to(dtype)
    criterion = TorchLoss(loss) if contender == "fastloss" else function
    criterion = torch.compile(criterion) if contender == "torch.compile" else criterion

    def run() -> Any:
        z.grad = None
        criterion(z, y).backward()

    return run, z


def memory() -> int:
    """The peak of this process's memory in KiB."""
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])


def peak(case: str, contender: str) -> None:
    """How far the peak of memory lies above the arrays, in multiples of the input."""
    run, z = step(case, contender)
    small, _ = step("cross-entropy, 64 x 10", contender)
    small()  # what is compiled and loaded does not count
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = memory()
    run()
    grown = 1024 * (memory() - before)
    print(f"{grown / (z.numel() * z.element_size()):.2f}")


def main() -> None:
    print("| case | fastloss | torch | torch.compile | memory: fastloss | torch | torch.compile |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for case in CASES:
        times = in_turns({name: step(case, name)[0] for name in CONTENDERS}, 15)
        cells = [f"{1e3 * times['fastloss']:.3g} ms", *(f"{times[n] / times['fastloss']:.2f}x" for n in CONTENDERS[1:])]
        for name in CONTENDERS:
            code = f"from bench.adapters.criterion import peak; peak({case!r}, {name!r})"
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
            cells.append(done.stdout.strip() if CASES[case][2][0] > 64 else "")
        print(f"| {case} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
