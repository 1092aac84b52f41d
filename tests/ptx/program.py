"""A kernel that runs without a card: block by block, all threads of a block as vectors of NumPy.

Threads that part run basic block by basic block, the earliest in the program first (or, with a seed, any threads of any
warp), until all wait at a barrier.
"""

import numpy as np

from tests.ptx import arithmetic
from tests.ptx.arithmetic import NP
from tests.ptx.memory import KernelError, Memory, Moment
from tests.ptx.source import JUMP, MEETING, parse
from tests.ptx.translate import Translator

POISON = 0xBAD1BAD1BAD1BAD1
"""What is in registers that were not set."""
WARP = 32
TOOLS = {"np": np, "copyto": np.copyto, **{k: v for k, v in vars(arithmetic).items() if not k.startswith("_")}}


class Program:
    """One kernel of PTX, as a Python function for each basic block."""

    def __init__(self, text, name):
        self.name, self.source = name, parse(text)
        self.parameters, self.blocks = self.source.parameters, self.source.blocks
        self.shared = Memory("shared", 0x100, gap=1 << 10)
        symbols = {n: self.shared.allocate(size, align) for n, align, size in self.source.shared}
        self._translator = Translator(self.source.kinds, symbols)
        self.ends = [self._end(i, block[-1] if block else "") for i, block in enumerate(self.blocks)]
        self.meetings = [bool(block and MEETING.match(block[0])) for block in self.blocks]
        functions = []
        for i, block in enumerate(self.blocks):
            lines = map(self._translator.statement, block[:-1] if block and self._jumps(block[-1]) else block)
            functions.append(f"def block{i}(m, run):\n" + "".join(f" {x}\n" for x in lines if x) + " return\n")
        self._code = compile("\n".join(functions), name, "exec")
        self._ready = {}
        self.issued, self.barriers = np.zeros(len(self.blocks), np.int64), 0
        """How often a warp has run each basic block, and how often a block of threads has waited."""

    @property
    def ran(self):
        """The basic blocks that have run."""
        return set(np.flatnonzero(self.issued))

    @staticmethod
    def _jumps(last):
        return JUMP.match(last) and not MEETING.match(last)

    def _end(self, i, last):
        """How a basic block ends: (go, condition, negated, where to, or else), (wait, then) or (exit,)."""
        found = JUMP.match(last)
        if not self._jumps(last):
            return "go", None, False, i + 1, None
        negated, guard, what, more, target = found.groups()
        if what == "bra":
            if guard:
                self._translator.view(guard, "pred")
            return "go", guard, bool(negated), self.source.labels[target], i + 1
        if what in ("ret", "exit") and not guard:
            return ("exit",)
        if what in ("bar", "barrier") and more in (".sync", ".sync.aligned") and target == "0" and not guard:
            return "wait", i + 1
        raise KernelError(f"unknown: {last}")

    def functions(self, threads):
        """The registers of so many threads, and the basic blocks over them."""
        if threads not in self._ready:
            scope, registers = {**TOOLS, "C": self._translator.constants}, {}
            for register, kind in sorted(self._translator.views):
                if register not in registers:
                    bits = NP[self._translator.kind(register).replace("f", "u")]
                    registers[register] = np.zeros(threads, bits)
                scope[f"{register.strip('%')}_{kind}"] = registers[register].view(NP[kind])
            exec(self._code, scope)
            self._ready[threads] = registers, [scope[f"block{i}"] for i in range(len(self.blocks))]
        return self._ready[threads]

    def launch(self, memory, blocks, threads, arguments, seed=None, chosen=None):
        """Run a grid, or the chosen blocks of it, on global memory."""
        memory.begin()
        random = None if seed is None else np.random.default_rng(seed)
        order = chosen or (range(blocks) if random is None else random.permutation(blocks))
        with np.errstate(all="ignore"):
            for block in order:
                Block(self, memory, int(block), blocks, threads, arguments).run(random)


class Block:
    """One block of threads."""

    def __init__(self, program, memory, number, blocks, threads, arguments):
        self.program, self.number, self.count = program, number, threads
        self.global_, self.shared_ = memory, program.shared
        self.shared_.written[:] = False
        self.shared_.begin()
        self.tid = np.arange(threads, dtype=np.uint32)
        self.block, self.blocks, self.threads = np.uint32(number), np.uint32(blocks), np.uint32(threads)
        self.parameters = {n: NP[k].type(v) for (k, n), v in zip(program.parameters, arguments, strict=True)}
        self.barriers, self.met = 0, np.zeros(-(-threads // WARP), np.int64)

    def load(self, space, addresses, kind, targets, mask):
        threads = np.flatnonzero(np.broadcast_to(mask, self.count))
        if threads.size:
            where = self._where(space, addresses, threads, kind.itemsize * len(targets), False)
            data = space.bytes[where].view(kind)
            for k, target in enumerate(targets):
                target[threads] = data[:, k]

    def store(self, space, addresses, kind, values, mask):
        threads = np.flatnonzero(np.broadcast_to(mask, self.count))
        if threads.size:
            where = self._where(space, addresses, threads, kind.itemsize * len(values), True)
            data = np.stack([np.broadcast_to(v, self.count)[threads].astype(kind) for v in values], 1)
            space.bytes[where] = data.view(np.uint8)

    def _where(self, space, addresses, threads, size, writes):
        addresses = np.broadcast_to(addresses, self.count)[threads]
        now = Moment(threads + self.number * self.count, self.number, self.barriers, self.met[threads // WARP])
        return space.access(addresses, size, now, writes)

    def run(self, random=None):
        """Until all threads have ended."""
        program, i = self.program, 0
        registers, functions = program.functions(self.count)
        for a in registers.values():
            a[...] = True if a.dtype == bool else POISON & (1 << 8 * a.itemsize) - 1
        self.pc, self.waits = np.zeros(self.count, np.int64), np.full(self.count, -1)
        far = len(functions)  # where threads are that wait or have ended
        try:
            while (self.pc < far).any() or (self.waits >= 0).any():
                if (self.pc == far).all():
                    self._open()
                    continue
                i, m = self._next(far, random)
                functions[i](True if m.all() else m, self)
                self._count(i, m)
                self._proceed(program.ends[i], m, registers, far)
        except KernelError as error:
            where = program.blocks[i][:1] if i < far else "barrier"
            raise KernelError(f"{program.name}, block {self.number}, {where}: {error}") from None

    def _next(self, far, random):
        """The basic block that runs next, and the threads that run it: the earliest, or any, of all warps or any."""
        places = np.unique(self.pc[self.pc < far])
        for i in places if random is None else random.permutation(places):
            m = self.pc == i
            if self.program.meetings[i]:
                m &= self._whole(m)
            if m.any():
                return int(i), self._chosen(m, random)
        raise KernelError("lanes of a warp wait for others, which are elsewhere")

    def _whole(self, m):
        """The threads of warps all of whose lanes are in m, or have ended."""
        there = m | ((self.pc == len(self.program.blocks)) & (self.waits < 0))
        padded = np.append(there, np.ones(-self.count % WARP, bool)).reshape(-1, WARP)
        return np.repeat(padded.all(1), WARP)[: self.count]

    def _chosen(self, m, random):
        """All threads m, or those of any warps."""
        if random is None:
            return m
        warps = random.random(-(-self.count // WARP)) < 0.5
        some = m & np.repeat(warps, WARP)[: self.count]
        return some if some.any() else m

    def _count(self, i, m):
        warps = np.unique(np.flatnonzero(m) // WARP)
        self.program.issued[i] += warps.size
        if self.program.meetings[i]:
            self.met[warps] += 1

    def _proceed(self, end, m, registers, far):
        what, *rest = end
        if what == "go":
            guard, negated, target, otherwise = rest
            if guard is None:
                self.pc[m] = target
            else:
                self.pc[m] = np.where(registers[guard].view(bool)[m] ^ negated, target, otherwise)
        else:
            self.pc[m], self.waits[m] = far, rest[0] if what == "wait" else -1

    def _open(self):
        """All threads wait: the barrier opens."""
        waits = self.waits
        if (waits < 0).any():
            raise KernelError(f"a barrier that {(waits < 0).sum()} threads do not reach: they have ended")
        warps = np.append(waits, np.full(-waits.size % WARP, waits[-1])).reshape(-1, WARP)
        if (warps != warps[:, :1]).any():
            raise KernelError("threads of one warp wait at different barriers")
        self.barriers += 1
        self.program.barriers += 1
        self.pc, self.waits = waits.copy(), np.full(self.count, -1)
