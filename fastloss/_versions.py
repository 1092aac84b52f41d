"""What a bug report needs."""

import importlib.metadata
import importlib.util
import platform
import sys


def show_versions() -> None:
    """Print versions, threads and threading layer, CUDA seen or why not, and the folder of compiled kernels.

    >>> import fastloss
    >>> fastloss.show_versions()  # doctest: +ELLIPSIS
    fastloss ...
    """
    import llvmlite.binding
    import numba
    import numpy

    from . import __version__
    from ._compile.cache import cache_folder
    from ._compile.threads import layer

    lines = [
        ("fastloss", __version__),
        ("python", f"{platform.python_implementation()} {sys.version.split()[0]} on {platform.platform()}"),
        ("numpy", numpy.__version__),
        ("numba", f"{numba.__version__}, llvmlite {importlib.metadata.version('llvmlite')}"),
        ("cpu", f"{llvmlite.binding.get_host_cpu_name()} ({platform.machine()})"),
        ("threads", _threads(layer())),
        ("cuda", _cuda()),
        ("kernel cache", cache_folder() or "none: no folder is writable, kernels are compiled in every process"),
    ]
    for name, value in lines:
        print(f"{name:13} {value}")


def _threads(layer: str) -> str:
    import numba

    if not layer:
        return "1, layer none"
    return f"{numba.get_num_threads()} of {numba.config.NUMBA_NUM_THREADS}, layer {layer}"


def _cuda() -> str:
    if importlib.util.find_spec("numba_cuda") is None:
        return "not seen: the package numba-cuda is not installed"
    try:
        from numba import cuda

        return (
            cuda.get_current_device().name.decode() if cuda.is_available() else "not seen: no usable driver or device"
        )
    except Exception as error:  # a broken driver may raise anything; a report must still be printed
        return f"not seen: {error}"
