"""Global and shared memory of a card that is not there: every access is checked."""

from typing import Any, NamedTuple

import numpy as np


class KernelError(Exception):
    """What a kernel must not do, and what a card would often not report."""


class Moment(NamedTuple):
    """Threads at an access, and what they have waited for."""

    threads: Any
    block: int
    barriers: int
    met: Any
    """How often each thread's warp has met."""

    @property
    def since_barrier(self):
        """The same for all accesses of a block between two barriers."""
        return (self.block << 32) + self.barriers


class Memory:
    """Allocations with gaps between them; who wrote and who read each byte last, and when."""

    def __init__(self, name, base, gap):
        self.name, self.base, self.gap = name, base, gap
        self.bytes, self.written = np.zeros(1 << 16, np.uint8), np.zeros(1 << 16, bool)
        self.starts, self.ends, self.freed = [], [], []
        self.reads = None
        """The addresses of all allocations that were read, where a set."""
        self.begin()

    @property
    def top(self):
        return self.ends[-1] + self.gap if self.ends else self.gap

    def allocate(self, size, align=256):
        """The address of so many bytes, which nobody has written."""
        start = -(-self.top // align) * align
        end = start + size
        if end + self.gap > self.bytes.size:
            more = max(end + self.gap, 2 * self.bytes.size) - self.bytes.size
            self.bytes, self.written = (np.append(a, np.zeros(more, a.dtype)) for a in (self.bytes, self.written))
        self.starts.append(start)
        self.ends.append(end)
        self.freed.append(False)
        self.bytes[start:end] = 0xFF
        self.written[start:end] = False
        return self.base + start

    def free(self, address):
        """Give an allocation back; its room is used again once all behind it are."""
        self.freed[self.starts.index(address - self.base)] = True
        while self.freed and self.freed[-1]:
            for stack in (self.starts, self.ends, self.freed):
                stack.pop()

    def write(self, address, data):
        """By the host."""
        at, data = address - self.base, np.frombuffer(data, np.uint8)
        self.bytes[at : at + data.size] = data
        self.written[at : at + data.size] = True

    def begin(self):
        """A launch, or a block's use of shared memory: accesses before it are no race."""
        self.writer, self.wrote, self.reader, self.read = (np.full(self.top, -1) for _ in range(4))
        self.wrote_met, self.read_met = np.zeros(self.top, int), np.zeros(self.top, int)

    def access(self, addresses, size, now, writes):
        """The indices of the bytes, (threads, size), after every check."""
        start, threads = addresses.astype(np.int64) - self.base, now.threads
        verb = f"{'write' if writes else 'read'} of {size} bytes"
        self._inside(start, size, threads, verb)
        if (start % size).any():
            i = int((start % size).argmax())
            raise KernelError(f"misaligned {verb} in {self.name} memory: {int(addresses[i]):#x}, thread {threads[i]}")
        where = start[:, None] + np.arange(size)
        if writes:
            flat = np.sort(start)
            if (flat[1:] == flat[:-1]).any():
                raise KernelError(f"race in {self.name} memory: two threads write one byte at once")
        elif not self.written[where].all():
            i = int((~self.written[where]).any(1).argmax())
            raise KernelError(f"{verb} of {self.name} memory that nobody wrote, thread {threads[i]}")
        self._race(where, now, writes, verb)
        if writes:
            self.written[where] = True
        return where

    def _inside(self, start, size, threads, verb):
        k = np.searchsorted(self.starts, start, side="right") - 1
        outside = (k < 0) | (start + size > np.append(self.ends, 0)[k])
        if outside.any():
            i = int(outside.argmax())
            near = ""
            if k[i] >= 0:
                first, last = self.starts[k[i]], self.ends[k[i]]
                near = f"byte {start[i] - first} of {last - first}, "
            raise KernelError(f"{verb} outside {self.name} memory: {near}address {int(start[i]) + self.base:#x}, "
                              f"thread {threads[i]}, {outside.sum()} threads")  # fmt: skip
        if self.reads is not None and verb.startswith("read"):
            self.reads.update(self.base + self.starts[j] for j in np.unique(k))

    def _race(self, where, now, writes, verb):
        """Two threads, one of which writes, and neither a barrier nor a meeting of their warp between them."""
        threads, moment = now.threads[:, None], now.since_barrier
        warps = threads // 32  # blocks have whole warps, or are less than one

        def clash(other, then, met):
            other, then = other[where], then[where]
            ordered = _of_warp(other, warps) & (met[where] != now.met[:, None])
            return (other != -1) & (other != threads) & ((then >> 32 != moment >> 32) | ((then == moment) & ~ordered))

        bad = clash(self.writer, self.wrote, self.wrote_met)
        many = clash(self.reader, self.read, self.read_met)
        if writes:
            bad |= many
        if bad.any():
            i = int(bad.any(1).argmax())
            at, thread = int(where[i, 0]), int(threads[i, 0])
            raise KernelError(f"race in {self.name} memory: {verb} by thread {thread} at {at + self.base:#x}, "
                              f"last written by {self.writer[at]}, read by {self.reader[at]}")  # fmt: skip
        who, when, met = (
            (self.writer, self.wrote, self.wrote_met) if writes else (self.reader, self.read, self.read_met)
        )
        if not writes:
            threads = _readers(where, threads, warps, many, self.reader)
        who[where], when[where], met[where] = threads, moment, now.met[:, None]


SEVERAL = -2
"""Readers of several warps; those of one warp are the number of the warp below that."""


def _of_warp(other, warps):
    """Whether a thread, or the lanes of a warp, are of these warps."""
    return np.where(other >= 0, other // 32, SEVERAL - 1 - other) == warps


def _readers(where, threads, warps, many, reader):
    """What is noted of those who read each byte now, and of those who did before where there are many."""
    _, which, count = np.unique(where[:, 0], return_inverse=True, return_counts=True)
    low, high = np.full(count.size, 1 << 62), np.full(count.size, -1)
    np.minimum.at(low, which, warps[:, 0])
    np.maximum.at(high, which, warps[:, 0])
    alone, one_warp = (count == 1)[which, None], (low == high)[which, None]
    mine = np.where(alone & ~many, threads, SEVERAL - 1 - warps)
    return np.where(one_warp & (~many | _of_warp(reader[where], warps)), mine, SEVERAL)
