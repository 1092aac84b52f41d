"""How the elements of rows are read and written: into registers at once or tile by tile, by 16 bytes where they can."""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import cuda

from .._compile.cuda import device
from .._compile.cuda_memory import VECTORS, load, store
from .._compile.jit import scalar
from .formats import Format, packer
from .staging import staging
from .tiling import Tiling


class Access(NamedTuple):
    """Functions that move the elements of a row, tile by tile: tile number i of a thread begins with class k.

    values: a local array of a tile. held: a local array of what the thread keeps of its row, if it keeps it. stage:
    shared memory of the block.
    """

    width: int
    """Classes of a tile."""
    stride: int
    """From a thread's tile to its next."""
    begin: Any
    """begin(place): the first class of its first tile."""
    more: Any
    """more(place, i, k): whether the thread has such a tile."""
    inside: Any
    """inside(place, i, k): whether such a tile lies in the row; of what is kept, some do not."""
    fetch: Any
    """fetch(base, place, held, stage, wanted): read a whole row, where it is kept or staged; -inf for no class."""
    one: Any
    """one(base, place, stage, k): class k, after fetch."""
    get: Any
    """get(base, place, held, stage, i, k, values)"""
    target: Any
    """target(base, place, k, values): of dense targets; 0 for no class."""
    put: Any
    """put(base, place, held, stage, i, k, values): results, written at once or kept."""
    finish: Any
    """finish(base, place, held, stage, k, value): write what was not written yet; then value to class k, if k >= 0."""


def access(real: Any, label: Format | None, pred: Format, grad_format: Format, tiling: Tiling) -> Access:
    """How the elements of arrays of these formats are read as real, and real is written to them."""
    width, threads, steps, beside = tiling.width, tiling.threads, tiling.steps, tiling.beside
    read, target_tile = reader(pred, real), _read_tile(label or pred, real, width)
    read_tile, write_tile, write = _read_tile(pred, real, width), _write_tile(grad_format, width), writer(grad_format)
    keeps, staged, stride, alone = tiling.keeps, tiling.staged, threads * width, threads == 1
    take_in, row_from, class_from, row_to, class_to, give_out = staging(real, pred, grad_format, tiling)

    @device
    def begin(place):
        return place.g * width

    @device
    def more(place, i, k):
        return i < steps if keeps else k < place.classes

    @device
    def inside(place, i, k):
        """Of what is kept, only the last tile may lie behind the row."""
        return not keeps or alone or i < steps - 1 or k < place.classes

    @device
    def at(place, k):
        return place.start + (k * place.inner if beside else k)

    @device
    def fetch(base, place, held, stage, wanted):
        if staged:
            take_in(base, place, stage)
            if keeps:
                row_from(stage, place, held)
        elif keeps:
            values = cuda.local.array(width, real)
            i, k = 0, begin(place)
            while i < steps:
                if wanted and inside(place, i, k):
                    read_tile(base, at(place, k), values)
                else:
                    for j in range(width):
                        values[j] = real(-math.inf)
                for j in range(width):
                    held[i * width + j] = values[j]
                i += 1
                k += stride

    @device
    def one(base, place, stage, k):
        if staged:
            return class_from(stage, place, k)
        return read(base, at(place, k))

    @device
    def get(base, place, held, stage, i, k, values):
        if keeps:
            for j in range(width):
                values[j] = held[i * width + j]
        elif staged:
            values[0] = class_from(stage, place, k)
        else:
            read_tile(base, at(place, k), values)

    @device
    def target(base, place, k, values):
        if k < place.classes:
            target_tile(base, at(place, k), values)
        else:
            for j in range(width):
                values[j] = real(0)

    @device
    def put(base, place, held, stage, i, k, values):
        if keeps:
            for j in range(width):
                held[i * width + j] = values[j]
        elif staged:
            class_to(stage, place, k, values[0])
        else:
            write_tile(base, at(place, k), values)

    @device
    def owner(place, k):
        """Whether class k is of a tile of this thread."""
        return k >= 0 and k // width & (threads - 1) == place.g

    @device
    def finish(base, place, held, stage, k, value):
        if staged:
            if keeps:
                row_to(stage, place, held)
            if owner(place, k):
                class_to(stage, place, k, value)
            give_out(base, place, stage)
        elif place.live:
            if keeps:
                values = cuda.local.array(width, real)
                i, first = 0, begin(place)
                while i < steps:
                    if inside(place, i, first):
                        for j in range(width):
                            values[j] = held[i * width + j]
                        write_tile(base, at(place, first), values)
                    i += 1
                    first += stride
            if owner(place, k):  # the same thread that has written its tile
                write(base, at(place, k), value)

    return Access(width, stride, begin, more, inside, fetch, one, get, target, put, finish)


def reader(form: Format, real: Any) -> Any:
    """read(base, index): one element of this format as real."""
    kind, convert, special = form.storage, form.read, form.read is not None

    @scalar
    def read(base, index):
        bits = load(base, index, kind)
        return real(convert(bits)) if special else real(bits)

    return read


def writer(form: Format) -> Any:
    """write(base, index, value): one element of this format."""
    kind, convert, special = form.storage, form.write, form.write is not None

    @scalar
    def write(base, index, value):
        store(base, index, convert(value) if special else kind(value))

    return write


def _read_tile(form: Format, real: Any, width: int) -> Any:
    kind, convert, special, vector = form.storage, form.read, form.read is not None, width > 1
    load_vector, read = VECTORS.get(width, (None, None))[0], reader(form, real)

    @device
    def read_tile(base, index, values):
        if vector:
            bits = cuda.local.array(width, kind)
            load_vector(base, index, bits)
            for j in range(width):
                values[j] = real(convert(bits[j])) if special else real(bits[j])
        else:
            values[0] = read(base, index)

    return read_tile


def _write_tile(form: Format, width: int) -> Any:
    kind, vector, write = form.storage, width > 1, writer(form)
    store_vector, convert = VECTORS.get(width, (None, None))[1], packer(form, width)

    @device
    def write_tile(base, index, values):
        if vector:
            bits = cuda.local.array(width, kind)
            convert(values, bits)
            store_vector(base, index, bits)
        else:
            write(base, index, values[0])

    return write_tile


@scalar
def quotient(n: Any, d: Any) -> Any:
    """n // d of numbers that are not negative: in 32 bits, where they fit."""
    if (n | d) >> np.int64(32) == np.int64(0):
        return np.int64(np.uint32(n) // np.uint32(d))
    return n // d
