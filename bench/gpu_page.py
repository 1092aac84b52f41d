"""The page of a run on a GPU and the table in README.md: `python -m bench.gpu --redraw FILE`."""

import json
from pathlib import Path
from typing import Any

from .page import FOLDER, README, markdown, replace_between

BEGIN = "<!-- made by `python -m bench.gpu --redraw` -->"
NAMES = {"cupy": "CuPy", "cupy kernel": "CuPy kernels", "liger": "Liger"}
READING = """\
A number is the rate at which a call moves the bytes that it must (labels and predictions once, the gradient once), as a
share of the rate of a device-to-device copy of as many bytes in the same run: 1 is as fast as a copy. All contenders
return loss and gradient of the same tensors, were checked against float64 before they were timed, and took turns; the
median is shown. CuPy kernels are an ElementwiseKernel or three for the gradient, and a sum. A peer that was faster than
fastloss is in **bold**, and its row ends with ◀; "-" is where a peer has no such loss or was wrong."""
CHOSEN = [((1 << 26,), "float32"), ((1 << 26,), "bfloat16"), ((1 << 17, 1000), "float32"), ((1 << 22, 10), "float32"),
          ((1 << 14, 8192), "float32"), ((1 << 11, 128256), "bfloat16")]  # fmt: skip
SHOWN = ("mse", "bce_logits", "softmax_crossentropy")
"""The rows of README's table."""


def write(path: Path, folder: Path = FOLDER, readme: Path = README) -> Path:
    """Write the page, and README's table, from a saved run."""
    document: dict[str, Any] = json.loads(path.read_text())
    target = folder / "gpu.md"
    target.write_text(page(document))
    replace_between(readme, BEGIN, some(document))
    return target


def page(document: dict[str, Any]) -> str:
    """The page in Markdown."""
    rows = document["results"]
    versions = ", ".join(f"{name} {value}" for name, value in document["versions"].items())
    parts = [
        "# Performance on a GPU",
        f"Made from a run of `{document['command']}` on {document['date']}; do not edit.",
        f"* Card: {document['device']}, driver {document['driver']}\n* Versions: {versions}",
        "## How to read it",
        READING,
        "## Loss and gradient",
        device([row for row in rows if row["where"] == "device"]),
        "## The host's time of a call, in microseconds",
        "On arrays of about a thousand elements, until the call returns; nothing waits for the device.",
        host([row for row in rows if row["where"] == "host"]),
    ]
    return "\n\n".join(parts) + "\n"


def device(rows: list[dict[str, Any]], rates: bool = True) -> str:
    """Shares of the copy's rate, those in bold in which a peer is ahead."""
    names = list(dict.fromkeys(name for row in rows for name in row["milliseconds"] if name != "copy"))
    lines = []
    for row in rows:
        times = row["milliseconds"]
        ahead = [name for name in names if name in times and times[name] < times.get("fastloss", float("inf"))]
        rate = [f"{row['bytes'] / times[name] / 1e6:.0f}" if name in times else "-" for name in ("copy", "fastloss")]
        cells = [_bold(f"{times['copy'] / times[name]:.2f}", name in ahead) if name in times else "-" for name in names]
        lines.append([f"`{row['loss']}`", _shape(row["shape"]), row["dtype"], *(rate if rates else ()), *cells,
                      "◀" * bool(ahead)])  # fmt: skip
    heading = ["loss", "size", "dtype", *(("copy, GB/s", "fastloss, GB/s") if rates else ()), *map(_name, names), ""]
    return markdown(heading, lines, "lll" + "r" * (len(heading) - 4) + "l")


def host(rows: list[dict[str, Any]]) -> str:
    """Microseconds until a call returns."""
    names = list(dict.fromkeys(name for row in rows for name in row["microseconds"]))
    lines = [[f"`{row['loss']}`", _shape(row["shape"]),
              *(f"{row['microseconds'][name]:.0f}" if name in row["microseconds"] else "-" for name in names)]
             for row in rows]  # fmt: skip
    return markdown(["loss", "size", *map(_name, names)], lines, "ll" + "r" * len(names))


def some(document: dict[str, Any]) -> str:
    """A few rows, for README."""
    rows = [row for shape, dtype in CHOSEN for row in document["results"]
            if row["where"] == "device" and tuple(row["shape"]) == shape and row["dtype"] == dtype
            and row["loss"] in SHOWN]  # fmt: skip
    return device(rows, rates=False)


def _bold(text: str, ahead: bool) -> str:
    return f"**{text}**" if ahead else text


def _name(name: str) -> str:
    return NAMES.get(name, name)


def _shape(shape: list[int]) -> str:
    powers = [n.bit_count() == 1 and (len(shape) == 1 or n > 1 << 16) for n in shape]
    return "\N{MULTIPLICATION SIGN}".join(
        f"2^{n.bit_length() - 1}" if power else str(n) for n, power in zip(shape, powers, strict=True)
    )
