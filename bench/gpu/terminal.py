"""The tables of a run on a GPU, on the terminal."""

from typing import Any

from rich.table import Table

from ..report.terminal import make_console, make_table


def gpu_table(rows: list[dict[str, Any]], where: str, unit: str, title: str) -> Table | None:
    """Shares of the copy's rate for the device, microseconds for the host; None where nothing was measured."""
    rows = [row for row in rows if row["where"] == where]
    if not rows:
        return None
    peers = list(dict.fromkeys(name for row in rows for name in row[unit] if name != "copy"))
    rates = ("copy GB/s", "fastloss GB/s") if where == "device" else ()
    out = make_table(title)
    for column in ("loss", "size", "dtype", *rates, *peers):
        out.add_column(column, justify="left" if column in ("loss", "size", "dtype") else "right", no_wrap=True)
    for row in rows:
        times = row[unit]
        cells = [
            f"{row['bytes'] / times[k] / 1e6:.0f}" if k in times else "-" for k in ("copy", "fastloss")[: len(rates)]
        ]
        for peer in peers:
            shown = times.get("copy", 1.0) / times[peer] if where == "device" and peer in times else times.get(peer)
            cells.append("-" if shown is None else f"{shown:.2f}" if where == "device" else f"{shown:.1f}")
        own = min((times[k] for k in times if k.startswith("fastloss")), default=None)
        others = [times[k] for k in times if k != "copy" and not k.startswith("fastloss")]
        behind = own is None or any(other < own for other in others)
        size = "x".join(map(str, row["shape"]))
        out.add_row(row["loss"], size, row["dtype"], *cells, style="red" if behind else None)
    return out


def print_gpu_tables(rows: list[dict[str, Any]], where: str) -> None:
    """Print the tables, and below them who took no part and why."""
    console = make_console(160)
    red = "red: fastloss is behind or failed"
    for kind, unit, title in (
        ("device", "milliseconds", f"Share of the rate of a copy on {where} (medians; more is faster; {red})"),
        ("host", "microseconds", f"Microseconds of the host per call, {where} (medians; less is faster; {red})"),
    ):
        found = gpu_table(rows, kind, unit, title)
        if found is not None:
            console.print(found)
    for name, why in sorted({item for row in rows for item in row["missing"].items()}):
        console.print(f"not measured: {name}: {why}", markup=False, highlight=False)
