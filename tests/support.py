"""What the tests share: all losses with their variants, random inputs of each, errors in ulp."""

import inspect
import itertools
from typing import Any

import mpmath as mp
import numpy as np
from numba import config

import fastloss as fl
from tests.reference import reference_of

JIT = not config.DISABLE_JIT
CLASSES = [c for _, c in inspect.getmembers(fl, inspect.isclass) if issubclass(c, fl.Loss) and c is not fl.Loss]
"""A new loss joins every generic test by being exported."""


def variants() -> list[Any]:
    """Every loss, from predictions and from logits."""
    found = []
    for cls in CLASSES:
        found.append(cls())
        if "from_logits" in cls.__dataclass_fields__:
            found.append(cls(from_logits=True))
    return found


VARIANTS = variants()


def name_of(value: Any) -> str:
    """A short id for pytest."""
    if isinstance(value, fl.Loss):
        return type(value).__name__ + ("_logits" if getattr(value, "from_logits", False) else "")
    return getattr(value, "__name__", None) or str(value)


def categorical(loss: Any) -> bool:
    return hasattr(loss, "axis")


def sample(loss: Any, shape: tuple[int, ...], dtype: Any = np.float64, seed: int = 0, soft: bool = False) -> Any:
    """(y_true, y_pred) in the domain of a loss; classes on the last axis, as indices unless soft."""
    rng = np.random.default_rng(seed)
    logits = getattr(loss, "from_logits", False)
    z = rng.normal(size=shape) * 3
    if categorical(loss):
        p = z if logits else np.exp(z) / np.exp(z).sum(loss.axis, keepdims=True)
        if soft:
            return rng.dirichlet(np.ones(shape[-1]), size=shape[:-1]).astype(dtype), p.astype(dtype)
        return rng.integers(0, shape[loss.axis], size=np.delete(shape, loss.axis)), p.astype(dtype)
    y, p = reference_of(loss).domain.moderate(rng, z, logits, soft)
    return y.astype(dtype), p.astype(dtype)


def ulps(got: Any, true: Any, scale: Any, dtype: Any) -> float:
    """The distance in ulp of the true value or of the scale, whichever is larger, and at least of the least normal."""
    size = max(abs(true), abs(scale))  # as they are: mp.mpf would round the truth to the working precision
    info = np.finfo(dtype)
    if size > mp.mpf(float(info.max)):
        return 0.0 if np.isinf(got) else float("inf")
    if not np.isfinite(got):
        return float("inf")
    exponent = max(mp.frexp(size)[1] - 1 if size else info.minexp, int(info.minexp))
    with mp.workdps(60):
        return float(abs(mp.mpf(float(got)) - true) / mp.mpf(2) ** (exponent - int(info.nmant)))


def pairs(*choices: list[Any]) -> list[tuple[Any, ...]]:
    """A pairwise cover: few rows in which every two options of different kinds meet."""

    def met(row: tuple[Any, ...]) -> set[Any]:
        return set(itertools.combinations(enumerate(map(repr, row)), 2))

    rows = list(itertools.product(*choices))
    need, cover = set().union(*map(met, rows)), []
    while need:
        cover.append(max(rows, key=lambda row, need=need: len(met(row) & need)))
        need -= met(cover[-1])
    return cover
