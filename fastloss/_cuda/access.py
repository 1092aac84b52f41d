"""How the elements of rows are read and written: one by one, or all those of 16 bytes at once."""

from typing import Any, NamedTuple

import numpy as np
from numba import cuda

from .._compile.cuda import device
from .._compile.cuda_memory import VECTORS, load, store
from .._compile.jit import scalar
from .formats import Format


class Access(NamedTuple):
    """How elements are read and written: logits or probabilities, dense targets, derivatives."""

    width: int
    """How many neighbouring classes a thread takes at a time: all those of 16 bytes, or one."""
    read: Any
    """read(base, index): one logit or probability."""
    target: Any
    """target(base, index): one dense target."""
    read_tile: Any
    """read_tile(base, start, k, inner, values): classes k, k + 1, ... of the row that begins at start."""
    target_tile: Any
    write_tile: Any


@scalar
def class_at(labels: Any, row: Any, kind: Any) -> Any:
    """The class index of a row; kind is the size of an index, negative if unsigned."""
    if kind == 8:
        return load(labels, row, np.int64)
    if kind == 4:
        return np.int64(load(labels, row, np.int32))
    if kind == 2:
        return np.int64(load(labels, row, np.int16))
    if kind == 1:
        return np.int64(load(labels, row, np.int8))
    if kind == -4:
        return np.int64(load(labels, row, np.uint32))
    if kind == -2:
        return np.int64(load(labels, row, np.uint16))
    if kind == -1:
        return np.int64(load(labels, row, np.uint8))
    large = load(labels, row, np.int64)  # uint64: from 2^63 on it looks negative, and is no class, nor ignored
    return large if large >= 0 else np.int64(-(2**63))


def access(real: Any, label: Format | None, pred: Format, grad_format: Format, aligned: bool) -> Access:
    """How the elements of arrays of these formats are read as real, and real is written to them.

    aligned: classes lie side by side, rows begin at multiples of 16 bytes of y_pred and their length is one.
    """
    width = 16 // np.dtype(pred.storage).itemsize if aligned else 1
    target = label or pred
    return Access(width, reader(pred, real), reader(target, real), _read_tile(pred, real, width),
                  _read_tile(target, real, width), _write_tile(grad_format, width))  # fmt: skip


def reader(form: Format, real: Any) -> Any:
    """read(base, index): one element of this format as real."""
    kind, convert, special = form.storage, form.read, form.read is not None

    @scalar
    def read(base, index):
        bits = load(base, index, kind)
        return real(convert(bits)) if special else real(bits)

    return read


def _read_tile(form: Format, real: Any, width: int) -> Any:
    kind, convert, special, vector = form.storage, form.read, form.read is not None, width > 1
    load_vector, read = VECTORS.get(width, (None, None))[0], reader(form, real)

    @device
    def read_tile(base, start, k, inner, values):
        if vector:
            bits = cuda.local.array(width, kind)
            load_vector(base, start + k, bits)
            for j in range(width):
                values[j] = real(convert(bits[j])) if special else real(bits[j])
        else:
            values[0] = read(base, start + k * inner)

    return read_tile


def _write_tile(form: Format, width: int) -> Any:
    kind, convert, special, vector = form.storage, form.write, form.write is not None, width > 1
    store_vector = VECTORS.get(width, (None, None))[1]

    @device
    def write_tile(base, start, k, inner, values):
        if vector:
            bits = cuda.local.array(width, kind)
            for j in range(width):
                bits[j] = convert(values[j]) if special else kind(values[j])
            store_vector(base, start + k, bits)
        else:
            store(base, start + k * inner, convert(values[0]) if special else kind(values[0]))

    return write_tile
