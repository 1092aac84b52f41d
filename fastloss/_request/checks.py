"""Checks of arguments. A message names the loss, the argument, what came and what was expected."""

from typing import Any

import numpy as np

from .arrays import describe, on_gpu

REDUCTIONS = ("mean", "sum", "sum_over_batch_size", "none")
HALF = ("float16", "bfloat16")


def as_array(name: str, argument: str, given: Any) -> Any:
    """An argument as NumPy's array of numbers; TypeError or ValueError for None, a sparse matrix, uneven rows."""
    try:
        array = np.asarray(given)
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        hint = "; convert it with .float()" if "bfloat16" in str(getattr(given, "dtype", "")) else ""
        raise kind(f"{name}: {argument} is {article(given)} that NumPy cannot read ({error}), expected "
                   f"an array of numbers{hint}") from error  # fmt: skip
    if array.dtype.kind == "O":
        hint = "; make it dense with .toarray()" if hasattr(given, "toarray") else ""
        hint = "; convert it with .astype(float)" if array.ndim else hint
        what = "an array of objects" if array.ndim else article(given)
        raise TypeError(f"{name}: {argument} is {what}, expected an array of numbers{hint}")
    return array


def real_dtype(name: str, array: Any, argument: str = "y_pred", y_true: Any = None) -> Any:
    """The dtype that predictions are computed in; TypeError if it is not a float of 16, 32 or 64 bits."""
    dtype = array.dtype
    if dtype.type is np.float32 or dtype.type is np.float64:
        return dtype.type
    if dtype.name in HALF:
        return np.float32
    hint = "; convert integers with .astype(numpy.float32)" if dtype.kind in "iub" else ""
    hint = "; convert it with .astype(numpy.float64)" if dtype.type is np.longdouble else hint
    if dtype.kind in "iub" and y_true is not None and is_float(y_true.dtype):
        hint += "; or are y_true and y_pred swapped?"
    raise TypeError(f"{name}: {argument} has dtype {dtype}, expected float32, float64, float16 or bfloat16{hint}")


def article(value: Any) -> str:
    """The name of a value's type with its article: an int, a list."""
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'aeiouAEIO' or kind.startswith('nd') else 'a'} {kind}"


def is_float(dtype: Any) -> bool:
    """Whether a dtype is one of NumPy's floats, or bfloat16; ml_dtypes has others, some of the same kind."""
    plain = dtype.kind == "f" and dtype.itemsize > 1 and dtype.type.__module__ == "numpy"
    return plain or dtype.name in HALF


def is_real(dtype: Any) -> bool:
    """Whether a dtype holds real numbers: integers and bool too."""
    return dtype.kind in "iub" or is_float(dtype)


def label(name: str, dtype: Any) -> None:
    """TypeError unless y_true's dtype holds real numbers."""
    if not is_real(dtype):
        raise TypeError(f"{name}: y_true has dtype {dtype}, expected a real number, an integer or bool")


def reduction(name: str, value: Any) -> None:
    """ValueError unless value names a reduction."""
    if not isinstance(value, str) or value not in REDUCTIONS:
        raise ValueError(f"{name}: reduction is {value!r}, expected one of {', '.join(map(repr, REDUCTIONS))}")


def weight_shape(name: str, w: Any, examples: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of sample_weight with as many dimensions as the per-example losses, broadcastable to them."""
    if not is_real(w.dtype):
        raise TypeError(f"{name}: sample_weight has dtype {w.dtype}, expected real numbers")
    padded: tuple[int, ...] = tuple(w.shape) + (1,) * (len(examples) - w.ndim)
    if w.ndim > len(examples) or any(s not in (1, n) for s, n in zip(padded, examples, strict=True)):
        raise ValueError(
            f"{name}: sample_weight has shape {w.shape}, expected a number or an array that fits the losses of shape "
            f"{examples}: in each dimension, from the left, that size or 1"
        )
    return padded


def output(name: str, label: str, out: Any, shape: tuple[int, ...], inputs: dict[str, Any]) -> Any:
    """The NumPy array behind an out argument; errors if results cannot be written there."""
    buffer = out if type(out) is np.ndarray else _as_buffer(name, label, out)
    if buffer.shape != shape:
        raise ValueError(f"{name}: {label} has shape {buffer.shape}, expected {shape}")
    if not is_float(buffer.dtype):
        raise TypeError(f"{name}: {label} has dtype {buffer.dtype}, expected a float dtype")
    if not buffer.flags.writeable:
        raise ValueError(f"{name}: {label} is read-only, expected a writeable array")
    if buffer.size and any(step == 0 and n > 1 for step, n in zip(buffer.strides, shape, strict=True)):
        raise ValueError(f"{name}: {label} has strides {buffer.strides}, by which elements share memory; expected an "
                         "array of its own")  # fmt: skip
    for argument, array in inputs.items():
        if argument in ("y_pred", "z") and same_memory(buffer, array):
            continue
        if np.may_share_memory(buffer, array) and np.shares_memory(buffer, array):
            other = (
                "; only y_pred itself may be overwritten"
                if argument not in ("y_pred", "z")
                else ", but is not the same array"
            )
            raise ValueError(f"{name}: {label} overlaps {argument}{other}")
    return buffer


def _as_buffer(name: str, label: str, out: Any) -> Any:
    if on_gpu(out):
        raise TypeError(
            f"{name}: {label} is a {describe(out)}, y_pred is on the CPU; expected all arrays on one device"
        )
    if hasattr(type(out), "__array_interface__") or hasattr(type(out), "__array__"):
        buffer = np.asarray(out)
        if buffer.__array_interface__["data"][0] != np.asarray(out).__array_interface__["data"][0]:
            raise TypeError(f"{name}: {label} is a {describe(out)} that gives copies, expected an array to write to")
        return buffer
    raise TypeError(f"{name}: {label} is {article(out)}, expected an array to write to")


def same_memory(a: Any, b: Any) -> bool:
    """Whether two arrays are the same elements of the same memory."""
    return a is b or (
        a.dtype == b.dtype
        and a.shape == b.shape
        and a.strides == b.strides
        and np.may_share_memory(a, b)  # cheap, and mostly says no
        and a.__array_interface__["data"][0] == b.__array_interface__["data"][0]
    )
