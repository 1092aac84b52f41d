"""The names of Numba and llvmlite that are not in their documentation. No other module may take one from them.

A version of Numba may lack any of them: then the package does without what they are for, and warns once.
"""

import pkgutil
import warnings
from functools import cached_property
from typing import Any

import numba

TESTED = ("0.61.2", "0.68.1")
"""The oldest and the newest version of Numba that the tests run with: requirements/oldest.txt and core.txt."""
GROUPS: list["Names"] = []
"""All private names; tests/test_numba_names.py takes each of them away."""
_missing: dict[str, str] = {}
_warned: list[str] = []


class Names:
    """Names with one purpose, as its attributes; each that Numba lacks is None, and then the whole is false."""

    def __init__(self, without: str, *names: str, late: tuple[str, ...] = ()) -> None:
        self.without, self.names, self.late = without, names, late
        self._short = [name.partition(":")[2] for name in names]
        GROUPS.append(self)

    @cached_property
    def _found(self) -> dict[str, Any]:
        found: dict[str, Any] = dict.fromkeys(self._short)
        for name, short in zip(self.names, self._short, strict=True):
            try:
                found[short] = pkgutil.resolve_name(name)
            except (ImportError, AttributeError):
                self.lacks(name)
        return found

    def __bool__(self) -> bool:
        return None not in self._found.values() and not any(name in _missing for name in self.late)

    def __getattr__(self, name: str) -> Any:
        if name not in self._short:
            raise AttributeError(name)
        return self._found[name]

    def values(self) -> list[Any]:
        """What the names stand for, in order."""
        return list(self._found.values())

    def lacks(self, name: str) -> None:
        """Note that a name is missing; of a late one, an attribute of instances, only its user can tell."""
        _missing[name] = self.without


def warn() -> None:
    """Say what is missing: once for a process, though a GPU is first used later."""
    if _missing and not _warned:
        _warned.extend(_missing)
        without = "; ".join(dict.fromkeys(_missing.values()))
        warnings.warn(
            f"Numba {numba.__version__} lacks {', '.join(_missing)}: {without}. fastloss is tested with Numba "
            f"{TESTED[0]} to {TESTED[1]}.", RuntimeWarning, stacklevel=2,
        )  # fmt: skip


LOWERING = Names(
    "kernels take longer to compile, and some to run",
    "numba._dynfunc:make_function",  # the object that Numba tells a compiled function by
    "numba.core.codegen:JITCodeLibrary",  # the code of a function, which _compile/lowering.py leaves in LLVM's language
    "numba.core.codegen:JITCodeLibrary._finalize_dynamic_globals",  # the part of finishing it that is still done
    "numba.core.compiler:CompilerBase",  # a compiler with passes of one's own
    "numba.core.compiler:DefaultPassBuilder",  # Numba's own passes, one of which is replaced
    "numba.core.compiler_machinery:register_pass",  # without which a compiler does not run a pass
    "numba.core.ir:Jump",  # the instruction that closes a loop
    "numba.core.lowering:Lower",  # from Numba's instructions to LLVM's; marks loops
    "numba.core.typed_passes:NativeLowering",  # the pass that is replaced
    "numba.core.typing:Context",  # finds the signatures of calls, which _compile/signatures.py remembers
)
LITERALS = Names(
    "functions are compiled anew for each literal integer that they are called with",
    "numba.core.dispatcher:Dispatcher.get_call_template",  # what a call of a function is compiled to
)
CACHE = Names(
    "kernels are compiled in every process",
    "numba.core.bytecode:FunctionIdentity",  # what is compiled
    "numba.core.bytecode:FunctionIdentity._unique_ids",  # numbers in its symbols, which begin anew in each process
    "numba.core.codegen:JITCPUCodegen.magic_tuple",  # the processor
    "numba.core.codegen:JITCodeLibrary.has_dynamic_globals",  # whether an address of this process is in the code
    "numba.core.compiler:CompileResult._rebuild",  # a kernel from what was on disk
    "numba.core.compiler:CompileResult._reduce",  # what of a kernel goes to disk
    "numba.core.compiler:CompileResult.codegen",  # what has made the code
    "numba.core.dispatcher:Dispatcher.compile",  # compiles for a signature, with a look at the cache first
    "numba.core.dispatcher:Dispatcher.disable_compile",  # so that no call compiles for other types
    "numba.core.serialize:dumps",  # pickles functions too
    late=("numba.core.dispatcher:Dispatcher._cache",),  # where a dispatcher looks for kernels
)
ADDRESSES = Names(
    "kernels are compiled twice, the second time by numba.cfunc",
    "numba.core.codegen:JITCodeLibrary.get_pointer_to_function",  # the address of a function of a library
    "numba.core.compiler:CompileResult.fndesc",  # the description of a compiled function
    "numba.core.compiler:CompileResult.library",  # its machine code
    "numba.core.funcdesc:FunctionDescriptor.llvm_cfunc_wrapper_name",  # the name of the one that C may call
)
REFERENCES = Names(
    "kernels count references and are slower",
    "numba.core.options:DefaultOptions._nrt",  # functions that kernels call neither allocate nor count references
)
SETTINGS = Names(
    "NUMBA_ variables that change after the import may change what is compiled",
    "numba.core.config:reload_config",  # reads them; Numba would do so while it compiles
)
LOCKS = Names(
    "a child of a fork may hang if another thread compiled meanwhile",
    "numba.core.compiler_lock:global_compiler_lock",  # held while Numba compiles
    "numba.np.ufunc.parallel:_backend_init_thread_lock",  # held while threads are started
    "llvmlite.binding.ffi:lib._lock._lock",  # held while LLVM works
)
CUDA_IMPORT = Names(
    "kernels for a GPU need NumPy before 2.5",
    "numba.cuda.np.arrayobj:",  # the module that names numpy.row_stack, imported while that is there
)
CUDA_CACHE = Names(
    "kernels for a GPU are compiled in every process",
    "numba.core.serialize:dumps",  # as for the CPU
    "numba.core.target_extension:target_override",  # for what numba is to look up functions
    "numba.cuda.dispatcher:_Kernel._rebuild",  # a kernel from what was on disk
    "numba.cuda.dispatcher:_Kernel._reduce_states",  # what of a kernel goes to disk
    late=("numba.cuda.dispatcher:CUDADispatcher._cache",),  # where a dispatcher looks for kernels
)
CUDA_LAUNCH = Names(
    "kernels are launched on a GPU by Numba's own launch, which is slow",
    "numba.cuda.codegen:CUDACodeLibrary.get_cufunc",  # the kernel as the driver has it
    "numba.cuda.dispatcher:_Kernel.bind",  # loads a kernel onto the current device
    late=("numba.cuda.dispatcher:_Kernel._codelibrary",),  # a kernel's machine code
)
CUDA_ROUNDING = Names(
    "on a GPU products may be fused with sums, and results differ from the CPU's in the last digits",
    "numba.cuda.cudadrv.nvvm:",  # the module of the next one
    "numba.cuda.cudadrv.nvvm:compile_ir",  # from LLVM's language to PTX, with options of NVVM
)

for _group in (LOWERING, LITERALS, CACHE, ADDRESSES, REFERENCES, SETTINGS, LOCKS):
    bool(_group)
warn()
