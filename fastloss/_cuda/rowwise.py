"""The loop over rows of classes, on any axis: a group of threads for each row, several rows a block."""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import cuda

from .._compile.cuda import device
from .._compile.cuda_memory import load, store
from .._compile.jit import scalar
from .._math.constants import named
from .access import access, quotient, reader
from .every_class import every_class, shared_target
from .formats import Format
from .groups import ROOM, group
from .one_class import one_class
from .probabilities import probabilities
from .rows import Row, Tools, softmax_row
from .staging import ALIGNMENT, room as room_of_stage
from .sums import THREADS, block_sum
from .tiling import Tiling


class Place(NamedTuple):
    """Where a thread's row lies, and which part of it is the thread's."""

    start: Any
    """The index of its first class."""
    inner: Any
    """From one class to the next."""
    classes: Any
    g: Any
    """The number of the thread in its group."""
    row: Any
    rows: Any
    live: Any
    """Whether there is such a row."""


def class_reader(label: Format) -> Any:
    """class_at(labels, row): the class index of a row."""
    kind, large = label.storage, label.name == "uint64"

    @scalar
    def class_at(labels, row):
        value = np.int64(load(labels, row, kind))
        if large:  # from 2^63 on it looks negative, and is no class, nor ignored
            return value if value >= 0 else np.int64(-(2**63))
        return value

    return class_at


def placed(tiling: Tiling) -> Any:
    """The function that gives the place of a row, and that of a thread's first row if there are so many turns."""
    threads, beside, groups, bits = tiling.threads, tiling.beside, tiling.groups, tiling.bits

    @device
    def place(row, rows, classes, inner):
        g = np.int64(cuda.threadIdx.x & (threads - 1))
        start = row * classes
        if beside:
            outer = quotient(row, inner)
            start = (outer * classes - outer) * inner + row
        return Place(start, inner, classes, g, row, rows, row < rows)

    @device
    def first_row(turns):
        return np.int64(cuda.blockIdx.x) * (turns * groups) + (cuda.threadIdx.x >> bits)

    return place, first_row


def row_function(maths: Any, from_logits: bool, tools: Tools, indices: bool, spread: bool, signed: bool) -> Any:
    """The function that computes a row."""
    if not from_logits:
        return probabilities(maths.derivative, tools, indices, spread, signed)
    if spread and maths.is_nll:
        return shared_target(tools, indices, signed)
    if spread:
        return every_class(maths.focus, tools, indices, signed)
    return one_class(maths, tools)


def rowwise(maths: Any, from_logits: bool, real: Any, label: Format, pred: Format, grad_format: Format, tiling: Tiling,
            indices: bool, spread: bool, signed: bool, classed: bool, order: int) -> Any:  # fmt: skip
    """The kernel of one categorical loss for arrays of these formats.

    Rows, classes, inner, repeat, ignore_index and the class weights are those of `_cpu.rowwise`. A label that is
    no class and a negative weight make the row NaN: an exception would have to wait for the device.
    """
    io = access(real, None if indices else label, pred, grad_format, tiling)
    tools = Tools(real, io, group(tiling.threads, real, pred.is_half), tiling, pred.is_half, order, classed)
    evaluate = row_function(maths, from_logits, tools, indices, spread, signed)
    (place_of, first_row), class_at, constants = placed(tiling), class_reader(label), maths.constants
    threads, groups, block = tiling.threads, tiling.groups, tiling.block
    kind, size = pred.storage, room_of_stage(pred.storage, tiling)

    def kernel(y, p, w, cw, losses, grad, hess, partials, scales, rows, classes, inner, repeat, turns, wanted,
               has_ignore, ignore, scaled, count, scale, smooth, c0, c1, c2, c3):  # fmt: skip
        room = cuda.shared.array(ROOM, real)
        lanes = cuda.shared.array(THREADS, real)  # one a line: the simulator tells them apart by it
        stage = cuda.shared.array(size, kind, ALIGNMENT)
        t = cuda.threadIdx.x
        keep, even, c = real(1) - smooth, smooth / real(classes), named((c0, c1, c2, c3), constants)
        nothing, summed = False, real(0)
        if scaled:  # by one over the sum of the weights, which the host does not know
            scale, nothing = load(scales, 0, real), load(scales, 1, real) == real(0)
        at, turn = first_row(turns), 0
        while turn < turns:
            place = place_of(at, rows, classes, inner)
            row, weight, true = place.row, real(1), np.int64(-1)
            skip: Any = True
            wrong: Any = False
            if place.live:
                if repeat != 0:
                    weight = load(w, row if repeat == 1 else quotient(row, repeat), real)
                skip, wrong = weight == real(0), weight < real(0)
                if indices:
                    true = class_at(y, row)
                    skip = skip or (has_ignore != 0 and true == ignore)
                    wrong = wrong or np.uint64(true) >= np.uint64(classes)
                wrong = wrong and not skip
            counts = not skip and not wrong and not nothing
            if counts and classed and not spread:
                weight *= load(cw, true, real)
                counts = weight != real(0)
            instead = real(math.nan) if wrong else real(0)
            asked = Row(true, counts, instead, keep, even, scale * weight)
            loss = evaluate(y, p, cw, grad, hess, place, asked, c, room, stage)
            loss = loss * weight if counts else instead
            if t & (threads - 1) == 0 and place.live:
                if wanted & 1:
                    store(losses, row, loss)
                summed += loss
            at += groups
            turn += 1
        if wanted & 2:
            summed = block_sum(lanes, summed, block, threads)
            if t == 0:
                store(partials, cuda.blockIdx.x, np.float64(summed) / np.float64(count))

    return kernel


def totals(real: Any, label: Format, indices: bool) -> Any:
    """The kernel that adds the weights of all rows: sample weight times the target's class weights, 0 where ignored."""
    target, class_at = reader(label, real), class_reader(label)

    def kernel(y, w, cw, partials, rows, classes, inner, repeat, classed, has_ignore, ignore):
        lanes = cuda.shared.array(THREADS, np.float64)
        t = cuda.threadIdx.x
        row = np.int64(cuda.blockIdx.x) * THREADS + t
        weight = 0.0
        if row < rows:
            weight = np.float64(load(w, quotient(row, repeat), real)) if repeat != 0 else 1.0
            if indices:
                if has_ignore != 0 or classed:  # else there may be no label here, or one of another dtype
                    true = class_at(y, row)
                    if has_ignore != 0 and true == ignore:
                        weight = 0.0
                    elif classed and true >= 0 and true < classes and weight != 0.0:
                        weight *= np.float64(load(cw, true, real))
            elif classed and weight != 0.0:
                mass, start = 0.0, quotient(row, inner) * (classes - 1) * inner + row
                for k in range(classes):
                    mass += np.float64(load(cw, k, real)) * np.float64(target(y, start + k * inner))
                weight *= mass
        total = block_sum(lanes, weight, THREADS)
        if t == 0:
            store(partials, cuda.blockIdx.x, total)

    return kernel


def softmaxes(real: Any, pred: Format, grad_format: Format, tiling: Tiling) -> Any:
    """The kernel that writes the softmax of every row."""
    io = access(real, None, pred, grad_format, tiling)
    tools = Tools(real, io, group(tiling.threads, real, pred.is_half), tiling, pred.is_half, 1)
    evaluate, (place_of, first_row), groups = softmax_row(tools), placed(tiling), tiling.groups
    kind, size = pred.storage, room_of_stage(pred.storage, tiling)

    def kernel(p, out, rows, classes, inner, turns):
        room = cuda.shared.array(ROOM, real)
        stage = cuda.shared.array(size, kind, ALIGNMENT)
        at, turn = first_row(turns), 0
        while turn < turns:
            evaluate(p, out, place_of(at, rows, classes, inner), room, stage)
            at += groups
            turn += 1

    return kernel
