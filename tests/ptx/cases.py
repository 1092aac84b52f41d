"""What is computed on the card: losses, targets and predictions with special values among them, weights of every shape.

A run of all (ALL=1) takes every combination; the usual one meets every two choices, or takes them in turn.
"""

import dataclasses
import itertools
import os

import ml_dtypes
import numpy as np

from fastloss._core.interval import EVERYTHING, UNIT
from tests.inputs import LABELS
from tests.ptx.compare import short
from tests.reference import reference_of
from tests.support import VARIANTS, categorical, pairs, sample

ALL = os.environ.get("ALL") == "1"
BF16, F16, F32, F64 = ml_dtypes.bfloat16, np.float16, np.float32, np.float64
GAMMAS = (0.0, 0.5, 1.0, 3.7)
"""Those that have kernels of their own, and any other."""


def losses(of_rows):
    """Every loss of this kind, with every kind of gamma."""
    found = []
    for loss in VARIANTS:
        if categorical(loss) == of_rows:
            gammas = GAMMAS if hasattr(loss, "gamma") else ()
            found += [loss, *(dataclasses.replace(loss, gamma=g) for g in gammas)]
    return found


def some(*choices):
    """All combinations, or few in which every two choices meet."""
    return list(itertools.product(*choices)) if ALL else pairs(*choices)


def name(value):
    """An id for pytest."""
    if dataclasses.is_dataclass(value):
        return short(value)
    if isinstance(value, tuple):
        return "-".join(map(name, value))
    return getattr(value, "__name__", None) or str(value)


# --- elements ---------------------------------------------------------------------------------------------------------

SPECIAL = [0.0, -0.0, 1e-40, -1e-40, 1e-30, 0.5, 1.0, -1.0, 17.0, -17.0, 88.0, -88.0, 104.0, -104.0, 300.0, -300.0,
           3e38, -3e38, np.inf, -np.inf, np.nan]  # fmt: skip
EDGES = [0.0, 1.0, 0.5, 1e-42, 1e-30, 1e-7, 1 - 2.0**-24, 1 - 2.0**-8, np.nan]


def elements(loss, shape, label, pred, seed):
    """Targets and predictions of an elementwise loss: (y, p, p with special values)."""
    domain, whole, size = reference_of(loss).domain, np.dtype(label).kind in "iub", int(np.prod(shape))
    takes = EVERYTHING if getattr(loss, "from_logits", False) else loss.takes
    y, p = sample(loss, (size,), F64, seed, soft=not whole and seed % 2 == 1)
    if whole and domain is not LABELS:
        y = np.ones_like(y) if domain.signs else np.abs(np.round(y))
    pool = EDGES if takes == UNIT else SPECIAL if takes == EVERYTHING else [s for s in SPECIAL if not s < 0]
    special = p.copy()
    if size > 40:
        special[np.random.default_rng(seed).choice(size, 2 * len(pool), replace=False)] = pool * 2
    fine = np.where(p.astype(pred).astype(float) == 0, 0.5, p)
    return y.astype(label).reshape(shape), fine.astype(pred).reshape(shape), special.astype(pred).reshape(shape)


# --- rows -------------------------------------------------------------------------------------------------------------


def rows(loss, target, shape, pred, seed):
    """(loss, y, p), the classes on the last axis."""
    rng = np.random.default_rng(seed)
    last = dataclasses.replace(loss, axis=-1, label_smoothing=0.1 if target == "smoothed" else 0.0)
    y, p = sample(last, shape, F64, seed)
    if target == "uint8":
        y = np.eye(shape[-1])[y].astype(np.uint8)
    elif target == "soft":
        y = rng.dirichlet(np.ones(shape[-1]), shape[:-1]).astype(pred)
    else:
        kinds = [k for k in "bBhHiIqQ" if np.iinfo(k).max >= shape[-1]]
        y = y.astype(kinds[seed % len(kinds)])
    return last, y, p.astype(pred)


def turned(loss, y, p, axis):
    """The class axis elsewhere."""

    def turn(a):
        return np.ascontiguousarray(np.moveaxis(a, -1, axis)) if a.ndim == p.ndim else a

    return dataclasses.replace(loss, axis=axis), turn(y), turn(p)


# --- weights ----------------------------------------------------------------------------------------------------------

WEIGHTS = ("none", "number", "zero", "each", "first", "last", "one", "zeros")


def weights(form, examples, dtype, seed):
    """A sample_weight for losses of this shape: a number, or an array that repeats along no, some or all axes.

    Multiples of 1/64, whose sum is the same in any order.
    """
    if form in ("none", "number", "zero"):
        return {"none": None, "number": 0.375, "zero": 0.0}[form]
    shape = {"each": examples, "first": (*examples[:1], *[1] * (len(examples) - 1)), "zeros": examples[:1],
             "last": (*[1] * (len(examples) - 1), *examples[-1:]), "one": (1,) * len(examples)}[form]  # fmt: skip
    w = np.random.default_rng(seed).integers(0, 200, shape) / 64
    w.flat[1::3] = 0
    return (w * (form != "zeros")).astype(dtype)
