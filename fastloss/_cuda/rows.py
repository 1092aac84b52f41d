"""What the functions of rows of classes have in common: what a row counts for, and the tools that they are made of.

Each function is given a row, writes its derivatives, and returns its loss, the same for all threads of the group. Rows
that do not count get one number everywhere.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import cuda

from .._compile.cuda import device
from .._compile.cuda_memory import load
from .._compile.jit import scalar
from .._math.elementary import two_sum
from .access import Access
from .groups import Group
from .softmax import APPROXIMATE, EXACT, one_exponential, survey
from .tiling import Tiling


class Row(NamedTuple):
    """What a row counts for."""

    true: Any
    """Its class, if the target is an index."""
    counts: Any
    """Whether it is computed at all; else all its results are `instead`."""
    instead: Any
    keep: Any
    """The target's share of the true class, or factor of dense targets."""
    even: Any
    """The share of every class."""
    factor: Any
    """Of the derivatives."""


class Tools(NamedTuple):
    """What the functions of rows are made of."""

    real: Any
    io: Access
    group: Group
    tiling: Tiling
    approximate: bool
    order: int
    classed: bool = False
    """Whether classes have factors, where every class has a share of the target."""

    @property
    def kept(self) -> tuple[int, int]:
        """How many elements a thread keeps of logits, and of second derivatives."""
        return self.tiling.held, self.tiling.held if self.order >= 2 else 1

    def survey(self) -> tuple[Any, Any]:
        """The survey of a row, and exp as it scales it."""
        exponentials = APPROXIMATE if self.approximate else EXACT
        return survey(self.io, self.group, self.real, exponentials, self.tiling), one_exponential(exponentials)


def exponential_tile(tools: Tools, of: Any) -> Any:
    """The function that gives the exponentials of a tile after the survey."""
    get, width, keeps = tools.io.get, tools.io.width, tools.tiling.keeps

    @device
    def function(p, place, held, stage, i, k, top, rare, a, b, c, values):
        get(p, place, held, stage, i, k, values)
        if not keeps:
            for j in range(width):
                values[j] = of(values[j], top, rare, a, b, c)

    return function


def fill(tools: Tools) -> Any:
    """fill(base, place, held, stage, value): one number as the results of all classes."""
    real, io, keeps = tools.real, tools.io, tools.tiling.keeps
    width, stride, begin, more, put = io.width, io.stride, io.begin, io.more, io.put

    @device
    def function(base, place, held, stage, value):
        if keeps or place.live:
            values = cuda.local.array(width, real)
            for j in range(width):
                values[j] = value
            i, k = 0, begin(place)
            while more(place, i, k):
                put(base, place, held, stage, i, k, values)
                i += 1
                k += stride

    return function


def mass_function(real: Any, indices: bool, signed: bool, classed: bool) -> Any:
    """The share of the target that a class has; NaN for a dense target outside [0, 1], unless signed."""

    @scalar
    def mass(target, cw, k, row):
        if indices:
            share = row.even + row.keep if k == row.true else row.even
        else:
            share = target * row.keep + row.even
            if not signed and not (target >= real(0) and target <= real(1)):
                share = real(math.nan)
        return share * load(cw, k, real) if classed else share

    return mass


def softmax_row(tools: Tools) -> Any:
    """The function that writes the softmax of a row."""
    real, io = tools.real, tools.io
    width, stride, begin, more, fetch = io.width, io.stride, io.begin, io.more, io.fetch
    put, finish = io.put, io.finish
    (kept, _), (look, of) = tools.kept, tools.survey()
    exps = exponential_tile(tools, of)

    @device
    def function(p, out, place, room, stage):
        held, values = cuda.local.array(kept, real), cuda.local.array(width, real)
        fetch(p, place, held, stage, place.live)
        top, rare, a, b, d, most, high, low = look(p, place, held, room, stage, place.live)
        high, low = two_sum(high, low, most)
        inverse = real(1) / (high + low)
        if place.live:
            i, k = 0, begin(place)
            while more(place, i, k):
                exps(p, place, held, stage, i, k, top, rare, a, b, d, values)
                for j in range(width):
                    values[j] *= inverse
                put(out, place, held, stage, i, k, values)
                i += 1
                k += stride
        finish(out, place, held, stage, np.int64(-1), real(0))

    return function
