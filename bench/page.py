"""The page of a run, docs/performance/cpu.md, and the table in README.md: both are made from the run's document."""

from pathlib import Path
from typing import Any

from . import plots
from .cases import ELEMENTWISE
from .record import OfCase, by_case, digits, faster, peers_of, times
from .targets import UNITS, compare

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "performance"
README = ROOT / "README.md"
BEGIN, END = "<!-- made by `python -m bench --readme` -->", "<!-- end of what it made -->"
MARKS = {"aim": "aim", "reached": "reached", "missed": "**missed**", "not measured": "not measured"}
NAMES = {"numpy": "NumPy", "naive numba": "naive Numba", "sklearn": "scikit-learn", "jax": "JAX"}

READING = """\
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


def write(document: dict[str, Any], folder: Path = FOLDER) -> Path:
    """Write the page and its figures."""
    folder.mkdir(parents=True, exist_ok=True)
    plots.draw(document, folder)
    path = folder / "cpu.md"
    path.write_text(page(document))
    return path


def page(document: dict[str, Any]) -> str:
    """The page in Markdown."""
    system, *_, machine = document["platform"].split()
    hardware = ", ".join(f"{name} {value}" for name, value in document["hardware"].items() if name != "cpu")
    versions = ", ".join(f"{name} {value}" for name, value in document["versions"].items())
    parts = [
        "# Performance on the CPU",
        f"Made by `{document['command']}` on {document['date'][:10]}; do not edit.",
        f"* Hardware: {document['hardware']['cpu']}; {hardware}; {system} {machine}\n* Versions: {versions}",
        "## How to read it",
        READING,
        FIGURES,
        REMARKS,
        "## Targets",
        *_targets(document),
        "## Everybody",
        comparison(document),
    ]
    if document["notes"]:
        parts += ["## Not measured", "\n".join(f"* {note}" for note in document["notes"])]
    return "\n\n".join(parts) + "\n"


def _targets(document: dict[str, Any]) -> list[str]:
    rows = compare(document)
    counts = [f"{sum(row.verdict == name for row in rows)} {name}" for name in MARKS]
    parts = [f"Of {len(rows)}: " + ", ".join(counts) + ". A limit is to be reached; the aim lies beyond it."]
    for unit, about in UNITS.items():
        lines = [
            [f"`{row.target.case}`", digits(row.target.reach), digits(row.target.aim),
             digits(row.value.number) if row.value else "-", MARKS[row.verdict], row.value.remark if row.value else ""]
            for row in rows if row.target.unit == unit
        ]  # fmt: skip
        title = about.title[0].upper() + about.title[1:] + (" (more is better)" if about.more else " (less is better)")
        parts += [f"### {title}", markdown(["case", "limit", "aim", "measured", "", ""], lines, "lrrrll")]
    return parts


def comparison(document: dict[str, Any]) -> str:
    """One row per case, those marked in which a peer is ahead."""
    peers, lines = peers_of(document["results"]), []
    for (loss, size, kind), of_case in by_case(document["results"]).items():
        ahead = faster(of_case)
        cells = [f"**{times(of_case[name])}**" if name in ahead else times(of_case.get(name)) for name in peers]
        lines.append([f"`{loss}`", _shape(size), kind, times(of_case.get("fastloss")), *cells, "◀" * bool(ahead)])
    names = [NAMES.get(name, name) for name in peers]
    return markdown(["loss", "size", "dtype", "fastloss", *names, ""], lines, "lll" + "r" * (1 + len(peers)) + "l")


def readme(document: dict[str, Any], path: Path = README) -> None:
    """Put some rows of the comparison between the marks in README.md."""
    replace_between(path, BEGIN, _some(document))


def replace_between(path: Path, begin: str, text: str) -> None:
    """Put a text between a mark of a file and the next mark of an end."""
    before, _, rest = path.read_text().partition(begin)
    _, _, after = rest.partition(END)
    if not after:
        raise ValueError(f"{path.name} lacks the marks {begin} and {END}")
    path.write_text(f"{before}{begin}\n{text}\n{END}{after}")


def _some(document: dict[str, Any]) -> str:
    """Large arrays of every loss, some in float64, and what a small one costs; the fastest of a row in bold."""
    names, lines = ["fastloss", *peers_of(document["results"])], []
    for (loss, size, kind), of_case in by_case(document["results"]).items():
        if _chosen(loss, size, kind):
            best = min((of_case[name]["median"] for name in names if name in of_case), default=None)
            cells = [_bold(of_case, name, best) for name in names]
            special = "" if kind == "float32" else " (uint8 labels)" if "uint8" in kind else f" ({kind})"
            lines.append([f"`{loss}`{special}", _shape(size), *cells])
    shown = [NAMES.get(name, name) for name in names]
    return markdown(["loss", "size", *shown], lines, "ll" + "r" * len(shown))


def _chosen(loss: str, size: str, kind: str) -> bool:
    if loss == "softmax_focal":
        return size == "16384x1000"
    if loss in ("mse", "bce_logits") and (size == "2^10" or kind == "bfloat16"):
        return True
    if kind in ("float64", "float32, uint8"):
        return loss in ("mse", "bce_logits") or (kind == "float64" and loss in ("msle", "squared_hinge"))
    return kind == "float32" and (size == "2^24" or loss not in ELEMENTWISE)


def _bold(of_case: OfCase, name: str, best: float | None) -> str:
    text = times(of_case.get(name))
    return f"**{text}**" if name in of_case and of_case[name]["median"] == best else text.replace("-", "\N{EN DASH}")


def _shape(size: str) -> str:
    return size.replace("x", "\N{MULTIPLICATION SIGN}")


def markdown(heading: list[str], lines: list[list[str]], align: str) -> str:
    """A table; align has a letter for each column, l or r."""
    rule = ["---:" if side == "r" else "---" for side in align]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (heading, rule, *lines))
