"""The import graph of the package, by rooms: `python tools/imports.py` draws it, and prints what runs upwards.

Arrows go from a room to those it imports from, with the number of imports; all of them run downwards.
"""

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEVELS = (
    ("",),
    ("boosting", "linear"),
    ("losses",),
    ("_core",),
    ("_interop",),
    ("_cpu", "_cuda"),
    ("_request",),
    ("_math",),
    ("_compile",),
)
"""The rooms from the top down; "" holds the files at the root of the package. Rooms of one level do not import."""
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}


def modules(package: Path) -> dict[str, Path]:
    """The files of a package by their dotted names, without that of the package itself."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(name: str, path: Path, known: dict[str, Path]) -> Iterator[str]:
    """The modules of the package that a module imports, anywhere in it."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [part for part in package[: len(package) - node.level + 1] if part]
            target = ".".join([*base, *filter(None, [node.module])])
            for alias in node.names:
                full = f"{target}.{alias.name}" if target else alias.name
                yield full if full in known else target


def room(module: str, known: dict[str, Path]) -> str:
    """The room of a module."""
    first = module.split(".")[0]
    return first if first in LEVEL and (f"{first}." in module or known[module].name == "__init__.py") else ""


def edges(package: Path) -> Counter[tuple[str, str]]:
    """How often each module imports another."""
    known = modules(package)
    return Counter((name, other) for name, path in known.items() for other in imported(name, path, known))


def upward(package: Path) -> list[str]:
    """Imports that do not run downwards, and modules of one room that import each other in a circle."""
    known, found = modules(package), []
    graph: dict[str, set[str]] = {}
    for one, other in edges(package):
        a, b = room(one, known), room(other, known)
        if a != b and LEVEL[a] >= LEVEL[b] and not (one == "__main__" or (other == "" and a == "")):
            found.append(f"{one or 'fastloss'} imports {other or 'fastloss'}")
        if other:  # __init__, from which functions take the version
            graph.setdefault(one, set()).add(other)
    found += [f"{' imports '.join(circle)}" for circle in circles(graph)]
    return sorted(found)


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Circles of a graph, each from its first name on."""
    found: list[list[str]] = []

    def walk(name: str, way: list[str]) -> None:
        if name in way:
            circle = way[way.index(name) :]
            if circle[0] == min(circle):
                found.append([*circle, name])
            return
        for other in sorted(graph.get(name, ())):
            if other not in done:
                walk(other, [*way, name])
        done.add(name)

    done: set[str] = set()
    for name in sorted(graph):
        walk(name, [])
    return found


def between_rooms(package: Path) -> Counter[tuple[str, str]]:
    """How many imports there are from room to room."""
    known: dict[str, Path] = modules(package)
    found: Counter[tuple[str, str]] = Counter()
    for (one, other), count in edges(package).items():
        a, b = room(one, known), room(other, known)
        if a != b:
            found[a, b] += count
    return found


def svg(package: Path) -> str:
    """The graph as a picture: rooms in their levels, arrows with numbers."""
    width, step, box = 760, 96, (150, 44)
    place = {r: (width * (k + 1) // (len(rooms) + 1), 30 + level * step)
             for level, rooms in enumerate(LEVELS) for k, r in enumerate(rooms)}  # fmt: skip
    parts = []
    for number, ((a, b), count) in enumerate(sorted(between_rooms(package).items())):
        (x, y), (u, v) = place[a], place[b]
        y, v = y + box[1] // 2, v - box[1] // 2
        far = LEVEL[b] - LEVEL[a] > 1
        side = (120 + 34 * (LEVEL[b] - LEVEL[a])) * (1 if number % 2 else -1) if far and x == u else 0
        curve = f"M{x},{y} C{x + side},{y + 30} {u + side},{v - 30} {u},{v}"
        parts.append(f'<path d="{curve}" class="arrow" marker-end="url(#head)"/>')
        parts.append(f'<text x="{(x + u) // 2 + side * 3 // 4}" y="{(y + v) // 2 + 4}" class="count">{count}</text>')
    for r, (x, y) in place.items():
        parts.append(f'<rect x="{x - box[0] // 2}" y="{y - box[1] // 2}" width="{box[0]}" height="{box[1]}" rx="6"/>')
        parts.append(f'<text x="{x}" y="{y + 5}" class="room">{r or "fastloss"}</text>')
    style = ("rect{fill:#eceff1;stroke:#607d8b}text{font:13px sans-serif;text-anchor:middle;fill:#222}"
             ".count{font-size:11px;fill:#607d8b}.arrow{fill:none;stroke:#90a4ae}")  # fmt: skip
    head = ('<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
            'orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="#90a4ae"/></marker></defs>')  # fmt: skip
    height = 30 + (len(LEVELS) - 1) * step + 40
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}">'
            f"<style>{style}</style>{head}<rect width=\"{width}\" height=\"{height}\" style=\"fill:#fff;stroke:none\"/>"
            + "\n".join(parts) + "</svg>\n")  # fmt: skip


def main() -> int:
    """Draw the graph into docs/imports.svg; 1 where an import runs upwards."""
    (ROOT / "docs" / "imports.svg").write_text(svg(ROOT / "fastloss"))
    problems = upward(ROOT / "fastloss")
    print("\n".join(problems) or "every import runs downwards")
    known = modules(ROOT / "fastloss")
    lines = Counter({r: 0 for r in LEVEL})
    for name, path in known.items():
        lines[room(name, known)] += len(path.read_text().splitlines())
    print(", ".join(f"{r or 'fastloss'} {count}" for r, count in lines.items()), "lines,", lines.total(), "in all")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
