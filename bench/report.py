"""The table, and the file that is kept of a run."""

import json
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from .peers import CONTENDERS

RESULTS = Path(__file__).parent / "results"
PEERS = CONTENDERS[2:]
_STATS = ("median", "min", "max", "mean", "stddev", "iqr", "rounds")


def rows(recorded: dict[str, Any]) -> list[dict[str, Any]]:
    """pytest-benchmark's JSON, one row per case and contender."""
    return [
        bench["extra_info"] | {key: bench["stats"][key] for key in _STATS} for bench in recorded.get("benchmarks", [])
    ]


def save(recorded: dict[str, Any], command: str, notes: list[str], suffix: str) -> Path:
    """Write bench/results/cpu-<date><suffix>.json: a later run of the same day and kind replaces it."""
    about = recorded["machine_info"]
    document = {
        "date": recorded["datetime"],
        "command": command,
        "versions": about["versions"],
        "hardware": about["hardware"],
        "platform": f"{about['system']} {about['release']} {about['machine']}",
        "notes": notes,
        "results": rows(recorded),
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"cpu-{recorded['datetime'][:10]}{suffix}.json"
    path.write_text(json.dumps(document, indent=1) + "\n")
    return path


def table(measured: list[dict[str, Any]], hardware: dict[str, Any]) -> Table:
    """One row per case: each contender as a multiple of the plain pass of the same bytes."""
    grouped: dict[tuple[str, str, str, str], dict[str, dict[str, Any]]] = {}
    for row in measured:
        key = (row["loss"], row["size"], row["dtype"], row["label"])
        grouped.setdefault(key, {})[row["contender"]] = row
    peers = [name for name in PEERS if any(name in of_case for of_case in grouped.values())]
    result = Table(
        title="Loss and gradient, as multiples of a plain pass over the same bytes (medians; less is faster)",
        caption=f"{hardware['cpu']}, {hardware['threads used']} threads ({hardware['numba threading layer']}), "
        f"load at start {hardware['load at start']}; -: not measured; red: fastloss is behind another",
        caption_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for name in ("loss", "size", "dtype"):
        result.add_column(name, no_wrap=True)
    for name in ("plain ms", "fastloss ms", "GB/s", "of plain", "fastloss", *peers):
        result.add_column(name, justify="right")
    result.add_column("behind")
    previous = ""
    for (loss, size, dtype, label), of_case in grouped.items():
        if previous not in ("", loss):
            result.add_section()
        kind = dtype if label in (dtype, "int64") else f"{dtype}, {label}"
        faster = _faster(of_case)
        cells = [loss if loss != previous else "", size, kind, *_own(of_case)]
        cells += [_cell(of_case.get(name), name in faster) for name in peers]
        result.add_row(*cells, ", ".join(faster), style="red" if faster else None)
        previous = loss
    return result


def _faster(of_case: dict[str, dict[str, Any]]) -> list[str]:
    """The peers that are faster than fastloss, the fastest first."""
    if "fastloss" not in of_case:
        return []
    own = of_case["fastloss"]["median"]
    found = [name for name in PEERS if name in of_case and of_case[name]["median"] < own]
    return sorted(found, key=lambda name: float(of_case[name]["median"]))


def _own(of_case: dict[str, dict[str, Any]]) -> list[str]:
    """The cells of the plain pass and of fastloss."""
    plain = next(iter(of_case.values()))["plain median"]
    own = of_case.get("fastloss")
    if own is None:
        return [_ms(plain), "-", "-", "-", "-"]
    rate = own["bytes"] / own["median"] / 1e9
    return [_ms(plain), _ms(own["median"]), f"{rate:.1f}", f"{100 / own['times plain']:.0f} %", _times(own)]


def _cell(row: dict[str, Any] | None, faster: bool) -> str:
    if row is None:
        return "-"
    return f"[bold]{_times(row)}[/]" if faster else _times(row)


def _times(row: dict[str, Any]) -> str:
    return f"{row['times plain']:.{2 if row['times plain'] < 10 else 1}f}"


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.4g}"


def show(recorded: dict[str, Any], notes: list[str]) -> None:
    """Print the table, and below it what was not measured and why."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=160)  # a file or a pipe has no width of its own
    console.print(table(rows(recorded), recorded["machine_info"]["hardware"]))
    for note in notes:
        console.print(f"not measured: {note}", markup=False, highlight=False)
