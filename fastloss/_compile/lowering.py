"""How functions become LLVM's language: without machine code of their own, and with loops that work on two vectors.

Numba makes machine code of every function by itself, also of those that are only ever inlined into others, which took
a third of the time of a first call. Here the functions of a kernel are linked first, then optimised and turned into
machine code once, with it.

LLVM takes loops for what they may be at worst. Those whose iterations are known to be independent are marked.
"""

from typing import Any

from llvmlite import ir as llvm

from .private import LOWERING
from .signatures import remembering

CompilerBase: Any = LOWERING.CompilerBase
DefaultPassBuilder: Any = LOWERING.DefaultPassBuilder
JITCodeLibrary: Any = LOWERING.JITCodeLibrary
Jump: Any = LOWERING.Jump
Lower: Any = LOWERING.Lower
NativeLowering: Any = LOWERING.NativeLowering
register_pass: Any = LOWERING.register_pass


class _Library(JITCodeLibrary):
    """A library that is linked into others, and has no machine code of its own."""

    def _optimize_final_module(self) -> None:
        """Left to the kernel."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class _Inner(NativeLowering):
    """Lowering whose result cannot be called from Python."""

    _name = "fastloss_inner"

    def run_pass(self, state: Any) -> bool:
        """Numba's own, but for the machine code."""
        state.library = _Library(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = True
        super().run_pass(state)
        lowered = state["cr"]
        name = state.func_id.func_name
        # Numba tells compiled functions apart by an object that would call them.
        module = lowered.fndesc.lookup_module()
        function = LOWERING.make_function(module, name, name, 0, lowered.env, (state.library,))
        state.targetctx.insert_user_function(function, lowered.fndesc, [state.library])
        state["cr"] = lowered._replace(cfunc=function)
        return True


_UNUSED = frozenset({
    "with_lifting", "inline_closure_likes", "make_function_op_code_to_jit_function", "inline_inlinables",
    "find_literally", "literal_unroll", "inline_overloads", "nopython_rewrites", "annotate_types",
    "dump_parfor_diagnostics",
})  # fmt: skip
"""Passes that helpers do not need: they contain no contexts, closures, array expressions or literal loops, and nobody
reads reports of them. A pass that Numba renames is run again."""


class _Compiler(CompilerBase):
    """Numba's compiler with a memory, another lowering, and without some passes."""

    lowering: Any = NativeLowering
    left_out: frozenset[str] = frozenset()

    def define_pipelines(self) -> list[Any]:
        """The passes."""
        self.state.typingctx = remembering(self.state.typingctx)
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state, self.lowering._name)
        kept = [(p, why) for p, why in passes.passes if p.name() not in self.left_out]
        passes.passes = [(self.lowering if p is NativeLowering else p, why) for p, why in kept]
        passes.finalize()
        return [passes]


class Inner(_Compiler):
    """Compiles functions that only kernels call."""

    lowering = _Inner
    left_out = _UNUSED


class Entry(_Compiler):
    """Compiles entry points."""


class _Distinct(llvm.MDValue):
    """A node that is unequal to all others, as the group of a function's memory accesses has to be."""

    def descr(self, buf: Any) -> None:
        """Its text."""
        buf.append("distinct !{  }\n")


def _is_wide(value: Any, place: Any) -> bool:
    """Whether what is stored is an element of 64 bits, not a variable."""
    return isinstance(value.type, llvm.DoubleType) and getattr(place, "opname", "") != "alloca"


class _Independent(Lower):
    """Marks every loop: iterations do not depend on each other, and as many are taken at a time as fill 64 bytes.

    LLVM would else compare the addresses of all arrays before each loop, take what is left of a row one by one, and
    use vectors of half the width that a processor has.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._closing: list[Any] = []

    def lower_inst(self, inst: Any) -> None:
        """Numba's own; a jump to a block that is complete already closes a loop."""
        closes = isinstance(inst, Jump) and self.blkmap[inst.target].is_terminated
        super().lower_inst(inst)
        if closes:
            self._closing.append(self.builder.block.terminator)

    def lower_function_body(self) -> Any:
        """Numba's own; then every access to memory joins one group, whose accesses the loops know as independent."""
        found = super().lower_function_body()
        group, wide = _Distinct(self.module, [], name=str(len(self.module.metadata))), False
        for block in self.function.blocks:
            for instruction in block.instructions:
                if instruction.opname in ("load", "store"):
                    instruction.set_metadata("llvm.access.group", group)
                    wide |= instruction.opname == "store" and _is_wide(*instruction.operands)
        for jump in self._closing:
            jump.set_metadata("llvm.loop", self._properties(8 if wide else 16, group))
        return found

    def _properties(self, width: int, group: Any) -> Any:
        """The properties of one loop: LLVM wants a node whose first operand is itself."""
        module, integer = self.module, llvm.IntType(32)
        lines = [("vectorize.width", integer(width)), ("interleave.count", integer(1)), ("unroll.disable",),
                 ("parallel_accesses", group)]  # fmt: skip
        nodes = [
            module.add_metadata([llvm.MetaDataString(module, f"llvm.loop.{name}"), *rest]) for name, *rest in lines
        ]
        node = llvm.MDValue(module, [], name=str(len(module.metadata)))
        node.operands = (node, *nodes)
        return node


@register_pass(mutates_CFG=True, analysis_only=False)
class _InnerIndependent(_Inner):
    """Lowering of loops of independent iterations that only kernels call."""

    _name = "fastloss_inner_independent"
    lowering_class = _Independent


class InnerIndependent(Inner):
    """Compiles loops of independent iterations that only kernels call."""

    lowering = _InnerIndependent


@register_pass(mutates_CFG=True, analysis_only=False)
class _EntryIndependent(NativeLowering):
    """Lowering of entry points that are such loops."""

    _name = "fastloss_entry_independent"
    lowering_class = _Independent


class EntryIndependent(Entry):
    """Compiles entry points that are such loops."""

    lowering = _EntryIndependent
