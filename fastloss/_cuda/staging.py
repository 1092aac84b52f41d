"""Rows through shared memory: the rows of a warp are one run of memory, whatever the length of a row.

Such a run begins at a multiple of 16 bytes and is moved as vectors by neighbouring lanes, to and from the warp's part
of the stage, where each thread finds its row.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import cuda

from .._compile.cuda import SIMULATED, device
from .._compile.cuda_memory import MOVES, VECTORS, load, store
from .formats import Format, packer
from .groups import warp_meets
from .tiling import LANE, WARP, WARP_BITS, Tiling


class Staging(NamedTuple):
    """Functions of a warp and of its threads; place: that of `access`."""

    take_in: Any
    """take_in(base, place, stage): the rows of the warp."""
    row_from: Any
    """row_from(stage, place, held): the thread's part of its row; -inf for no class."""
    class_from: Any
    """class_from(stage, place, k)"""
    row_to: Any
    class_to: Any
    give_out: Any
    """give_out(base, place, stage): what all threads have written."""


ALIGNMENT = None if SIMULATED else 16
"""Of the stage; the simulator knows of none."""


def room(kind: Any, tiling: Tiling) -> int:
    """How many elements the stage of a block has; 1 where there is none."""
    return tiling.stage(16 // np.dtype(kind).itemsize) if tiling.staged else 1


def staging(real: Any, pred: Format, grad_format: Format, tiling: Tiling) -> Staging:
    """How rows of this format go through the stage; results have a format of the same size."""
    kind, out_kind, read, write = pred.storage, grad_format.storage, pred.read, grad_format.write
    special, out_special = read is not None, write is not None
    lanes, each, steps, step = tiling.threads, WARP // tiling.threads, tiling.steps, 16 // np.dtype(kind).itemsize
    alone, bits, span = lanes == 1, tiling.bits, tiling.span(step)
    padded = alone and steps % step == 0
    pad, vectors, size = span - steps, steps // step, each * steps
    rounds = -(-size // (WARP * step))
    take, put = MOVES[step]
    load_vector, store_vector = VECTORS[step]
    pack = packer(grad_format, step)

    @device
    def corner(place):
        """Where the part of the warp begins in the stage."""
        return (cuda.threadIdx.x >> WARP_BITS) * (each * span if alone else each * place.classes)

    @device
    def slot(place):
        """Where the thread's row begins."""
        return (cuda.threadIdx.x >> bits) * (span if alone else place.classes)

    @device
    def spot(v):
        """Where element v of the run lies in the warp's part."""
        return v + np.int64(np.uint32(v) // np.uint32(steps)) * pad if padded else v

    @device
    def move(inwards, base, stage, begin, at, v):
        if inwards:
            take(base, begin + v, stage, at + spot(v))
        else:
            put(base, begin + v, stage, at + spot(v))

    @device
    def move_run(inwards, base, place, stage):
        lane, at = np.int64(cuda.threadIdx.x & LANE), corner(place)
        row = place.row - (lane >> bits)
        begin = row * (steps if alone else place.classes)
        if row + each <= place.rows:
            if alone:
                for i in range(rounds):
                    v = (i * WARP + lane) * step
                    if i < rounds - 1 or size % (WARP * step) == 0 or v < size:
                        move(inwards, base, stage, begin, at, v)
            else:
                v = lane * step
                while v < each * place.classes:
                    move(inwards, base, stage, begin, at, v)
                    v += WARP * step
        else:  # some rows of the last run are not there
            v, last = lane, (place.rows - row) * place.classes
            while v < each * place.classes:
                if inwards:
                    store(stage, at + spot(v), load(base, begin + v, kind) if v < last else kind(0))
                elif v < last:
                    store(base, begin + v, load(stage, at + spot(v), kind))
                v += WARP

    @device
    def take_in(base, place, stage):
        warp_meets()
        move_run(True, base, place, stage)
        warp_meets()

    @device
    def give_out(base, place, stage):
        warp_meets()
        move_run(False, base, place, stage)
        warp_meets()

    @device
    def value_of(bits):
        return real(read(bits)) if special else real(bits)

    @device
    def bits_of(value):
        return write(value) if out_special else out_kind(value)

    @device
    def row_from(stage, place, held):
        at = slot(place)
        if padded:
            bits = cuda.local.array(step, kind)
            for i in range(vectors):
                load_vector(stage, at + i * step, bits)
                for j in range(step):
                    held[i * step + j] = value_of(bits[j])
        else:
            for i in range(steps):
                k = i * lanes + place.g
                if alone or i < steps - 1 or k < place.classes:
                    held[i] = value_of(load(stage, at + k, kind))
                else:
                    held[i] = real(-math.inf)

    @device
    def class_from(stage, place, k):
        return value_of(load(stage, slot(place) + k, kind))

    @device
    def row_to(stage, place, held):
        at = slot(place)
        if padded:
            values, bits = cuda.local.array(step, real), cuda.local.array(step, kind)
            for i in range(vectors):
                for j in range(step):
                    values[j] = held[i * step + j]
                pack(values, bits)
                store_vector(stage, at + i * step, bits)
        else:
            for i in range(steps):
                k = i * lanes + place.g
                if alone or i < steps - 1 or k < place.classes:
                    store(stage, at + k, bits_of(held[i]))

    @device
    def class_to(stage, place, k, value):
        store(stage, slot(place) + k, bits_of(value))

    return Staging(take_in, row_from, class_from, row_to, class_to, give_out)
