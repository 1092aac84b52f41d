"""The first of several faults is the one that an error names, wherever it lies and however the arrays are laid out.

First in the order of the index that is printed, whatever the order in memory; by one thread or by all.
"""

import re

import numpy as np
import pytest

import fastloss as fl
from tests.support import JIT, name_of, pairs

POISSON = fl.Poisson(from_logits=True)
ELEMENTWISE = [(POISSON, "y_true", -1.0), (fl.Poisson(), "y_pred", -0.5), (fl.BinaryCrossentropy(), "y_pred", 1.5),
               (fl.BinaryCrossentropy(), "y_true", -1.0), (fl.BinaryCrossentropy(from_logits=True), "y_true", 2.0),
               (fl.BinaryFocalCrossentropy(), "y_true", 0.5 + 1), (fl.SquaredHinge(), "y_true", 0.0),
               (fl.MeanSquaredLogarithmicError(), "y_pred", -1.5)]  # fmt: skip
SIZES = [40, 1500, 16384, 65536, 65600, 140000] if JIT else [40]


def twice(array):
    return np.repeat(array, 2, -1)[..., ::2]


LAYOUTS = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "strided": twice,
    "reversed": lambda a: a[::-1].copy()[::-1],
    "both reversed": lambda a: a[::-1, ::-1].copy()[::-1, ::-1] if a.ndim > 1 else a[::-1].copy()[::-1],
    "transposed": lambda a: np.repeat(a.T, 2, -1)[..., ::2].T,
    "swapped": lambda a: a.astype(a.dtype.newbyteorder()),
    "foreign": lambda a: a.astype(np.float64 if a.dtype.kind == "f" else np.int16),
}


def places(size):
    """Sets of faults, first at the ends and borders: of a block, of a piece, of what a thread takes."""
    at = {0, 1, 63, 64, 1023, 1024, 1025, size // 2, 16383, 16384, 65535, 65536, 65537, 131072, size - 2, size - 1}
    at = sorted(n for n in at if n < size)
    return [at[k:] for k in range(len(at))]


def named(call):
    """The argument and the index of an error's message."""
    with pytest.raises(ValueError, match="expected") as caught:
        call()
    argument, index = re.search(r": (\w+)(?: for (?:element|example) )?\[([\d, ]*)\]", str(caught.value)).groups()
    return argument, tuple(map(int, index.split(",")))


def shapes(size):
    """As a line, and as rectangles of that size, wide and narrow."""
    return [(size,), *([(size // 4, 4), (4, 5, size // 20)] if size % 20 == 0 else [])]


def right(shape):
    """Labels and predictions that no loss refuses."""
    return np.ones(shape, np.float32), np.full(shape, 0.5, np.float32)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("loss", "argument", "value"), ELEMENTWISE, ids=name_of)
def test_elements(loss, argument, value, layout):
    """Faults later in the array, and in another argument, are not what is named."""
    for size in SIZES if loss in (POISSON, fl.BinaryCrossentropy()) else SIZES[1:5:3] or SIZES:
        for shape in shapes(size):
            y, p = right(shape)
            for faults in places(size)[:: 1 if size < 16000 else 3]:
                bad = (y if argument == "y_true" else p).copy()
                bad.ravel()[faults] = value
                pair = (bad, p) if argument == "y_true" else (y, bad)
                want = argument, tuple(map(int, np.unravel_index(faults[0], shape)))
                change = LAYOUTS[layout]
                pair = (change(pair[0]), change(pair[1]) if layout != "foreign" else pair[1])
                assert named(lambda pair=pair: loss(*pair)) == want, (shape, faults[0])
                if faults[0] % 2:
                    assert named(lambda pair=pair: loss.gradient_hessian(*pair)) == want
                    assert named(lambda pair=pair: loss.loss(*pair, reduction="none")) == want


def three_faults(shape, order, label, prediction):
    """Arrays with a fault in each argument, in an order; where no weight is, none is wrong."""
    y, p = right(shape)
    size = y.size
    w = np.ones(shape, np.float32)
    at = dict(zip(order, (size // 3, size // 2, size - 1), strict=True))
    y.ravel()[at["y_true"]], p.ravel()[at["y_pred"]], w.ravel()[at["sample_weight"]] = label, prediction, -2
    hidden = size // 5
    y.ravel()[hidden], w.ravel()[hidden] = label, 0
    return y, p, w, (order[0], tuple(map(int, np.unravel_index(size // 3, shape))))


ORDERS = [("y_true", "y_pred", "sample_weight"), ("y_pred", "sample_weight", "y_true"),
          ("sample_weight", "y_true", "y_pred"), ("sample_weight", "y_pred", "y_true")]  # fmt: skip


@pytest.mark.parametrize("layout", ["C", "Fortran", "strided", "reversed", "swapped"])
@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order[0])
@pytest.mark.parametrize("size", SIZES[::2])
def test_elements_of_several_kinds(size, order, layout):
    """The first fault of any argument; one whose weight is 0 is none."""
    loss = fl.BinaryCrossentropy()
    for shape in shapes(size):
        y, p, w, want = three_faults(shape, order, 3.0, -0.5)
        y, p, w = map(LAYOUTS[layout], (y, p, w))
        assert named(lambda y=y, p=p, w=w: loss(y, p, sample_weight=w)) == want


ROWS = [((40,), 3), ((700,), 3), ((30, 25), 20), ((7000,), 3), ((3, 2500), 10), ((70, 10), 100), ((300,), 300),
        ((2, 9000), 4)] if JIT else [((40,), 3), ((5, 8), 3)]  # fmt: skip
"""Examples and classes: tiles, segments, threads, pieces."""


def spots(size):
    return [n for n in (0, 1, 127, 128, 255, 256, 257, 600, 6399, 6400, 6553, 6554, 17000, size - 1) if n < size]


@pytest.mark.parametrize(("rows", "layout", "options", "axis"), pairs(
    ROWS, ["C", "Fortran", "strided", "reversed", "swapped"],
    [{"from_logits": True}, {"from_logits": True, "label_smoothing": 0.1}, {}], [-1, 0, -2]), ids=str)  # fmt: skip
def test_rows(rows, layout, options, axis):
    """Labels, weights and probabilities; the class that is named too."""
    examples, classes = rows
    loss = fl.CategoricalCrossentropy(**options, axis=axis)
    change, size = LAYOUTS[layout], int(np.prod(examples))
    y = (np.arange(size) % classes).reshape(examples)
    p = np.full((*examples, classes), 1 / classes, np.float32)
    dense = np.eye(classes, dtype=np.float32)[y]

    def turn(a):
        return change(np.moveaxis(a, -1, axis))

    x = turn(p)
    for first in spots(size)[:: 1 if size < 2000 else 3]:
        where = tuple(map(int, np.unravel_index(first, examples)))
        later = [n for n in (first + 1, (first + size) // 2, size - 1) if first < n < size]
        labels, w = y.copy(), np.ones(examples, np.float32)
        labels.ravel()[[first, *later]], w.ravel()[[first, *later]] = classes, -1
        light = np.ones(examples, np.float32)
        light.ravel()[:first] = 0
        assert named(lambda: loss(change(labels), x)) == ("y_true", where)  # noqa: B023
        assert named(lambda: loss(y, x, sample_weight=change(w))) == ("sample_weight", where)  # noqa: B023
        assert named(lambda: loss(turn(dense), x, sample_weight=change(w))) == ("sample_weight", where)  # noqa: B023
        hidden = np.full(examples, classes)  # of weight 0 up to the first that counts
        assert named(lambda: loss(hidden, x, sample_weight=light)) == ("y_true", where)  # noqa: B023
        if not loss.from_logits:
            q = p.copy()
            q.reshape(size, classes)[[first, *later], [classes - 2] + [0] * len(later)] = 1.5
            q.reshape(size, classes)[first, classes - 1] = -1
            index = list(where)
            index.insert(axis % (len(where) + 1), classes - 2)
            for target in (y, turn(dense)):
                assert named(lambda: loss(target, turn(q))) == ("y_pred", tuple(index))  # noqa: B023
