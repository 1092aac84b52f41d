"""The page of a run on a GPU and the table in docs/gpu.md: `python -m bench.gpu --redraw FILE`."""

import json
from pathlib import Path
from typing import Any

from ..cases.case import size_of
from ..report.markdown import Line, contender_table, replace_between, size_cell
from ..report.paths import GPU_GUIDE, PAGES

GPU_MARK = "<!-- made by `python -m bench.gpu --redraw` -->"
GPU_READING = """\
A number is the rate at which a call moves the bytes that it must (labels and predictions once, the gradient once), as a
share of the rate of a device-to-device copy of as many bytes in the same run: 1 is as fast as a copy. All contenders
return loss and gradient of the same tensors, were checked against float64 before they were timed, and took turns; the
median is shown. CuPy kernels are an ElementwiseKernel or three for the gradient, and a sum. A peer that was faster than
fastloss is in **bold**, and its row ends with ◀; "-" is where a peer has no such loss or was wrong."""
CHOSEN = [((1 << 26,), "float32"), ((1 << 26,), "bfloat16"), ((1 << 17, 1000), "float32"), ((1 << 22, 10), "float32"),
          ((1 << 14, 8192), "float32"), ((1 << 11, 128256), "bfloat16")]  # fmt: skip
SHOWN = ("mse", "bce_logits", "softmax_crossentropy")
"""The rows of the guide's table."""


def write_gpu_page(path: Path, folder: Path = PAGES, guide: Path = GPU_GUIDE) -> Path:
    """Write the page, and the guide's table, from a saved run."""
    document: dict[str, Any] = json.loads(path.read_text())
    target = folder / "gpu.md"
    target.write_text(gpu_page(document))
    replace_between(guide, GPU_MARK, guide_table(document))
    return target


def gpu_page(document: dict[str, Any]) -> str:
    """The page in Markdown."""
    rows = document["results"]
    versions = ", ".join(f"{name} {value}" for name, value in document["versions"].items())
    parts = [
        "# Performance on a GPU",
        f"Made from a run of `{document['command']}` on {document['date']}; do not edit.",
        f"* Card: {document['device']}, driver {document['driver']}\n* Versions: {versions}",
        "## How to read it",
        GPU_READING,
        "## Loss and gradient",
        device_table([row for row in rows if row["where"] == "device"]),
        "## The host's time of a call, in microseconds",
        "On arrays of about a thousand elements, until the call returns; nothing waits for the device.",
        host_table([row for row in rows if row["where"] == "host"]),
    ]
    return "\n\n".join(parts) + "\n"


def device_table(rows: list[dict[str, Any]], rates: bool = True) -> str:
    """Shares of the copy's rate, those in bold in which a peer is ahead."""
    names = list(dict.fromkeys(name for row in rows for name in row["milliseconds"] if name != "copy"))
    lines = []
    for row in rows:
        times = row["milliseconds"]
        ahead = [name for name in names if name in times and times[name] < times.get("fastloss", float("inf"))]
        rate = [f"{row['bytes'] / times[name] / 1e6:.0f}" if name in times else "-" for name in ("copy", "fastloss")]
        shares = {name: f"{times['copy'] / milliseconds:.2f}" for name, milliseconds in times.items()}
        lines.append(Line([*_case(row), row["dtype"], *(rate if rates else ())], shares, ahead))
    first = ["loss", "size", "dtype", *(("copy, GB/s", "fastloss, GB/s") if rates else ())]
    return contender_table(first, names, lines, flag=True)


def host_table(rows: list[dict[str, Any]]) -> str:
    """Microseconds until a call returns."""
    names = dict.fromkeys(name for row in rows for name in row["microseconds"])
    lines = [Line(_case(row), {name: f"{time:.0f}" for name, time in row["microseconds"].items()}) for row in rows]
    return contender_table(["loss", "size"], names, lines, flag=False)


def guide_table(document: dict[str, Any]) -> str:
    """A few rows, for docs/gpu.md."""
    rows = [row for shape, dtype in CHOSEN for row in document["results"]
            if row["where"] == "device" and tuple(row["shape"]) == shape and row["dtype"] == dtype
            and row["loss"] in SHOWN]  # fmt: skip
    return device_table(rows, rates=False)


def _case(row: dict[str, Any]) -> list[str]:
    """The cells of loss and size."""
    return [f"`{row['loss']}`", size_cell(size_of(row["shape"]))]
