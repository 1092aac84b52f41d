"""The text of a PTX kernel as basic blocks of statements."""

import collections
import re
from typing import Any, NamedTuple

from tests.ptx.memory import KernelError

JUMP = re.compile(r"(?:@(!?)(%p\d+) )?(bra|ret|exit|bar|barrier)([.\w]*)\s*(\S*)")


class Source(NamedTuple):
    """One kernel."""

    target: str
    """The card that it is for: sm_90."""
    parameters: list[tuple[str, str]]
    """Type and name."""
    shared: list[tuple[str, int, int]]
    """Name, alignment and size of each array in shared memory."""
    kinds: dict[tuple[str, bool], str]
    """The types of registers, by name or by prefix (True)."""
    blocks: list[list[str]]
    labels: dict[str, int]
    """The block at which a label stands."""


def parse(text: str) -> Source:
    """The only kernel of a text."""
    head, _, rest = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S).partition(".entry")
    signature, brace, body = rest.partition("{")
    kinds: dict[tuple[str, bool], str] = {}
    blocks: list[list[str]] = [[]]
    labels: dict[str, int] = {}
    for statement in _statements(brace + body):
        if statement.endswith(":"):
            if blocks[-1]:
                blocks.append([])
            labels[statement[:-1]] = len(blocks) - 1
        elif found := re.match(r"\.reg \.(\w+)\s+(.*)", statement):
            for name in found[2].split(","):
                prefix = re.match(r"\s*([%\w]+)(<\d+>)?", name)
                assert prefix
                kinds[prefix[1], bool(prefix[2])] = found[1]
        elif statement.startswith("."):
            if not re.match(r"\.(shared|pragma|loc)", statement):
                raise KernelError(f"unknown directive {statement}")
        else:
            blocks[-1].append(statement)
            if JUMP.match(statement):
                blocks.append([])
    found_target = re.search(r"\.target (\w+)", head)
    assert found_target
    shared = re.findall(r"\.shared \.align (\d+) \.b8 ([\w$]+)\[(\d+)\]", text)
    return Source(found_target[1], re.findall(r"\.param \.(\w+) ([\w$]+)", signature),
                  [(name, int(align), int(size)) for align, name, size in shared], kinds, blocks, labels)  # fmt: skip


def _statements(body: str) -> Any:
    """Statements and labels; braces of scopes are dropped, those of operands stay."""
    for piece in re.findall(r"[$\w]+:|[^;{}\s][^;]*;|[{}]", body):
        if piece not in "{}":
            yield re.sub(r"\s+", " ", piece.rstrip(";")).strip()


def contracted(blocks: list[list[str]], last: bool) -> list[list[str]]:
    """The blocks as NVIDIA's assembler may change them: a product that only one sum of its block uses is not rounded.

    last: where both terms of a sum are such products, the second is joined with it.
    """
    uses = collections.Counter(re.findall(r"%\w+", " ".join(s for block in blocks for s in block)))
    return [_contracted(block, uses, last) for block in blocks]


def _contracted(block: list[str], uses: Any, last: bool) -> list[str]:
    products: dict[str, tuple[str, str]] = {}
    found = []
    for statement in block:
        parts = re.match(r"(mul|add|sub)\.(f32|f64) (%\w+), ([^,]+), ([^,]+)$", statement)
        if parts:
            what, kind, d, a, b = parts.groups()
            if what == "mul" and uses[d] == 2:
                products[d] = a, b
            elif what != "mul" and "0f" not in a + b:
                for x, other in ((a, b), (b, a))[:: -1 if last else 1]:
                    if x in products:
                        (m, n), minus = products.pop(x), what == "sub"
                        m, other = "-" * (minus and x == b) + m, "-" * (minus and x == a) + other
                        statement = f"fma.rn.{kind} {d}, {n}, {m}, {other}"
                        break
        found.append(statement)
    return found
