"""What a run measured of the targets, by unit and case."""

from typing import Any, NamedTuple

from ..cases.losses import ELEMENTWISE
from ..cases.startup import BEFORE, IMPORT
from ..cases.targets import PEER_GROUPS
from ..peers.registry import BASELINE
from .rows import by_case, peers_of

_LARGE = {"2^24 float32", "2^23 float64"} | {f"{shape} float32" for shape in ("2^20x10", "16384x1000", "128x128256")}


class Value(NamedTuple):
    """A number, and what its target does not say of it: the case of the worst ratio, the times of a ratio."""

    number: float
    remark: str = ""


Values = dict[tuple[str, str], Value]


def values(document: dict[str, Any]) -> Values:
    """All that the document holds."""
    return _case_values(document) | _peer_values(document) | _other_values(document)


def _case_values(document: dict[str, Any]) -> Values:
    """Multiples of the plain pass, and shares of float32's time."""
    found: Values = {}
    for (loss, size, kind), rows in by_case(document["results"]).items():
        if "fastloss" not in rows:
            continue
        if BASELINE not in rows:
            found["plain", f"{loss} {size} {kind}"] = Value(rows["fastloss"]["times plain"])
            continue
        share = Value(rows["fastloss"]["median"] / rows[BASELINE]["median"])
        if kind == "float32, uint8":
            found["labels", f"{loss} {size}"] = share
        else:
            found["halves", f"{loss} {size} {kind}"] = share
    return found


def _peer_values(document: dict[str, Any]) -> Values:
    """The worst ratio to each peer, by group of losses."""
    found: Values = {}
    for (loss, size, kind), rows in by_case(document["results"]).items():
        if f"{size} {kind}" not in _LARGE or "fastloss" not in rows:
            continue
        group = loss if loss in PEER_GROUPS else PEER_GROUPS[-1]
        for peer in peers_of(document["results"]):
            if peer in rows:
                ratio = rows[peer]["median"] / rows["fastloss"]["median"]
                where = f"{size} {kind}" if loss in ELEMENTWISE else size
                value = Value(ratio, where if loss == group else f"{loss} {where}")
                key = "peers", f"{peer}, {group}"
                found[key] = min(found.get(key, value), value)
    return found


def _other_values(document: dict[str, Any]) -> Values:
    """Small calls, start-up and threads."""
    found: Values = {}
    for row in document.get("small", []):
        found["small", f"{row['loss']} {row['n']}"] = Value(row["numpy"] / row["fastloss"])
    start = document.get("start", {})
    for case, seconds in start.items():
        before = start.get(BEFORE) if case == IMPORT else None
        remark = f"after {1e3 * before:.0f} of numba and NumPy" if before else ""
        found["start", case] = Value(1e3 * seconds, remark)
    for row in document.get("threads", []):
        share = row["gains"]["fastloss"] / row["gains"]["plain"]
        gains = f"{row['gains']['fastloss']:.2f} of {row['gains']['plain']:.2f} on {row['threads']} threads"
        found["threads", f"{row['loss']} {row['size']}"] = Value(share, gains)
    return found
