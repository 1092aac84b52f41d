"""Global and shared memory of a card that is not there: every access is checked."""

import numpy as np


class KernelError(Exception):
    """What a kernel must not do, and what a card would often not report."""


class Memory:
    """Allocations with gaps between them; who wrote and who read each byte last.

    `now` is a block and how many barriers it has passed: (block << 32) + barriers.
    """

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

    def access(self, addresses, size, threads, now, writes):
        """The indices of the bytes, (threads, size), after every check."""
        start = addresses.astype(np.int64) - self.base
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
        self._race(where, threads[:, None], now, writes, verb)
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

    def _race(self, where, threads, now, writes, verb):
        """Two threads, one of which writes, and no barrier between them."""

        def clash(other, then):
            other, then = other[where], then[where]
            return (other != -1) & (other != threads) & ((then >> 32 != now >> 32) | (then == now))

        bad = clash(self.writer, self.wrote)
        many = clash(self.reader, self.read)
        if writes:
            bad |= many
        if bad.any():
            i = int(bad.any(1).argmax())
            at, thread = int(where[i, 0]), int(threads[i, 0])
            raise KernelError(f"race in {self.name} memory: {verb} by thread {thread} at {at + self.base:#x}, "
                              f"last written by {self.writer[at]}, read by {self.reader[at]}")  # fmt: skip
        if writes:
            self.writer[where], self.wrote[where] = np.broadcast_to(threads, where.shape), now
            return
        self.reader[where] = np.where(many, -2, threads)  # several threads
        self.read[where] = now
        first = np.sort(where[:, 0])
        self.reader[first[1:][first[1:] == first[:-1]][:, None] + np.arange(where.shape[1])] = -2
