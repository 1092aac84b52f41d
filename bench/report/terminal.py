"""The tables of a run on the CPU, on the terminal."""

from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from ..cases.targets import UNITS
from .rows import CaseRows, by_case, digits, faster_peers, multiple, peers_of
from .verdicts import Comparison, compare_targets

STYLES = {"missed": "red", "not measured": "dim"}


def comparison_table(document: dict[str, Any]) -> Table:
    """One row per case: each contender as a multiple of the plain pass of the same bytes."""
    hardware, peers = document["hardware"], peers_of(document["results"])
    result = make_table(
        "Loss and gradient, as multiples of a plain pass over the same bytes (medians; less is faster)",
        f"{hardware['cpu']}, {hardware['threads used']} threads ({hardware['numba threading layer']}), "
        f"load at start {hardware['load at start']}; -: not measured; red: fastloss is behind another",
    )
    for name in ("loss", "size", "dtype"):
        result.add_column(name, no_wrap=True)
    for name in ("plain ms", "fastloss ms", "GB/s", "of plain", "fastloss", *peers):
        result.add_column(name, justify="right")
    result.add_column("behind")
    previous = ""
    for (loss, size, kind), rows in by_case(document["results"]).items():
        if previous not in ("", loss):
            result.add_section()
        ahead = faster_peers(rows)
        cells = [loss if loss != previous else "", size, kind, *_own(rows)]
        cells += [f"[bold]{multiple(rows[name])}[/]" if name in ahead else multiple(rows.get(name)) for name in peers]
        result.add_row(*cells, ", ".join(ahead), style="red" if ahead else None)
        previous = loss
    return result


def targets_table(comparisons: list[Comparison]) -> Table:
    """The targets and what was measured."""
    missed = sum(row.verdict == "missed" for row in comparisons)
    result = make_table("Targets", f"red: missed ({missed} of {len(comparisons)})")
    for name in ("case", "limit", "aim", "measured", "", ""):
        result.add_column(name, justify="left" if name in ("case", "") else "right", no_wrap=name == "case")
    previous = ""
    for row in comparisons:
        target = row.target
        if target.unit != previous:
            result.add_section()
            result.add_row(f"[italic]{UNITS[target.unit].title}[/]")
            previous = target.unit
        value = digits(row.value.number) if row.value else "-"
        remark = row.value.remark if row.value else ""
        cells = [f"  {target.case}", digits(target.limit), digits(target.aim), value, row.verdict, remark]
        result.add_row(*cells, style=STYLES.get(row.verdict))
    return result


def make_table(title: str, caption: str | None = None) -> Table:
    """A table without columns yet."""
    return Table(
        title=title, caption=caption, caption_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False
    )


def make_console(width: int) -> Console:
    """The terminal; width is that of a file or a pipe, which has none of its own."""
    console = Console()
    return console if console.is_terminal else Console(width=width)


def _own(rows: CaseRows) -> list[str]:
    """The cells of the plain pass and of fastloss."""
    plain = next(iter(rows.values()))["plain median"]
    own = rows.get("fastloss")
    if own is None:
        return [_ms(plain), "-", "-", "-", "-"]
    rate = own["bytes"] / own["median"] / 1e9
    return [_ms(plain), _ms(own["median"]), f"{rate:.1f}", f"{100 / own['times plain']:.0f} %", multiple(own)]


def _ms(seconds: float) -> str:
    """Milliseconds as they are printed."""
    return f"{seconds * 1e3:.4g}"


def print_tables(document: dict[str, Any]) -> None:
    """Print the tables, and below them what was not measured and why; of a part of a run, its own targets alone."""
    console = make_console(170)
    console.print(comparison_table(document))
    comparisons = compare_targets(document)
    if any(row.value for row in comparisons):
        whole = "start" in document
        console.print(targets_table(comparisons if whole else [row for row in comparisons if row.value]))
    for note in document["notes"]:
        console.print(f"not measured: {note}", markup=False, highlight=False)
