"""The rows of a document, by case and contender, and its numbers as they are printed."""

from typing import Any

from ..peers.registry import PEERS

CaseRows = dict[str, dict[str, Any]]
"""The rows of one case, by contender."""


def by_case(results: list[dict[str, Any]]) -> dict[tuple[str, str, str], CaseRows]:
    """Rows by loss, size, and dtype as it is printed, in the order of the run."""
    grouped: dict[tuple[str, str, str], CaseRows] = {}
    for row in results:
        kind = row["dtype"] if row["label"] in (row["dtype"], "int64") else f"{row['dtype']}, {row['label']}"
        grouped.setdefault((row["loss"], row["size"], kind), {})[row["contender"]] = row
    return grouped


def peers_of(results: list[dict[str, Any]]) -> list[str]:
    """The peers that took part at all."""
    present = {row["contender"] for row in results}
    return [name for name in PEERS if name in present]


def faster_peers(rows: CaseRows) -> list[str]:
    """The peers that are faster than fastloss, the fastest first."""
    if "fastloss" not in rows:
        return []
    own = rows["fastloss"]["median"]
    found = [name for name in PEERS if name in rows and rows[name]["median"] < own]
    return sorted(found, key=lambda name: float(rows[name]["median"]))


def multiple(row: dict[str, Any] | None) -> str:
    """A multiple of the plain pass as it is printed."""
    return "-" if row is None else digits(row["times plain"])


def times(ratio: float) -> str:
    """How many times as long, as it is printed."""
    return f"{digits(ratio)}\N{MULTIPLICATION SIGN}"


def digits(value: float) -> str:
    """Three digits, or as many as there are before the point."""
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}"
