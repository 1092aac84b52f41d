"""PTX instructions as Python: a register is an array over the threads of a block, `m` the mask of those that run.

An instruction that is not known here is a KernelError, never skipped.
"""

import re

import numpy as np

from tests.ptx.arithmetic import NP
from tests.ptx.memory import KernelError

COMPARE = {"eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal"}
OPPOSITE = {"eq": "ne", "ne": "eq", "lt": "ge", "le": "gt", "gt": "le", "ge": "lt"}
SIMPLE = {"add": "add", "sub": "subtract", "mul": "multiply", "and": "bitwise_and", "or": "bitwise_or",
          "xor": "bitwise_xor", "min": "minimum", "max": "maximum", "neg": "negative", "abs": "absolute",
          "not": "invert", "sqrt": "sqrt", "div": "divide"}  # fmt: skip
SPECIAL = {"%tid.x": "run.tid", "%ctaid.x": "run.block", "%ntid.x": "run.threads", "%nctaid.x": "run.blocks"}
MODES = {"rn", "lo", "hi", "wide", "approx", "ftz", "NaN"}


class Translator:
    """Python for the instructions of one kernel; remembers which registers and constants it names."""

    def __init__(self, kinds, symbols):
        self.kinds, self.symbols = kinds, symbols
        self.views, self.constants = set(), []

    def statement(self, statement):
        """Python for one instruction."""
        guard, name, rest = re.match(r"(?:@(!?%p\d+) )?([\w.]+) ?(.*)", statement).groups()
        head, *modes = name.split(".")
        operands = [o.strip() for o in re.findall(r"\{[^}]*\}|\[[^\]]*\]|[^,\s][^,]*", rest)]
        try:
            code = self._instruction(head, modes, operands)
        except (KeyError, ValueError, IndexError, StopIteration) as error:
            raise KernelError(f"unknown instruction {statement}: {error!r}") from error
        if guard:
            condition = f"({'~' * guard.startswith('!')}{self.view(guard.lstrip('!'), 'pred')} & m)"
            code = code.replace("=m)", f"={condition})")
        return code

    # --- operands -----------------------------------------------------------------------------------------------

    def _register(self, operand):
        return (operand, False) in self.kinds or (operand.startswith("%") and "." not in operand)

    def kind(self, register):
        """The type of a register."""
        return self.kinds.get((register, False)) or self.kinds[register.rstrip("0123456789"), True]

    def view(self, register, kind):
        """A register as a type of its width."""
        if NP[self.kind(register)].itemsize != NP[kind].itemsize:
            raise KernelError(f"{register} is no {kind}")
        self.views.add((register, kind))
        return f"{register.strip('%')}_{kind}"

    def _widened(self, register, kind):
        """A register into or out of which a type goes that may be narrower."""
        own = self.kind(register)
        if NP[own].itemsize == NP[kind].itemsize:
            return self.view(register, kind)
        return self.view(register, ("s" if kind[0] == "s" else "u") + own[1:])

    def _value(self, operand, kind):
        """Any operand."""
        if operand.startswith("-%"):
            return f"(-{self.view(operand[1:], kind)})"
        if operand in SPECIAL:
            return SPECIAL[operand]
        if self._register(operand):
            return self.view(operand, kind)
        if operand in self.symbols:
            return f"np.uint64({self.symbols[operand]})"
        if kind == "pred":
            return str(int(operand) != 0)
        bits = re.match(r"0[fFdD]([0-9A-Fa-f]+)$", operand)
        number = int(bits[1], 16) if bits else int(operand.rstrip("U"), 0)
        size = NP[kind].itemsize
        self.constants.append(np.array([number % (1 << 8 * size)], f"u{size}").view(NP[kind])[0])
        return f"C[{len(self.constants) - 1}]"

    # --- instructions -------------------------------------------------------------------------------------------

    def _instruction(self, head, modes, operands):
        if head in ("ld", "st"):
            return self._move(head, modes, operands)
        if head == "cvt":
            return self._convert(modes, *operands)
        if head == "shfl":
            return self._shuffle(modes, *operands)
        if (head, *modes) == ("bar", "warp", "sync"):
            return "" if operands == ["-1"] else self._unknown(operands)
        if head == "setp":
            how, kind = modes
            return self._compare(how, self.view(operands[0], "pred"), *(self._value(o, kind) for o in operands[1:]))
        kind = modes[-1]
        if head == "mov" and "{" in "".join(operands):
            return self._pack(operands, kind)
        if head == "cvta":
            return f"copyto({self.view(operands[0], kind)}, {self._value(operands[1], kind)}, where=m)"
        if set(modes[:-1]) - MODES:
            raise ValueError(modes)
        if "wide" in modes:
            wide = kind[0] + str(int(kind[1:]) * 2)
            a, b, *c = (self._value(o, k) for o, k in zip(operands[1:], (kind, kind, wide), strict=False))
            product = f"np.multiply({a}, {b}, dtype=NP['{wide}'])" + (f" + {c[0]}" if c else "")
            return f"copyto({self.view(operands[0], wide)}, {product}, where=m)"
        out, expression = self.view(operands[0], kind), self._expression(head, modes, kind, operands[1:])
        if expression is not None:
            return f"copyto({out}, {expression}, where=m)"
        values = ", ".join(self._value(o, kind) for o in operands[1:])
        return f"np.{SIMPLE[head]}({values}, out={out}, where=m)"

    def _expression(self, head, modes, kind, operands):
        """The new value of a register; None where a function of NumPy does it."""
        real = kind[0] == "f"
        if real and "approx" in modes:
            if modes != ["approx", "ftz", "f32"]:
                raise ValueError(modes)
            return f"{head}_approx({self._value(operands[0], kind)})"
        if head in ("div", "sqrt", "rcp", "fma", "add", "sub", "mul") and real and "rn" not in modes:
            raise ValueError(modes)
        if head == "selp":
            a, b, condition = (self._value(o, k) for o, k in zip(operands, (kind, kind, "pred"), strict=True))
            return f"np.where({condition}, {a}, {b})"
        if head in ("shl", "shr"):
            return f"{head}({self._value(operands[0], kind)}, {self._value(operands[1], 'u32')})"
        simple = head in SIMPLE and not (head in ("min", "max") and real) and not (head == "div" and not real)
        if simple and "hi" not in modes:
            return None
        values = [self._value(o, kind) for o in operands]
        joined = ", ".join(values)
        return {
            "mov": lambda: values[0],
            "div": lambda: f"divide({joined}, False, m)",
            "rem": lambda: f"divide({joined}, True, m)",
            "fma": lambda: f"fma{kind[1:]}({joined})",
            "rcp": lambda: f"np.divide(NP['{kind}'].type(1), {joined})",
            "min": lambda: f"np.minimum({joined})" if "NaN" in modes else f"fmin({joined})",
            "max": lambda: f"np.maximum({joined})" if "NaN" in modes else f"fmax({joined})",
            "mul": lambda: f"high({joined})",
            "bfi": lambda: f"insert({joined})",
            "prmt": lambda: f"permute({joined})",
            "mad": lambda: "{} * {} + {}".format(*values),
        }[head]()

    def _compare(self, how, d, a, b):
        if how in ("num", "nan"):
            return f"np.equal(np.isnan({a}) | np.isnan({b}), {how == 'nan'}, out={d}, where=m)"
        if how in ("ne", "equ"):  # of floats: ordered, and the opposite of that
            different = f"(({a} != {b}) & ({a} == {a}) & ({b} == {b}))"
            return f"copyto({d}, {'~' * (how == 'equ')}{different}, where=m)"
        if how in COMPARE:
            return f"np.{COMPARE[how]}({a}, {b}, out={d}, where=m)"
        return f"copyto({d}, ~np.{COMPARE[OPPOSITE[how[:-1]]]}({a}, {b}), where=m)"  # ltu: or unordered

    def _pack(self, operands, kind):
        """mov between a register and those of which it is made."""
        whole = next(i for i, o in enumerate(operands) if not o.startswith("{"))
        parts = [p.strip() for p in operands[1 - whole].strip("{}").split(",")]
        step, x = f"b{int(kind[1:]) // len(parts)}", self.view(operands[whole], f"b{kind[1:]}")
        moves = []
        for k, part in enumerate(parts):
            slot = f"{x}.view(NP['{step}'])[{k}::{len(parts)}]"
            if whole == 0:
                moves.append(f"copyto({slot}, {self._value(part, step)}, where=m)")
            elif part != "_":
                moves.append(f"copyto({self.view(part, step)}, {slot}, where=m)")
        return "; ".join(moves)

    @staticmethod
    def _unknown(what):
        raise ValueError(what)

    def _shuffle(self, modes, d, a, lanes, bound, mask):
        """shfl between the lanes of whole warps."""
        if modes != ["sync", "bfly", "b32"]:
            raise ValueError(modes)
        d, _, valid = d.partition("|")
        values = ", ".join([self.view(a, "b32"), *(self._value(o, "b32") for o in (lanes, bound, mask))])
        code = f"copyto({self.view(d, 'b32')}, shuffle({values}, m), where=m)"
        return code + (f"; copyto({self.view(valid, 'pred')}, True, where=m)" if valid else "")

    def _convert(self, modes, d, a, b=None):
        *modes, target, source = modes
        if target in ("bf16x2", "f16x2") and (source, modes) == ("f32", ["rn"]):
            return f"copyto({self.view(d, 'b32')}, {target}({self._value(a, 'f32')}, {self._value(b, 'f32')}), where=m)"
        if set(modes) - {"rn", "rni", "rzi", "rmi", "rpi"}:
            raise ValueError(modes)
        x = f"{self._widened(a, source)}.astype(NP['{source}'])" if self._register(a) else self._value(a, source)
        return f"copyto({self._widened(d, target)}, convert({x}, NP['{target}'], {tuple(modes)}), where=m)"

    def _move(self, head, modes, operands):
        """ld and st."""
        space, *modes, kind = modes
        place, data = operands if head == "st" else operands[::-1]
        registers = [r.strip() for r in data.strip("{}").split(",")]
        base, offset = re.match(r"\[([^+\]]+)(?:\+(-?\w+))?\]", place).groups("0")
        if space == "param":
            return f"copyto({self._widened(registers[0], kind)}, run.parameters['{base}'].view(NP['{kind}']), where=m)"
        vector = [] if len(registers) == 1 else [f"v{len(registers)}"]
        if modes != vector or space not in ("global", "shared"):
            raise ValueError(space, modes)
        where = f"{self._value(base, 'u64')} + np.uint64({int(offset, 0) % 2**64})"
        values = [self._widened(r, kind) if self._register(r) else self._value(r, kind) for r in registers]
        how = "load" if head == "ld" else "store"
        return f"run.{how}(run.{space}_, {where}, NP['{kind}'], ({', '.join(values)},), mask=m)"
