"""What NVIDIA's assembler makes of a kernel, and how many instructions it runs for an element."""

import re
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.ptx import compiled
from tests.ptx.program import WARP

COSTS = [(r"(div|rem)\.[us]64", 75), (r"(div|rem)\.[us]32", 17), (r"div\.rn\.f32", 10), (r"rcp\.rn\.f32", 10),
         (r"sqrt\.rn\.f32", 9), (r"(div|rcp|sqrt)\.rn\.f64", 20), (r"mul\.lo\.[us]64", 3.5), (r"(mul|mad)\.wide", 1),
         (r"(add|sub|neg|shl|shr|and|or|xor|not|selp|setp\.\w+|min|max)\.[usb]64", 2),
         (r"cvt\.[us]64\.[us]32|cvt\.u32\.u64|ld\.param|mov\.pred", 0.3), (r"mov\.b32 .*\{|cvt\.u(16|32)\.u(16|32)", 1),
         (r"mov", 0.4), (r"bra", 1.3), (r"(neg|abs)\.f32", 0)]  # fmt: skip
"""About how many machine instructions one of PTX becomes; one, if it is not here."""


class Machine(NamedTuple):
    """A kernel, assembled."""

    registers: int
    stack: int
    """Bytes of local memory for each thread."""
    spills: int
    shared: int
    code: list[str]
    """Its instructions, in order."""


class Count(NamedTuple):
    """What a kernel runs, for each element or row."""

    instructions: float
    """Machine instructions of a thread for an element, by COSTS."""
    barriers: float
    """How often a block waits."""
    vector_loads: int
    """Of global memory, 128 bits each: in the text, not as it runs."""
    vector_stores: int
    loads: int
    """Of fewer bits, in the text."""
    stores: int


def tools():
    """The folder of ptxas and nvdisasm; None where they are not installed."""
    try:
        import nvidia
    except ImportError:
        return None
    found = [Path(root) / "cu13" / "bin" for root in nvidia.__path__]
    return next((folder for folder in found if (folder / "ptxas").exists() and (folder / "nvdisasm").exists()), None)


def assembled(text, arch="sm_90", *options):
    """The kernel of a text as machine code."""
    folder = tools()
    with tempfile.TemporaryDirectory() as temporary:
        source, target = Path(temporary, "k.ptx"), Path(temporary, "k.cubin")
        source.write_text(text)
        done = subprocess.run([folder / "ptxas", "-v", f"-arch={arch}", *options, source, "-o", target],
                              capture_output=True, text=True, check=False)  # fmt: skip
        said = done.stderr + done.stdout
        assert done.returncode == 0, said
        shown = subprocess.run([folder / "nvdisasm", "-c", target], capture_output=True, text=True, check=True).stdout

    def number(pattern):
        return sum(map(int, re.findall(pattern, said)))

    code = re.findall(r"/\*[0-9a-f]{4,}\*/\s+((?:@!?U?P\w+ )?[A-Z][^;]*);", shown)
    return Machine(number(r"Used (\d+) registers"), number(r"(\d+) bytes stack"), number(r"(\d+) bytes spill"),
                   number(r"(\d+) bytes smem"), [c for c in code if not c.startswith("NOP")])  # fmt: skip


def cost(statement):
    """Of one instruction of PTX, in machine instructions."""
    return next((c for pattern, c in COSTS if re.match(rf"(@!?%p\d+ )?({pattern})", statement)), 1)


def counted(card, call, elements):
    """The kernel that has most to do in a call, and what it runs for each of so many elements."""
    for _, program in card.handles.values():
        program.issued[:], program.barriers = 0, 0
    call()
    found = []
    for kernel, program in card.handles.values():
        if program.issued.any():
            costs = np.array([sum(map(cost, block)) for block in program.blocks])
            found.append(((program.issued * costs).sum() * WARP, kernel, program))
    total, kernel, program = max(found, key=lambda each: each[0])
    text = compiled.text(kernel, card.capability)
    moves = [len(re.findall(pattern, text)) for pattern in
             (r"ld\.global\.v(4\.[bf]32|2\.[bf]64|4\.u32|2\.u64)", r"st\.global\.v(4\.[bf]32|2\.[bf]64|4\.u32|2\.u64)",
              r"ld\.global", r"st\.global")]  # fmt: skip
    return kernel, text, Count(float(total / elements), program.barriers, moves[0], moves[1], moves[2] - moves[0],
                               moves[3] - moves[1])  # fmt: skip
