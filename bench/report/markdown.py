"""The Markdown that the pages of CPU and GPU share: tables of contenders, and text between two marks of a file."""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

END = "<!-- end of what it made -->"
NAMES = {"plain": "plain pass", "numpy": "NumPy", "naive numba": "naive Numba", "sklearn": "scikit-learn", "jax": "JAX",
         "cupy": "CuPy", "cupy kernel": "CuPy kernels", "liger": "Liger"}  # fmt: skip
"""Contenders as a page names them, where that is not their name in the results."""
_TEXT = ("loss", "size", "dtype", "")
"""The columns of a table of contenders that hold no numbers."""


class Line(NamedTuple):
    """One case in a table of contenders."""

    first: list[str]
    """The cells that come before those of the contenders."""
    cells: dict[str, str]
    """By contender."""
    bold: Collection[str] = ()
    """The contenders whose cells are in bold."""


def contender_table(first: list[str], names: Iterable[str], lines: Iterable[Line], flag: bool) -> str:
    """A column for each contender; flag: a last one with ◀ in the lines that have a cell in bold."""
    names = list(names)

    def cell(line: Line, name: str) -> str:
        text = line.cells.get(name, "-")
        return f"**{text}**" if name in line.bold else text

    heading = [*first, *(NAMES.get(name, name) for name in names), *[""] * flag]
    body = [[*line.first, *(cell(line, name) for name in names), *["◀" * bool(line.bold)] * flag] for line in lines]
    return table(heading, body, "".join("l" if column in _TEXT else "r" for column in heading))


def table(heading: list[str], lines: list[list[str]], align: str) -> str:
    """Any table; align has a letter for each column, l or r."""
    rule = ["---:" if side == "r" else "---" for side in align]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (heading, rule, *lines))


def size_cell(size: str) -> str:
    """A size such as 2^20x10 with a multiplication sign."""
    return size.replace("x", "\N{MULTIPLICATION SIGN}")


def replace_between(path: Path, begin: str, text: str) -> None:
    """Put a text between the mark `begin` in a file and the next END."""
    before, _, rest = path.read_text().partition(begin)
    _, _, after = rest.partition(END)
    if not after:
        raise ValueError(f"{path.name} lacks the marks {begin} and {END}")
    path.write_text(f"{before}{begin}\n{text}\n{END}{after}")
