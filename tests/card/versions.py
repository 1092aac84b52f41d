"""What is installed here, and which GPU; ends with 1 where no array can be put on one."""

import importlib.metadata
import os
import platform
import subprocess
import sys

from tests.devices import libraries

PACKAGES = ("numpy", "numba", "llvmlite", "numba-cuda", "cupy-cuda13x", "cupy-cuda12x", "torch", "triton",
            "ml-dtypes", "nvidia-nvjitlink", "nvidia-cuda-nvrtc", "nvidia-nvvm", "cuda-bindings", "pytest")  # fmt: skip


def installed(package: str) -> str | None:
    """A package and its version, if it is installed."""
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return None


def card() -> str:
    """The GPU, as its driver's own tool names it."""
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total,compute_cap", "--format=csv,noheader"]
    try:
        return subprocess.run(query, capture_output=True, text=True, timeout=30, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError) as reason:
        return f"no answer from nvidia-smi: {reason}"


def main() -> int:
    """Print all of it."""
    print(card())
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs, {platform.machine()}")
    print(", ".join(filter(None, map(installed, PACKAGES))), flush=True)
    names = [library.name for library in libraries()]
    print(f"arrays on a GPU: {', '.join(names)}" if names else "no array can be put on a GPU here", flush=True)
    if not names:
        return 1
    from numba import cuda

    compiled = cuda.jit(lambda: None)
    print(f"compute capability {cuda.get_current_device().compute_capability}; nvJitLink links, with LTO: "
          f"{bool(compiled.targetoptions['lto'])}")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
