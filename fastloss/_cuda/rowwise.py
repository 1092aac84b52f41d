"""The loop over rows of classes, on any axis: a group of threads for each row, several rows a block."""

from typing import Any

import numpy as np
from numba import cuda

from .._compile.cuda import device
from .._compile.cuda_memory import load, store
from .._math.constants import named
from .._math.elementary import two_sum
from .access import Access, access, class_at, reader
from .formats import Format
from .rows import every_class, one_class, probabilities
from .softmax import exponential, survey
from .sums import THREADS, group_sum


def row_function(maths: Any, from_logits: bool, real: Any, io: Access, indices: bool, spread: bool, signed: bool,
               order: int) -> Any:  # fmt: skip
    """The function that computes a row."""
    if not from_logits:
        return probabilities(maths.derivative, real, io, indices, spread, signed, order)
    if spread:
        return every_class(maths.focus, real, io, indices, signed, order)
    return one_class(maths.focus, real, io, order)


def constant_writer(real: Any, io: Access, with_hessian: bool) -> Any:
    """The function that writes one number to all classes of a row."""
    width, write_tile = io.width, io.write_tile

    @device
    def put_constant(grad, hess, start, inner, classes, g, threads, value):
        values = cuda.local.array(width, real)
        for j in range(width):
            values[j] = value
        for k in range(g * width, classes, threads * width):
            write_tile(grad, start, k, inner, values)
            if with_hessian:
                write_tile(hess, start, k, inner, values)

    return put_constant


def rowwise(maths: Any, from_logits: bool, real: Any, label: Format | None, pred: Format, grad_format: Format,
            spread: bool, signed: bool, order: int, aligned: bool) -> Any:  # fmt: skip
    """The kernel of one categorical loss for arrays of these formats; without a label format y_true holds indices.

    Rows, classes, inner, kind, repeat, ignore_index and the class weights are those of `_cpu.rowwise`. A label that is
    no class and a negative weight make the row NaN: an exception would have to wait for the device.
    """
    indices = label is None
    io = access(real, label, pred, grad_format, aligned)
    constants = maths.constants
    evaluate = row_function(maths, from_logits, real, io, indices, spread, signed, order)
    put_constant, with_gradient = constant_writer(real, io, order >= 2), order >= 1

    def kernel(y, p, w, cw, losses, grad, hess, partials, scales, rows, classes, inner, kind, repeat, wanted, classed,
               has_ignore, ignore, threads, scaled, scale, smooth, c0, c1, c2, c3):  # fmt: skip
        lanes = cuda.shared.array(THREADS, real)  # one a line: the simulator tells them apart by it
        lows = cuda.shared.array(THREADS, real)
        firsts = cuda.shared.array(THREADS, np.int64)
        t = cuda.threadIdx.x
        g = t % threads
        row = np.int64(cuda.blockIdx.x) * (THREADS // threads) + t // threads
        live = row < rows
        start = row // inner * classes * inner + row % inner
        keep, even, c = real(1) - smooth, smooth / real(classes), named((c0, c1, c2, c3), constants)
        nothing = False
        if scaled:  # by one over the sum of the weights, which the host does not know
            scale, nothing = load(scales, 0, real), load(scales, 1, real) == real(0)
        weight, true, skip, wrong = real(1), np.int64(-1), False, False
        if live:
            if repeat != 0:
                weight = load(w, row // repeat, real)
            skip, wrong = weight == real(0), weight < real(0)
            if indices:
                true = class_at(y, row, kind)
                skip = skip or (has_ignore != 0 and true == ignore)
                wrong = wrong or true < 0 or true >= classes
            wrong = wrong and not skip
        n = classes if live and not skip and not wrong and not nothing else 0
        if n > 0 and classed and not spread:
            weight *= load(cw, true, real)
            if weight == real(0):
                n = 0
        loss = evaluate(y, p, cw, grad, hess, start, inner, n, true, keep, even, classed, scale * weight, c, g, threads,
                        lanes, lows, firsts)  # fmt: skip
        loss *= weight
        if n == 0:
            loss = real(np.nan) if wrong else real(0)
            if live and with_gradient:
                put_constant(grad, hess, start, inner, classes, g, threads, loss)
        if g != 0 or not live:
            loss = real(0)
        elif wanted & 1:
            store(losses, row, loss)
        if wanted & 2:
            total = group_sum(lanes, loss, t, THREADS)
            if t == 0:
                store(partials, cuda.blockIdx.x, np.float64(total))

    return kernel


def totals(real: Any, label: Format | None) -> Any:
    """The kernel that adds the weights of all rows: sample weight times the target's class weights, 0 where ignored."""
    indices = label is None
    target: Any = None if label is None else reader(label, real)

    def kernel(y, w, cw, partials, rows, classes, inner, kind, repeat, classed, has_ignore, ignore):
        lanes = cuda.shared.array(THREADS, np.float64)
        t = cuda.threadIdx.x
        row = np.int64(cuda.blockIdx.x) * THREADS + t
        weight = 0.0
        if row < rows:
            weight = np.float64(load(w, row // repeat, real)) if repeat != 0 else 1.0
            if indices:
                if has_ignore != 0 or classed:  # else there may be no label here, or one of another dtype
                    true = class_at(y, row, kind)
                    if has_ignore != 0 and true == ignore:
                        weight = 0.0
                    elif classed and true >= 0 and true < classes and weight != 0.0:
                        weight *= np.float64(load(cw, true, real))
            elif classed and weight != 0.0:
                mass = 0.0
                for k in range(classes):
                    value = target(y, row // inner * classes * inner + row % inner + k * inner)
                    mass += np.float64(load(cw, k, real)) * np.float64(value)
                weight *= mass
        total = group_sum(lanes, weight, t, THREADS)
        if t == 0:
            store(partials, cuda.blockIdx.x, total)

    return kernel


def softmaxes(real: Any, pred: Format, grad_format: Format, aligned: bool) -> Any:
    """The kernel that writes the softmax of every row."""
    io = access(real, None, pred, grad_format, aligned)
    width, read_tile, write_tile = io.width, io.read_tile, io.write_tile
    look = survey(io, real)

    def kernel(p, out, rows, classes, inner, threads):
        lanes = cuda.shared.array(THREADS, real)  # one a line: the simulator tells them apart by it
        lows = cuda.shared.array(THREADS, real)
        firsts = cuda.shared.array(THREADS, np.int64)
        t = cuda.threadIdx.x
        g = t % threads
        row = np.int64(cuda.blockIdx.x) * (THREADS // threads) + t // threads
        start = row // inner * classes * inner + row % inner
        n = classes if row < rows else 0
        top, best, shift, magic, floor, high, low = look(p, start, inner, n, -1, g, threads, lanes, lows, firsts)
        high, low = two_sum(high, low, exponential(top, top, True, shift, magic, floor))
        inverse = real(1) / (high + low)
        xs = cuda.local.array(width, real)
        for first in range(g * width, n, threads * width):
            read_tile(p, start, first, inner, xs)
            for j in range(width):
                xs[j] = exponential(xs[j], top, first + j == best, shift, magic, floor) * inverse
            write_tile(out, start, first, inner, xs)

    return kernel
