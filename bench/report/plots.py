"""The figures of a run, in SVG: the same document gives the same files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ..cases.losses import ELEMENTWISE
from ..peers.registry import PEERS
from .rows import by_case, peers_of

INK = {"light": "#222222", "dark": "#e6e6e6"}
# Okabe and Ito's palette, which all kinds of colour vision tell apart; each has a shape of its own besides.
COLOURS = {"fastloss": "#D55E00", "numpy": "#56B4E9", "naive numba": "#009E73", "sklearn": "#E69F00",
           "torch": "#CC79A7", "torch.compile": "#0072B2", "jax": "ink", "plain": "#888888"}  # fmt: skip
MARKERS = dict(zip(("fastloss", *PEERS), "osDv^PX", strict=False))
PANELS = {"float32, 2^20 (12 MB)": "2^20 float32", "float32, 2^24 (201 MB)": "2^24 float32",
          "float64, 2^23 (201 MB)": "2^23 float64"}  # fmt: skip
STYLE: Any = {"font.size": 13, "axes.spines.top": False, "axes.spines.right": False, "axes.titlelocation": "left",
         "axes.titlesize": 13, "svg.hashsalt": "fastloss", "svg.fonttype": "path", "legend.frameon": False}  # fmt: skip


def write_figures(document: dict[str, Any], folder: Path) -> list[Path]:
    """Write roofline.svg and latency.svg, and each again for a dark page."""
    paths = []
    for shade in INK:
        for name, figure in (("roofline", roofline_figure), ("latency", latency_figure)):
            path = folder / f"{name}{'-dark' * (shade == 'dark')}.svg"
            with _style(shade):
                figure(document, shade).savefig(path, transparent=True, metadata={"Date": None})
            paths.append(path)
    return paths


@contextmanager
def _style(shade: str) -> Iterator[None]:
    """The style of a figure on a light or a dark page."""
    inked = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    with mpl.rc_context(STYLE | dict.fromkeys(inked, INK[shade])):
        yield


def roofline_figure(document: dict[str, Any], shade: str = "light") -> Figure:
    """The speed of every loss and size, as a share of the plain pass's."""
    cases = by_case(document["results"])
    points = {
        title: {loss.replace("_", " "): rows for (loss, size, kind), rows in cases.items()
                if loss in ELEMENTWISE and f"{size} {kind}" == suffix}
        for title, suffix in PANELS.items()
    }  # fmt: skip
    points["classes, float32"] = {
        f"{loss.removeprefix('softmax_').replace('_', ' ')} {size}": rows
        for (loss, size, _), rows in cases.items()
        if loss not in ELEMENTWISE
    }
    points = {title: panel for title, panel in points.items() if panel}
    figure = Figure(figsize=(9, 3 + 2.6 * len(points)), layout="constrained")
    shown: list[str] = []
    for axes, (title, panel) in zip(reversed(figure.subplots(max(1, len(points)), squeeze=False)[:, 0]),
                                    reversed(points.items()), strict=False):  # fmt: skip
        _shares(axes, panel, ["fastloss", *peers_of(document["results"])], shade)
        axes.set_title(title)
        if [*panel] == shown:  # the names stand below the lowest of panels that have the same
            axes.tick_params(labelbottom=False)
        shown = [*panel]
    figure.supylabel("share of the plain pass's speed", fontsize=13)
    _legend(figure)
    return figure


def _shares(axes: Axes, panel: dict[str, dict[str, Any]], names: list[str], shade: str) -> None:
    """Draw a panel of the first figure."""
    axes.axhline(1, color=COLOURS["plain"], linewidth=1.5, linestyle="--", label="plain pass", zorder=1)
    highest = 1.0
    for name in reversed(names):  # fastloss is drawn last, over the others
        shares = [1 / rows[name]["times plain"] if name in rows else float("nan") for rows in panel.values()]
        own = name == "fastloss"
        axes.plot(shares, MARKERS[name], color=_colour(name, shade), label=name, markersize=10 if own else 7,
                  alpha=1 if own else 0.6, markeredgewidth=0, zorder=3 if own else 2)  # fmt: skip
        highest = max(highest, *(share for share in shares if share == share))
    axes.set_ylim(0, 1.08 * highest)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xticks(range(len(panel)), [*panel], rotation=30, ha="right", rotation_mode="anchor")
    axes.grid(axis="y", alpha=0.25)


def latency_figure(document: dict[str, Any], shade: str = "light") -> Figure:
    """Time per call over the number of elements, both logarithmic."""
    rows = document["latency"]
    losses = list(dict.fromkeys(row["loss"] for row in rows))
    figure = Figure(figsize=(9, 5.2), layout="constrained")
    panels = figure.subplots(1, max(1, len(losses)), sharey=True, squeeze=False)[0]
    for axes, loss in zip(panels, losses, strict=False):
        for name in ("plain", *reversed(PEERS), "fastloss"):
            mine = sorted((row["n"], 1e6 * row["median"]) for row in rows
                          if (row["loss"], row["contender"]) == (loss, name))  # fmt: skip
            if mine:
                own = name == "fastloss"
                axes.plot(*zip(*mine, strict=True), "-" + MARKERS.get(name, ""), color=_colour(name, shade),
                          label="plain pass" if name == "plain" else name, linewidth=3 if own else 1.5,
                          markersize=7 if own else 5, alpha=1 if own or name == "plain" else 0.65)  # fmt: skip
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xticks([4.0**k for k in range(0, 14, 3)])
        axes.set_xlabel("elements, float32")
        axes.set_title(loss.replace("_", " "))
        axes.grid(alpha=0.25)
    panels[0].set_ylabel("µs per call")
    _legend(figure)
    return figure


def _colour(name: str, shade: str) -> str:
    """The colour of a contender on a light or a dark page."""
    return INK[shade] if COLOURS[name] == "ink" else COLOURS[name]


def _legend(figure: Figure) -> None:
    """One legend for all panels, fastloss first."""
    found: dict[str, Any] = {}
    for axes in figure.axes:
        handles, labels = axes.get_legend_handles_labels()
        found = dict(zip(labels, handles, strict=True)) | found
    order = [name for name in ("fastloss", *PEERS, "plain pass") if name in found]
    figure.legend([found[name] for name in order], order, loc="outside lower center", ncols=4)
