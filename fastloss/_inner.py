"""How functions are compiled that only kernels call: to LLVM's language and no further.

Numba makes machine code of every function by itself, also of those that are only ever inlined into others, which took
a third of the time of a first call. Here the functions of a kernel are linked first, then optimised and turned into
machine code once, with it.
"""

from typing import Any

from numba import _dynfunc
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering


class _Library(JITCodeLibrary):  # type: ignore[misc]
    """A library that is linked into others, and has no machine code of its own."""

    def _optimize_final_module(self) -> None:
        """Left to the kernel."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class _Lowering(NativeLowering):  # type: ignore[misc]
    """Lowering whose result cannot be called from Python."""

    _name = "fastloss_inner_lowering"

    def run_pass(self, state: Any) -> bool:
        """Numba's own, but for the machine code."""
        state.library = _Library(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = True
        super().run_pass(state)
        lowered = state["cr"]
        name = state.func_id.func_name
        # Numba tells compiled functions apart by an object that would call them.
        function = _dynfunc.make_function(lowered.fndesc.lookup_module(), name, name, 0, lowered.env, (state.library,))
        state.targetctx.insert_user_function(function, lowered.fndesc, [state.library])
        state["cr"] = lowered._replace(cfunc=function)
        return True


class Inner(CompilerBase):  # type: ignore[misc]
    """Numba's compiler with that lowering."""

    def define_pipelines(self) -> list[Any]:
        """The passes."""
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state, "fastloss_inner")
        passes.passes = [(_Lowering if p is NativeLowering else p, why) for p, why in passes.passes]
        passes.finalize()
        return [passes]
