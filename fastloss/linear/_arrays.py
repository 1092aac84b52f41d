"""Matrices of NumPy, of SciPy (sparse) and of CuPy or torch on a GPU, by what they have in common."""

from typing import Any

import numpy as np

from .._request.arrays import describe, on_gpu


def is_sparse(matrix: Any) -> bool:
    """Whether it is a sparse matrix or array of SciPy."""
    return hasattr(matrix, "tocsr") and hasattr(matrix, "toarray")


def as_matrix(name: str, argument: str, given: Any) -> Any:
    """A matrix of float32 or float64, where it is; TypeError or ValueError for anything else."""
    if on_gpu(given) and not type(given).__module__.startswith("cupy"):
        raise TypeError(f"{name}: {argument} is a {describe(given)}, expected a matrix of NumPy, SciPy or CuPy; "
                        "cupy.from_dlpack takes arrays of others")  # fmt: skip
    matrix = given if on_gpu(given) or is_sparse(given) else np.asarray(given)
    if matrix.ndim != 2:
        raise ValueError(f"{name}: {argument} has shape {tuple(matrix.shape)}, expected a matrix")
    if str(matrix.dtype).removeprefix("torch.") not in ("float32", "float64"):
        raise TypeError(f"{name}: {argument} has dtype {matrix.dtype}, expected float32 or float64")
    return matrix
