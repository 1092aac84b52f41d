"""The page of a run on the CPU, docs/performance/cpu.md, and README's table: both are made from its document."""

from pathlib import Path
from typing import Any

from ..cases.targets import UNITS
from . import plots
from .markdown import NAMES, Line, contender_table, replace_between, size_cell, table
from .paths import PAGES, README
from .rows import by_case, digits, faster_peers, peers_of, times
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
Each row is one call for loss and gradient. Time and GB/s are those of fastloss: GB/s counts the bytes of labels,
predictions and gradient, each read or written once. The other columns are how many times as long the others take for
the same: 5× is five times as long. The *plain pass* is a loop in Numba that reads and writes the same bytes with one
subtraction for each element, on as many threads: what memory allows. Libraries that are faster than fastloss are in
**bold**; "-" is where one has no such loss or failed.

All contenders of a row took turns in one run; the medians are shown. fastloss, naive Numba and scikit-learn write the
gradient into an array that they are given, the others return a new one. The machine is shared, so compare numbers of a
row, not of two rows."""
WIDE = "---\nhide:\n  - toc\n---\n\n"
"""The table takes the place of the table of contents."""
REMARKS = """\
In the second figure torch.compile compiled once for all sizes, in the table for each. In 16 bits fastloss computes the
sum, since a mean over so many elements leaves float16's gradient no digits."""

FIGURES = """\
![Share of the plain pass's speed, by loss and size](roofline.svg#only-light)
![Share of the plain pass's speed, by loss and size](roofline-dark.svg#only-dark)

![Time per call over the number of elements](latency.svg#only-light)
![Time per call over the number of elements](latency-dark.svg#only-dark)"""
TARGETS_READING = """\
What we aim at, and where we are: a limit is to be reached, the aim lies beyond it. Multiples are of the plain pass of
the same run, see the [measurements](cpu.md). Small calls return new arrays on both sides. Cold is with no compiled
kernel on disk, warm with all of them, each in a process of its own."""


def write_cpu_page(document: dict[str, Any], folder: Path = PAGES) -> Path:
    """Write the page, its figures, and the page of the targets."""
    folder.mkdir(parents=True, exist_ok=True)
    plots.write_figures(document, folder)
    (folder / "targets.md").write_text(targets_page(document))
    path = folder / "cpu.md"
    path.write_text(cpu_page(document))
    return path


def _made(document: dict[str, Any]) -> str:
    return f"Made by `{document['command']}` on {document['date'][:10]}; do not edit."


def cpu_page(document: dict[str, Any]) -> str:
    """The page for users in Markdown."""
    system, *_, machine = document["platform"].split()
    hardware = ", ".join(f"{name} {value}" for name, value in document["hardware"].items() if name != "cpu")
    versions = ", ".join(f"{name} {value}" for name, value in document["versions"].items())
    parts = [
        WIDE + "# Measurements on the CPU",
        _made(document),
        f"* Hardware: {document['hardware']['cpu']}; {hardware}; {system} {machine}\n* Versions: {versions}",
        CPU_READING,
        _comparison(document),
        "## Figures",
        FIGURES,
        REMARKS,
    ]
    if "start" in document:
        parts += ["## The first call", _start(document["start"])]
    if document["notes"]:
        parts += ["## Not measured", "\n".join(f"* {note}" for note in document["notes"])]
    return "\n\n".join(parts) + "\n"


def targets_page(document: dict[str, Any]) -> str:
    """The page for developers in Markdown."""
    return "\n\n".join(["# Targets", _made(document), TARGETS_READING, *_targets(document)]) + "\n"


def _start(seconds: dict[str, float]) -> str:
    """How long a process waits for what it uses first."""
    lines = [[name, f"{1e3 * value:.0f}"] for name, value in seconds.items()]
    said = "Cold is with no compiled kernel on disk, warm with all of them, each in a process of its own."
    return f"{said}\n\n{table(['what', 'ms'], lines, 'lr')}"


def _targets(document: dict[str, Any]) -> list[str]:
    """How many targets are reached, then a table for each unit."""
    rows = compare_targets(document)
    counts = [f"{sum(row.verdict == name for row in rows)} {name}" for name in VERDICTS]
    parts = [f"Of {len(rows)}: " + ", ".join(counts) + "."]
    for unit, about in UNITS.items():
        lines = []
        for row in rows:
            if row.target.unit == unit:
                number, remark = (digits(row.value.number), row.value.remark) if row.value else ("-", "")
                limits = digits(row.target.limit), digits(row.target.aim)
                lines.append([f"`{row.target.case}`", *limits, number, VERDICTS[row.verdict], remark])
        better = "more" if about.more_is_better else "less"
        title = f"{about.title[0].upper()}{about.title[1:]} ({better} is better)"
        parts += [f"## {title}", table(["case", "limit", "aim", "measured", "", ""], lines, "lrrrll")]
    return parts


def _comparison(document: dict[str, Any]) -> str:
    """One row per case: fastloss in seconds and GB/s, the others in times as long."""
    names = ["plain", *peers_of(document["results"])]
    lines = []
    for (loss, size, kind), rows in by_case(document["results"]).items():
        if "fastloss" in rows:
            own = rows["fastloss"]["median"]
            rate = digits(rows["fastloss"]["bytes"] / own / 1e9)
            cells = {name: times(row["median"] / own) for name, row in rows.items()}
            lines.append(Line([f"`{loss}`", size_cell(size), kind, _time(own), rate], cells, faster_peers(rows)))
    return contender_table(["loss", "size", "dtype", "time", "GB/s"], names, lines, flag=False)


def _time(seconds: float) -> str:
    number, unit = (1e3 * seconds, "ms") if seconds >= 1e-4 else (1e6 * seconds, "µs")
    return f"{number:.3g}\N{NO-BREAK SPACE}{unit}"


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
        special = "" if kind == "float32" else f" ({kind})"
        cells = {name: times(row["median"] / own) for name, row in rows.items()}
        lines.append([f"`{loss}`{special}", size_cell(size), _time(own), *(cells.get(name, "") for name in names)])
    heading = ["loss", "size", "fastloss", *(NAMES.get(name, name) for name in names)]
    return table(heading, lines, "ll" + "r" * (len(heading) - 2))
