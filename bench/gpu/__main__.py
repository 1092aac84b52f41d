"""`python -m bench.gpu [--quick] [-k TEXT] [--budget SECONDS]`: the losses on a GPU; saves JSON after every case.

Times on the device are shares of a device-to-device copy of as many bytes in the same run; times on the host are those
until a call returns. Every contender returns loss and gradient of the same tensors, and is checked against float64
before it is timed. Needs torch with CUDA; CuPy, Liger and quack take part where they are installed.

The same command goes on where it stopped, on the same day, card and sources. It ends with 0 if all is measured, 1 if
fastloss failed in any case, 3 if there are cases left when the budget is spent. `--device cpu` tries the command where
there is no card, and saves nothing.
"""

import argparse
import importlib
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from .cases import gpu_cases
from .page import write_gpu_page
from .record import Record, make_heading, record_path

FAILED, LEFT = 1, 3


def parser() -> argparse.ArgumentParser:
    """The options."""
    found = argparse.ArgumentParser(
        prog="python -m bench.gpu", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    found.add_argument("--quick", action="store_true", help="small arrays, few rounds")
    found.add_argument("-k", metavar="TEXT", default="", help="only cases whose loss, size and dtype contain this")
    found.add_argument("--budget", metavar="SECONDS", type=float, default=float("inf"),
                       help="begin no case that may not end within this time")  # fmt: skip
    found.add_argument("--without", metavar="NAME", action="append", default=[],
                       help='leave out a contender; "torch.compile" and "one graph" take most of the time')  # fmt: skip
    found.add_argument("--redraw", metavar="FILE", type=Path, help="measure nothing: write page and table")
    found.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, save, print; the exit code."""
    begin = time.monotonic()
    options = parser().parse_args(arguments)
    if options.redraw:
        print("wrote", write_gpu_page(options.redraw))
        return 0
    measuring = importlib.import_module(".measure", __package__)  # needs torch
    command = ["python", "-m", "bench.gpu", *(sys.argv[1:] if arguments is None else arguments)]
    heading = make_heading(measuring.describe_device(options.device), shlex.join(command))
    suffix = ("-quick" if options.quick else "") + ("-part" if options.k else "")
    path = record_path(heading["device"], heading["date"], suffix) if options.device == "cuda" else None
    record = Record(path, heading)
    wanted = [case for case in gpu_cases(options.quick) if options.k in str(case)]
    if not wanted:
        parser().error(f"nothing to measure: -k {options.k!r} selects no case")
    left, longest = record.left(wanted), 0.0
    while left:
        started = time.monotonic()
        if started - begin + longest > options.budget:
            break
        print(left[0], file=sys.stderr, flush=True)
        row = measuring.measure_gpu_case(left[0], options.device, 5 if options.quick else 30, set(options.without))
        record.add(left.pop(0), row)
        measuring.free_memory()
        longest = max(longest, time.monotonic() - started)
    terminal = importlib.import_module(".terminal", __package__)  # needs rich
    terminal.print_gpu_tables([*record.rows.values()], heading.get("device", "the CPU"))
    print(f"saved {path}" if path else "nothing is saved of a run on the CPU")
    if left:
        print(f"{len(left)} of {len(wanted)} cases are left: the same command goes on there")
    for failure in record.failures:
        print("failed:", failure)
    return FAILED if record.failures else LEFT if left else 0


if __name__ == "__main__":
    sys.exit(main())
