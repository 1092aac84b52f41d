"""The text of a PTX kernel as basic blocks of statements."""

import re
from typing import Any, NamedTuple

from tests.ptx.memory import KernelError

JUMP = re.compile(r"(?:@(!?)(%p\d+) )?(bra|ret|exit|bar|barrier)([.\w]*)\s*(\S*)")
MEETING = re.compile(r"(shfl\.sync|vote\.sync|bar\.warp\.sync|redux\.sync)")
"""Instructions for which all lanes of a warp meet; they stand in blocks of their own."""


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
            meets = bool(MEETING.match(statement))
            if meets and blocks[-1]:
                blocks.append([])
            blocks[-1].append(statement)
            if (JUMP.match(statement) and not statement.startswith("bar.warp")) or meets:
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
