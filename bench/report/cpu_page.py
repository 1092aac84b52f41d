"""The page of a run on the CPU, docs/performance/cpu.md, and README's table: both are made from its document."""

from pathlib import Path
from typing import Any

from ..cases.targets import UNITS
from . import plots
from .markdown import NAMES, Line, contender_table, replace_between, size_cell, table
from .paths import PAGES, README
from .rows import by_case, digits, faster_peers, multiple, peers_of
from .verdicts import compare_targets

CPU_MARK = "<!-- made by `python -m bench --readme` -->"
"""What README's table follows."""
README_CASES = (
    ("mse", "2^24", "float32"), ("bce_logits", "2^10", "float32"), ("bce_logits", "2^24", "float32"),
    ("bce_logits", "2^23", "float64"), ("poisson_logits", "2^24", "float32"),
    ("softmax_crossentropy", "2^20x10", "float32"), ("softmax_crossentropy", "16384x1000", "float32"),
    ("softmax_axis_1", "16x21x256x256", "float32"),
)  # fmt: skip
"""The rows of README's table."""
VERDICTS = {"aim": "aim", "reached": "reached", "missed": "**missed**", "not measured": "not measured"}

CPU_READING = """\
A number is the time of loss and gradient as a multiple of a plain parallel pass that reads and writes the same bytes
with one subtraction for each element: 1 is as fast as such a loop can be, and fastloss may be below it where it writes
past the caches, or by the noise of a shared machine. All contenders of a row took turns in one run, and the median of
their rounds is shown; fastloss, naive Numba and scikit-learn write the gradient to a buffer they are given, the others
return a new array, as they do. A peer that was faster than fastloss is in **bold**, and its row ends with ◀; "-" is
where a peer has no such loss or failed."""
REMARKS = """\
In the second figure torch.compile compiled once for all sizes, elsewhere for each. In 16 bits fastloss computes the
sum, since a mean over so many elements leaves float16's gradient no digits. Small calls of the targets return new
arrays on both sides. Cold is with no compiled kernel on disk, warm with all of them, in a process of its own each."""

FIGURES = """\
![Share of the plain pass's speed, by loss and size](roofline.svg#only-light)
![Share of the plain pass's speed, by loss and size](roofline-dark.svg#only-dark)

![Time per call over the number of elements](latency.svg#only-light)
![Time per call over the number of elements](latency-dark.svg#only-dark)"""


def write_cpu_page(document: dict[str, Any], folder: Path = PAGES) -> Path:
    """Write the page and its figures."""
    folder.mkdir(parents=True, exist_ok=True)
    plots.write_figures(document, folder)
    path = folder / "cpu.md"
    path.write_text(cpu_page(document))
    return path


def cpu_page(document: dict[str, Any]) -> str:
    """The page in Markdown."""
    system, *_, machine = document["platform"].split()
    hardware = ", ".join(f"{name} {value}" for name, value in document["hardware"].items() if name != "cpu")
    versions = ", ".join(f"{name} {value}" for name, value in document["versions"].items())
    parts = [
        "# Performance on the CPU",
        f"Made by `{document['command']}` on {document['date'][:10]}; do not edit.",
        f"* Hardware: {document['hardware']['cpu']}; {hardware}; {system} {machine}\n* Versions: {versions}",
        "## How to read it",
        CPU_READING,
        FIGURES,
        REMARKS,
        "## Targets",
        *_targets(document),
        "## Everybody",
        _comparison(document),
    ]
    if document["notes"]:
        parts += ["## Not measured", "\n".join(f"* {note}" for note in document["notes"])]
    return "\n\n".join(parts) + "\n"


def _targets(document: dict[str, Any]) -> list[str]:
    """How many targets are reached, then a table for each unit."""
    rows = compare_targets(document)
    counts = [f"{sum(row.verdict == name for row in rows)} {name}" for name in VERDICTS]
    parts = [f"Of {len(rows)}: " + ", ".join(counts) + ". A limit is to be reached; the aim lies beyond it."]
    for unit, about in UNITS.items():
        lines = []
        for row in rows:
            if row.target.unit == unit:
                number, remark = (digits(row.value.number), row.value.remark) if row.value else ("-", "")
                limits = digits(row.target.limit), digits(row.target.aim)
                lines.append([f"`{row.target.case}`", *limits, number, VERDICTS[row.verdict], remark])
        better = "more" if about.more_is_better else "less"
        title = f"{about.title[0].upper()}{about.title[1:]} ({better} is better)"
        parts += [f"### {title}", table(["case", "limit", "aim", "measured", "", ""], lines, "lrrrll")]
    return parts


def _comparison(document: dict[str, Any]) -> str:
    """One row per case, those marked in which a peer is ahead."""
    names = ["fastloss", *peers_of(document["results"])]
    lines = []
    for (loss, size, kind), rows in by_case(document["results"]).items():
        cells = {name: multiple(row) for name, row in rows.items()}
        lines.append(Line([f"`{loss}`", size_cell(size), kind], cells, faster_peers(rows)))
    return contender_table(["loss", "size", "dtype"], names, lines, flag=True)


def write_cpu_readme(document: dict[str, Any], path: Path = README) -> None:
    """Put some rows of the comparison between the marks in README.md."""
    replace_between(path, CPU_MARK, _readme_table(document))


def _readme_table(document: dict[str, Any]) -> str:
    """Milliseconds of fastloss, and how many times as long its peers take."""
    names = [name for name in peers_of(document["results"]) if name != "naive numba"]
    found, lines = by_case(document["results"]), []
    for loss, size, kind in README_CASES:
        rows = found.get((loss, size, kind), {})
        if "fastloss" not in rows:
            continue
        own = rows["fastloss"]["median"]
        shown = f"{1e3 * own:.3g} ms" if own >= 1e-4 else f"{1e6 * own:.3g} µs"
        special = "" if kind == "float32" else f" ({kind})"
        times = {name: f"{digits(row['median'] / own)}\N{MULTIPLICATION SIGN}" for name, row in rows.items()}
        lines.append([f"`{loss}`{special}", size_cell(size), shown, *(times.get(name, "") for name in names)])
    heading = ["loss", "size", "fastloss", *(NAMES.get(name, name) for name in names)]
    return table(heading, lines, "ll" + "r" * (len(heading) - 2))
