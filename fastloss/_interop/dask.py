"""Arrays of Dask: one task for each chunk, and results that are lazy, with the same chunks.

A mean is exact over all chunks: each has its sum, divided by the weights of all, which are known before.
"""

import sys
from math import prod
from typing import Any

import numpy as np

from .._cpu.evaluate import total_weight, weights_of
from .._request import checks
from .._request.arrays import is_number, on_gpu
from .._request.description import Categorical, Description, Request
from .._request.geometry import geometry
from .._request.weights import is_masked

METHODS = {(True, 0): "loss", (False, 1): "gradient", (True, 1): "loss_gradient", (False, 2): "gradient_hessian"}
"""Which method gives what, by whether the loss is wanted, and the order of derivatives."""


def is_lazy(value: Any) -> bool:
    """Whether it is an array of Dask; Dask is not imported to ask."""
    dask = sys.modules.get("dask.array")
    return dask is not None and isinstance(value, dask.Array)


def evaluate(loss: Any, request: Request) -> tuple[Any, Any, Any]:
    """Lazy loss, gradient and Hessian of a loss object; None for what is not wanted."""
    known: Description = loss._description
    checks.reduction(known.name, request.reduction)
    p = request.y_pred
    if not is_lazy(p):
        raise TypeError(f"{known.name}: y_pred is a {type(p).__name__}, other arguments are arrays of Dask; expected "
                        "one too: dask.array.from_array(y_pred)")  # fmt: skip
    if any(out is not None for out in (request.losses, request.gradient, request.hessian)):
        raise TypeError(f"{known.name}: out was given with arrays of Dask, which cannot be written; expected None")
    axis = _class_axis(known, p)
    p = _with_known_chunks(known.name, "y_pred", p)
    y = _aligned(known.name, "y_true", request.y_true, p, axis)
    w, number = _weights(known.name, request.sample_weight, p, axis)
    scale = _scale(loss, request, p, y, w, number, axis)
    reduction = "none" if request.reduction == "none" else "sum"
    method = METHODS[request.valued, request.order]
    results = _by_chunk(
        _block, p, y, w, axis, loss=loss, method=method, reduction=reduction, number=number, scale=scale
    )
    single = request.order == 0 or not (request.valued or request.order == 2)
    parts = [results] if single else [results.map_blocks(_part, k=k, dtype=p.dtype, meta=p._meta) for k in (0, 1)]
    value = _value(parts.pop(0), p, axis, reduction) if request.valued else None
    return value, *[*parts, None, None][:2]


def _axes(p: Any, array: Any, axis: int | None) -> tuple[int, ...]:
    """The axes of p that an array has."""
    return tuple(k for k in range(p.ndim) if array.ndim == p.ndim or k != axis)


def _by_chunk(function: Any, p: Any, y: Any, w: Any, axis: int | None, **options: Any) -> Any:
    """An array whose chunks are what function gives for those of p, y and w, be they arrays or not."""
    import dask.array as da

    arrays = [(p, tuple(range(p.ndim))), (y, _axes(p, y, axis))]
    if w is not None:
        arrays.append((w, tuple(k for k in range(p.ndim) if k != axis)))
    flat = [item for pair in arrays for item in pair]
    return da.blockwise(function, arrays[0][1], *flat, dtype=p.dtype, meta=p._meta, align_arrays=False, **options)


def _value(losses: Any, p: Any, axis: int | None, reduction: str) -> Any:
    """The loss of all chunks: their sum, or the array of losses."""
    import dask.array as da

    if reduction == "none":
        dtype = np.float64 if p.dtype == np.float64 else np.float32
        every, kept = tuple(range(p.ndim)), tuple(k for k in range(p.ndim) if k != axis)
        meta = np.empty_like(p._meta, dtype, shape=(0,) * len(kept))
        return da.blockwise(_losses, kept, losses, every, dtype=dtype, meta=meta, concatenate=False, align_arrays=False)
    ones = tuple((1,) * n for n in p.numblocks)
    return losses.map_blocks(_number, ndim=p.ndim, dtype=np.float64, chunks=ones, meta=np.empty((0,) * p.ndim)).sum()


def _part(chunk: Any, k: int) -> Any:
    return chunk[k]


def _losses(chunk: Any) -> Any:
    """The losses of a chunk, which comes in a list where the axis of the classes is gone."""
    return chunk[0] if isinstance(chunk, list) else chunk


def _number(chunk: Any, ndim: int) -> Any:
    return np.full((1,) * ndim, float(chunk))


def activate(loss: Any, z: Any) -> Any:
    """The lazy activation."""
    _class_axis(loss._description, z)
    return z.map_blocks(loss.activate, dtype=z.dtype, meta=z._meta)


def _class_axis(known: Description, p: Any) -> int | None:
    """The axis of the classes, which lies in one chunk; None where there is none."""
    if not isinstance(known, Categorical):
        if known.label_weights is not None and p.ndim and p.numblocks[-1] > 1:
            raise ValueError(f"{known.name}: y_pred has {p.numblocks[-1]} chunks on the axis of its labels, expected "
                             f"one beside a pos_weight for each; y_pred.rechunk({{{p.ndim - 1}: -1}})")  # fmt: skip
        return None
    if not -p.ndim <= known.axis < p.ndim:
        raise ValueError(f"{known.name}: axis is {known.axis}, y_pred has {p.ndim} dimensions; expected an axis of it")
    axis = known.axis % p.ndim
    if p.numblocks[axis] > 1:
        raise ValueError(f"{known.name}: y_pred has {p.numblocks[axis]} chunks on axis {axis} of its classes, expected "
                         f"one; y_pred.rechunk({{{axis}: -1}})")  # fmt: skip
    return int(axis)


def _with_known_chunks(name: str, argument: str, array: Any) -> Any:
    if any(n != n for chunks in array.chunks for n in chunks):
        raise ValueError(f"{name}: {argument} has chunks of unknown size, expected known ones; "
                         f"{argument}.compute_chunk_sizes()")  # fmt: skip
    return array


def _aligned(name: str, argument: str, value: Any, p: Any, axis: int | None) -> Any:
    """Targets in the chunks of the predictions."""
    array = _with_known_chunks(name, argument, value) if is_lazy(value) else _lazy(value)
    shape = p.shape if axis is None or array.ndim == p.ndim else p.shape[:axis] + p.shape[axis + 1 :]
    if array.shape != shape:
        raise ValueError(f"{name}: {argument} has shape {array.shape}, y_pred has shape {p.shape}; expected {shape}")
    lacking = array.ndim < p.ndim
    return array.rechunk(tuple(c for k, c in enumerate(p.chunks) if not lacking or k != axis))


def _lazy(value: Any) -> Any:
    """An array of Dask, masked where it was."""
    import dask.array as da

    return da.from_array(value, asarray=False) if is_masked(value) else da.from_array(np.asarray(value))


def _is_masked(array: Any) -> bool:
    """Whether chunks are masked, as far as the array knows."""
    return array is not None and is_masked(array._meta)


def _weights(name: str, value: Any, p: Any, axis: int | None) -> tuple[Any, Any]:
    """Weights in the chunks of the examples, or one number."""
    if value is None or is_number(value):
        if value is not None and value < 0:
            raise ValueError(f"{name}: sample_weight is {value}, expected a weight >= 0")
        return None, value
    array = _with_known_chunks(name, "sample_weight", value) if is_lazy(value) else _lazy(value)
    examples = tuple(n for k, n in enumerate(p.shape) if k != axis)
    chunks = tuple(c for k, c in enumerate(p.chunks) if k != axis)
    array = array.reshape(checks.weight_shape(name, array, examples))
    fitting = zip(array.shape, examples, chunks, strict=True)
    return array.rechunk(tuple(c if n == m else (1,) for n, m, c in fitting)), None


def _scale(loss: Any, request: Request, p: Any, y: Any, w: Any, number: Any, axis: int | None) -> Any:
    """What weights are multiplied by: for a mean, one over the weights of all chunks."""
    known, reduction = loss._description, request.reduction
    if reduction in ("sum", "none"):
        return 1.0
    examples = prod(n for k, n in enumerate(p.shape) if k != axis)
    masked = any(map(_is_masked, (y, p, w)))
    plain = w is None and not masked and not known.leaves_out and not (axis is not None and known.factors is not None)
    if reduction == "sum_over_batch_size" or plain:
        total = examples * (1.0 if number is None or reduction != "mean" else float(number))
        return 1 / total if total else 0.0
    import dask
    import dask.array as da

    shape = p if masked else da.zeros(p.shape, chunks=p.chunks, dtype=np.int8)  # p would be computed for its shape
    total = _value(_by_chunk(_mass, shape, y, w, axis, loss=loss, number=number), shape, None, "sum")
    return dask.delayed(_inverse)(total)


def _mass(p: Any, y: Any, w: Any = None, *, loss: Any, number: Any) -> float:
    """The weights of all examples of a chunk; they are added on the CPU."""
    known, y, w = loss._description, _on_cpu(y), _on_cpu(w)
    p = p if is_masked(p) else np.broadcast_to(np.float64(0), p.shape)
    found = geometry(known, np.asarray(y), p, float_labels=True)
    _, weights = weights_of(known, found, Request(y, p, w, "sum", 0, True), np.float64)
    total = total_weight(known, found, np.asarray(y), weights, np.float64) if p.size else 0.0
    return total * (1.0 if number is None else float(number))


def _on_cpu(array: Any) -> Any:
    return array.get() if on_gpu(array) else array


def _inverse(total: Any) -> float:
    return 1 / float(total) if total else 0.0


def _block(p: Any, y: Any, w: Any = None, *, loss: Any, method: str, reduction: str, number: Any, scale: float) -> Any:
    """A method of the loss on a chunk."""
    weight = w
    if w is not None and (w < 0).any():
        raise ValueError(f"{type(loss).__name__}: a chunk of sample_weight has {w.min()}, expected weights >= 0")
    if w is None and (number is not None or scale != 1):
        weight = scale * (1.0 if number is None else float(number))
    elif w is not None and scale != 1:
        weight = w * scale
    return getattr(loss, method)(y, p, weight, reduction=reduction)
