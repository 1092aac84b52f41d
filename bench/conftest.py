"""Options of the benchmarks, and what is saved about the machine."""

import importlib.util
import os
from typing import Any

import pytest

from .report.versions import installed_versions

collect_ignore = ["cases", "peers", "timing", "report", "gpu"]
"""They hold no tests, and --doctest-modules would import packages that may be missing."""

CPU_PACKAGES = ("numpy", "numba", "llvmlite", "scikit-learn", "torch", "jax", "jaxlib", "ml_dtypes", "pytest-benchmark")

LOAD = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
"""The load average when the benchmarks start: near 0 on a quiet machine."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """--quick."""
    parser.addoption("--quick", action="store_true", help="benchmarks: one size of each loss, fewer rounds")


def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    """Add versions and threads to what pytest-benchmark saves, and leave out the name of the machine."""
    import numba

    machine_info.pop("node", None)
    machine_info["versions"] = {"python": machine_info.get("python_version")} | installed_versions(CPU_PACKAGES)
    machine_info["hardware"] = {
        "cpu": machine_info.get("cpu", {}).get("brand_raw", "unknown"),
        "cores": _cores(),
        "hardware threads": os.cpu_count(),
        "threads used": numba.get_num_threads(),
        "numba threading layer": _layer(),
        "load at start": LOAD,
    }


def _cores() -> int | None:
    """Physical cores, if joblib is there to count them."""
    if importlib.util.find_spec("joblib") is None:  # comes with scikit-learn
        return None
    import joblib

    return int(joblib.cpu_count(only_physical_cores=True))


def _layer() -> str:
    """Numba's threading layer."""
    import numba

    try:
        return str(numba.threading_layer())
    except ValueError:  # nothing ran in parallel
        return "not started"
