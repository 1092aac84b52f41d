"""Arrays of Dask: one task for each chunk, and results that are lazy, with the same chunks.

A mean is exact over all chunks: each has its sum, divided by the weights of all, which are known before.
"""

import math
import sys
from math import prod
from typing import Any

import numpy as np

from .._cpu.evaluate import total_weight
from .._request import checks
from .._request.arrays import is_number, on_gpu
from .._request.description import Categorical, Description, Request
from .._request.geometry import geometry
from .._request.weights import hidden, is_masked, without

METHODS = {(True, 0): "loss", (False, 1): "gradient", (True, 1): "loss_gradient", (False, 2): "gradient_hessian"}
"""Which method gives what, by whether the loss is wanted, and the order of derivatives."""


def is_lazy(value: Any) -> bool:
    """Whether it is an array of Dask; Dask is not imported to ask."""
    dask = sys.modules.get("dask.array")
    return dask is not None and isinstance(value, dask.Array)


def lazy_argument(arguments: dict[str, Any]) -> str | None:
    """The first argument that is an array of Dask."""
    return next((name for name, value in arguments.items() if is_lazy(value)), None)


def evaluate(loss: Any, request: Request) -> tuple[Any, Any, Any]:
    """Lazy loss, gradient and Hessian of a loss object; None for what is not wanted."""
    import dask
    import dask.array as da

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
    blocks = list(np.ndindex(*p.numblocks))
    parts = [(_at(y, b, axis), tuple(c[k] for c, k in zip(p.chunks, b, strict=True)), _at(w, b, axis)) for b in blocks]
    scale = _scale(loss, request, p, parts, number)
    method = METHODS[request.valued, request.order]
    reduction = "none" if request.reduction == "none" else "sum"
    run = dask.delayed(_block, pure=True)
    found = [run(loss, method, reduction, y, p.blocks[b], w, number, scale)
             for b, (y, _, w) in zip(blocks, parts, strict=True)]  # fmt: skip
    value = gradient = hessian = None
    if request.valued and reduction == "none":
        shape = tuple(c for k, c in enumerate(p.chunks) if k != axis)
        real = np.float64 if p.dtype == np.float64 else np.float32
        values = [f[0] if request.order else f for f in found]
        value = _assembled(values, blocks, shape, real, p, axis)
    elif request.valued:
        values = [f[0] if request.order else f for f in found]
        value = da.from_delayed(dask.delayed(_total)(values), (), np.float64)
    if request.order == 1:
        gradient = _assembled([f[1] if request.valued else f for f in found], blocks, p.chunks, p.dtype, p, None)
    elif request.order == 2:
        gradient, hessian = (_assembled([f[k] for f in found], blocks, p.chunks, p.dtype, p, None) for k in (0, 1))
    return value, gradient, hessian


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
    import dask.array as da

    array = _with_known_chunks(name, argument, value) if is_lazy(value) else da.from_array(np.asarray(value))
    shape = p.shape if axis is None or array.ndim == p.ndim else p.shape[:axis] + p.shape[axis + 1 :]
    if array.shape != shape:
        raise ValueError(f"{name}: {argument} has shape {array.shape}, y_pred has shape {p.shape}; expected {shape}")
    lacking = array.ndim < p.ndim
    return array.rechunk(tuple(c for k, c in enumerate(p.chunks) if not lacking or k != axis))


def _weights(name: str, value: Any, p: Any, axis: int | None) -> tuple[Any, Any]:
    """Weights in the chunks of the examples, or one number."""
    import dask.array as da

    if value is None or is_number(value):
        return None, value
    array = value if is_lazy(value) else da.from_array(np.asarray(value))
    examples = tuple(n for k, n in enumerate(p.shape) if k != axis)
    chunks = tuple(c for k, c in enumerate(p.chunks) if k != axis)
    array = array.reshape(checks.weight_shape(name, array, examples))
    fitting = zip(array.shape, examples, chunks, strict=True)
    return array.rechunk(tuple(c if n == m else (1,) for n, m, c in fitting)), None


def _at(array: Any, block: tuple[int, ...], axis: int | None) -> Any:
    """The chunk of an array that belongs to a block of predictions."""
    if array is None:
        return None
    if array.ndim < len(block):
        block = tuple(k for place, k in enumerate(block) if place != axis)
    return array.blocks[tuple(min(k, n - 1) for k, n in zip(block, array.numblocks, strict=True))]


def _scale(loss: Any, request: Request, p: Any, parts: list[tuple[Any, Any, Any]], number: Any) -> Any:
    """What weights are multiplied by: for a mean, one over the weights of all chunks."""
    known, reduction = loss._description, request.reduction
    if reduction in ("sum", "none"):
        return 1.0
    classed = isinstance(known, Categorical)
    examples = prod(n for k, n in enumerate(p.shape) if not classed or k != known.axis % p.ndim)
    plain = all(w is None for _, _, w in parts) and not known.leaves_out and not (classed and known.factors is not None)
    if reduction == "sum_over_batch_size" or plain:
        total = examples * (1.0 if number is None or reduction != "mean" else float(number))
        return 1 / total if total else 0.0
    import dask

    masses = [dask.delayed(_mass)(loss, y, shape, w, number) for y, shape, w in parts]
    return dask.delayed(_inverse)(masses)


def _mass(loss: Any, y: Any, shape: tuple[int, ...], w: Any, number: Any) -> float:
    """The weights of all examples of a chunk; they are added on the CPU."""
    known, y, w = loss._description, _on_cpu(y), _on_cpu(w)
    p = np.broadcast_to(np.float64(0), shape)
    found = geometry(known, np.asarray(y), p, float_labels=True)
    weights = None if w is None else np.asarray(w).reshape(checks.weight_shape(known.name, w, found.examples))
    if is_masked(y) or is_masked(w):
        unseen = hidden(found.examples, found.axis, y, p, w)
        weights = weights if unseen is None else without(unseen, weights, np.float64)
    total = total_weight(known, found, np.asarray(y), weights, np.float64) if p.size else 0.0
    return total * (1.0 if number is None else float(number))


def _on_cpu(array: Any) -> Any:
    return array.get() if on_gpu(array) else array


def _inverse(masses: list[float]) -> float:
    total = math.fsum(masses)
    return 1 / total if total else 0.0


def _total(parts: list[Any]) -> Any:
    """The sum of the sums of all chunks."""
    return np.float64(math.fsum(float(part) for part in parts))


def _block(loss: Any, method: str, reduction: str, y: Any, p: Any, w: Any, number: Any, scale: float) -> Any:
    """A method of the loss on a chunk."""
    weight = w
    if w is None and (number is not None or scale != 1):
        weight = scale * (1.0 if number is None else float(number))
    elif w is not None and scale != 1:
        weight = w * scale
    return getattr(loss, method)(y, p, weight, reduction=reduction)


def _assembled(parts: list[Any], blocks: list[Any], chunks: Any, dtype: Any, p: Any, axis: int | None) -> Any:
    """Results of chunks as an array; axis: that of p which they lack."""
    import dask.array as da

    pieces: dict[tuple[int, ...], Any] = {}
    for part, block in zip(parts, blocks, strict=True):
        place = tuple(k for d, k in enumerate(block) if d != axis)
        shape = tuple(c[k] for c, k in zip(chunks, place, strict=True))
        pieces[place] = da.from_delayed(part, shape, dtype, meta=p._meta)

    def nested(place: tuple[int, ...]) -> Any:
        if len(place) == len(chunks):
            return pieces[place]
        return [nested((*place, k)) for k in range(len(chunks[len(place)]))]

    return da.block(nested(())) if chunks else pieces[()]
