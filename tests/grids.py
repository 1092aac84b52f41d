"""What the tests of fastloss/_math/elementary.py share: grids, loops, bounds in docstrings, errors in ulp."""

import re
from functools import cache

import mpmath as mp
import numpy as np
from numba import njit

from tests.support import JIT, name_of

COUNT = 2500 if JIT else 60
"""Points of each part of a grid."""
TAIL = {np.float32: -103.0, np.float64: -744.0}
"""Where an exponential is about the smallest number."""


def promised(function, dtype, with_low):
    """The bound in ulp in a docstring, float32 / float64: the first one, with a low part the last one."""
    found = re.findall(r"([\d.]+) / ([\d.]+)", getattr(function, "py_func", function).__doc__)
    return float(found[-1 if with_low else 0][dtype is np.float64])


@cache
def loop(function, arguments, none):
    """A compiled loop over a function of one or two arguments, or of one and None."""
    if none:

        def run(x, result):
            for i in range(x.size):
                result[i] = function(x[i], None)

    elif arguments == 1:

        def run(x, result):
            for i in range(x.size):
                result[i] = function(x[i])

    else:

        def run(x, y, result):
            for i in range(x.size):
                result[i] = function(x[i], y[i])

    return njit(error_model="numpy")(run)


def run(function, *arguments):
    """function of every point, compiled; an argument of None is passed on."""
    given = [a for a in arguments if a is not None]
    result = np.empty_like(given[0])
    with np.errstate(all="ignore"):
        loop(function, len(given), len(given) < len(arguments))(*given, result)
    return result


def errors(got, truths, dtype, least):
    """In ulp of the true values, and at least of 2^least. A truth is taken as two floats, exact to 100 bits."""
    with np.errstate(over="ignore"):
        high = np.array([float(t) for t in truths])
    low = np.array([float(t - mp.mpf(h)) for t, h in zip(truths, high.tolist(), strict=True)])
    unit = np.ldexp(1.0, np.maximum(np.frexp(high)[1] - 1, least) - np.finfo(dtype).nmant)
    return abs((got.astype(np.float64) - high) - low) / unit


def check(function, true, *arguments, bound=None, least=None):
    """The docstring's bound holds at every point, true being given the exact values of the arguments."""
    dtype = arguments[0].dtype.type
    with_low = len(arguments) > 1 and arguments[1] is not None and arguments[1].any()
    got = run(function, *arguments)
    assert np.isfinite(got).all()
    with mp.workdps(40):
        exact = [[mp.mpf(v) for v in a.tolist()] for a in arguments if a is not None]
        truths = [true(*point) for point in zip(*exact, strict=True)]
        found = errors(got, truths, dtype, int(np.finfo(dtype).minexp) if least is None else least)
    i, limit = int(found.argmax()), promised(bound or function, dtype, with_low)
    at = [None if a is None else a[i] for a in arguments]
    assert found[i] <= limit, f"{name_of(function)} at {at}: {found[i]:.3f} ulp, promised {limit}"


def positive(dtype, low, high):
    """Numbers of every size from 2^low to 2^high, more of them near 1, with the neighbours of powers of two."""
    rng = np.random.default_rng(0)
    sizes = 2.0 ** rng.uniform(low, high, COUNT)
    near = 1 + rng.choice([-1, 1], COUNT) * 2.0 ** rng.uniform(-np.finfo(dtype).nmant, -1.0, COUNT)
    corners = np.concatenate([2.0 ** np.arange(low, high), np.sqrt([0.125, 0.5, 2.0, 8.0])]).astype(dtype)
    beside = [np.nextafter(corners, dtype(end)) for end in (0, np.inf)]
    x = np.concatenate([sizes, near, np.linspace(0.4, 2.5, 2 * COUNT), corners, *beside]).astype(dtype)
    return x[(x >= dtype(2.0**low)) & (x <= dtype(2.0**high))]


def lows(x):
    """What rounding may have lost: up to half an ulp, of either sign."""
    return (np.spacing(abs(x)) * np.random.default_rng(1).uniform(-0.5, 0.5, x.size)).astype(x.dtype)


def whole(dtype):
    """The exponents of the smallest number, of the smallest that is normal, and of a large one."""
    info = np.finfo(dtype)
    return int(info.minexp) - int(info.nmant), int(info.minexp), int(info.maxexp) - 2


def exponents(dtype, low, high):
    """Arguments of an exponential, near 0 and where the power of two changes too."""
    rng = np.random.default_rng(0)
    steps = (np.arange(np.ceil(low * 1.4), high * 1.4) + 0.5) * np.log(2)
    tiny = rng.choice([-1, 1], COUNT) * 2.0 ** rng.uniform(-40, 0, COUNT)
    x = np.concatenate([np.linspace(low, high, 3 * COUNT), tiny, steps, [0.0, low, high]]).astype(dtype)
    return np.unique(x[(x >= low) & (x <= high)])
