"""How rows of classes are shared out among the threads of a GPU: by their length, and how they lie in memory.

A row is read from memory once and kept in registers, up to LONGEST. Rows of few classes are a thread's each; of more,
some neighbouring lanes', a warp's, or a block's. What is longer is read again, by a block.
"""

from typing import NamedTuple

from .._compile.cuda import SIMULATED

WARP = 4 if SIMULATED else 32
"""Threads that run together and shuffle; the simulator's blocks are one such, and share memory instead."""
LANE, WARP_BITS = WARP - 1, WARP.bit_length() - 1
"""t & LANE is a thread's place in its warp, t >> WARP_BITS the number of that."""
ALL = 0xFFFFFFFF
"""The lanes of a warp, of which every one takes part in a shuffle."""
BLOCK = 4 if SIMULATED else 128
"""Threads of a block, where a warp suffices for a row."""
LONG_BLOCK = 4 if SIMULATED else 512
"""Threads of a block that reads its row again."""
FEW = 4 if SIMULATED else 32
"""So many classes are kept by one thread; a lane of four keeps as many of more."""
LONGEST = 32 if SIMULATED else 8192
"""The longest row that is kept in registers; half as long in float64."""
LARGE = 1 << 16
"""Longer rows, in bytes, take a larger block: so many of them as a card has room for then fit its cache."""
BLOCKS = 4096
"""So many blocks keep every card busy; with more rows, a group computes several one after the other."""
MOST_TURNS = 16


class Tiling(NamedTuple):
    """A way to compute rows, which is part of a kernel."""

    block: int
    """Threads of a block."""
    threads: int
    """Threads that share a row, a power of two."""
    steps: int
    """How many tiles of its row a thread has, where that is part of the kernel; else 0."""
    width: int
    """How many neighbouring classes are a tile: 16 bytes, or one."""
    staged: bool
    """Whether rows go through shared memory, so that all threads move 16 bytes at once."""
    beside: bool
    """Whether neighbouring classes lie apart in memory, and rows beside each other."""
    keeps: bool
    """Whether a thread keeps its part of a row in registers; else it is read again, from the stage or from memory."""

    @property
    def held(self) -> int:
        """Elements that a thread keeps; at least 1, for the size of an array."""
        return self.steps * self.width if self.keeps else 1

    @property
    def bits(self) -> int:
        """t >> bits is the number of a thread's group."""
        return self.threads.bit_length() - 1

    @property
    def groups(self) -> int:
        """Rows that a block computes at a time."""
        return self.block // self.threads

    def span(self, vector: int) -> int:
        """From row to row in the stage, for rows of one thread: an odd number of vectors, if it is made of them.

        Neighbouring lanes then read from different banks of shared memory.
        """
        whole, rest = divmod(self.steps, vector)
        return self.steps if rest or whole % 2 else self.steps + vector

    def stage(self, vector: int) -> int:
        """Elements in the stage of a block."""
        return self.groups * (self.span(vector) if self.threads == 1 else FEW * self.threads)

    def turns(self, rows: int) -> int:
        """How many rows a group computes one after the other."""
        if self.threads > WARP:
            return 1
        return max(1, min(MOST_TURNS, rows // (self.groups * BLOCKS)))

    def __str__(self) -> str:
        """For the name of a kernel."""
        return f"{self.threads}x{self.steps}x{self.width}{'s' * self.staged}{'b' * self.beside}{'k' * self.keeps}"


def power_above(n: int) -> int:
    """The power of two that is n or the next larger."""
    return 1 << (n - 1).bit_length()


def tiling(classes: int, inner: int, itemsize: int, compute_size: int, *, aligned: bool, stageable: bool,
           keeps: bool) -> Tiling:  # fmt: skip
    """The way for rows of so many classes, `inner` apart, of elements of so many bytes.

    aligned: the arrays begin at multiples of 16 bytes. stageable: y_pred and the derivatives have elements of one size.
    keeps: rows may be kept in registers.
    """
    vector, each = 16 // itemsize, FEW if compute_size < 8 else FEW // 2
    few, staged = classes <= FEW, aligned and stageable
    if inner > 1:
        threads = 1 if few or inner >= 32 else min(WARP, power_above(-(-classes // each)))
        keeps = keeps and few
        return Tiling(BLOCK, threads, classes if keeps else 0, 1, False, True, keeps)
    if few:
        return Tiling(BLOCK, 1, classes if keeps or staged else 0, 1, staged, False, keeps)
    whole = aligned and classes % vector == 0
    if not whole and staged and classes <= 4 * FEW and WARP >= 8:
        return Tiling(BLOCK, 4, -(-classes // 4) if keeps else 0, 1, True, False, keeps)
    width = vector if whole else 1
    if classes > LONGEST * each // FEW:
        block = LONG_BLOCK if classes * itemsize > LARGE else max(BLOCK, LONG_BLOCK // 2)
        return Tiling(block, block, 0, width, False, False, False)
    threads = max(min(4 if whole else 8, WARP), power_above(-(-classes // each)))
    steps = -(-classes // (threads * width)) if keeps else 0
    return Tiling(max(BLOCK, threads), threads, steps, width, False, False, keeps)
