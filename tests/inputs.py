"""Where the losses of elements are tested: moderate values, the whole range, and values that are refused."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Domain(NamedTuple):
    """Targets and predictions of a loss."""

    moderate: Callable[..., Any]
    """moderate(rng, z, logits, soft) gives targets and predictions; z is an array of normal numbers, times 3."""
    whole: Callable[..., Any]
    """whole(rng, count, dtype, logits) gives targets and predictions over the whole range of a dtype, some `count`."""
    refused: tuple[tuple[float, float], ...] = ()
    """Pairs of target and prediction of which one is outside, from predictions."""
    refused_logits: tuple[tuple[float, float], ...] = ()
    """The same from logits."""
    signs: bool = False
    """Whether targets are -1 and 1."""


def far(dtype):
    return 100.0 if dtype is np.float32 else 700.0


def wide_logits(dtype, rng, count):
    near, wide = rng.normal(size=count) * 2, rng.uniform(-far(dtype), far(dtype), size=count)
    edges = [0.0, 1e-30, -1e-30, 1e-3, -1e-3, 17.0, -17.0, 88.0, -88.0, far(dtype), -far(dtype)]
    return np.concatenate([near, wide, edges])


def probabilities(rng, count):
    tail = 10.0 ** rng.uniform(-38, 0, size=count)
    edges = [0.0, 1.0, 0.5, 1e-38, 1e-42, 1e-12, 1e-7, 1 - 1e-7, 1 - 2.0**-24]
    return np.concatenate([rng.uniform(size=count), tail, 1 - tail[: count // 2], edges])


# --- moderate values ---------------------------------------------------------------------------------------------


def moderate_real(rng, z, logits, soft):
    return rng.normal(size=z.shape), z


def moderate_labels(rng, z, logits, soft):
    y = rng.random(z.shape) if soft else (rng.random(z.shape) < 0.5) * 1.0
    return y, z if logits else 1 / (1 + np.exp(-z))


def moderate_signs(rng, z, logits, soft):
    return np.where(rng.random(z.shape) < 0.5, -1.0, 1.0), z


def moderate_counts(rng, z, logits, soft):
    return rng.poisson(3, size=z.shape) * 1.0, z if logits else np.exp(z)


def moderate_sizes(rng, z, logits, soft):
    return rng.lognormal(size=z.shape), rng.lognormal(size=z.shape)


# --- the whole range ---------------------------------------------------------------------------------------------


def whole_real(rng, count, dtype, logits):
    x = np.concatenate([rng.normal(size=count), 10.0 ** rng.uniform(-18, 18, size=count)])
    return x * (1 + rng.choice([0.0, 1e-7, 1e-3, 1.0, -5.0], size=x.size)), x


def whole_labels(rng, count, dtype, logits):
    x = wide_logits(dtype, rng, count) if logits else probabilities(rng, count)
    return rng.choice([0.0, 1.0, 1.0, 0.0, 0.3, 0.9, 0.5, 1e-6, 1 - 2.0**-20, 1e-42], size=x.size), x


def whole_signs(rng, count, dtype, logits):
    x = wide_logits(dtype, rng, count)
    return rng.choice([-1.0, 1.0], size=x.size), x


def whole_counts(rng, count, dtype, logits):
    if logits:
        x = np.minimum(wide_logits(dtype, rng, count), 88.0 if dtype is np.float32 else 700.0)
    else:
        x = np.concatenate([10.0 ** rng.uniform(-38, 6, size=2 * count), [0.0, 1.0, 1e-12, 1e-42]])
    return rng.choice([0.0, 1.0, 2.0, 7.0, 123.0], size=x.size), x


def whole_sizes(rng, count, dtype, logits):
    y = np.concatenate([10.0 ** rng.uniform(-8, 9, size=2 * count), rng.uniform(-0.999, 0, size=count)])
    ratio = np.concatenate([1 + 10.0 ** rng.uniform(-16, -1, size=count), 10.0 ** rng.uniform(-9, 9, size=2 * count)])
    x = np.concatenate([np.where(y > 0, y * ratio, (1 + y) * ratio - 1), [1e30, 3e38, 0.0]])
    x = np.maximum(x, np.nextafter(dtype(-1), dtype(0)))
    return np.concatenate([y, [-0.999999, -0.999999, 0.0]]), x


# --- domains -----------------------------------------------------------------------------------------------------

REAL = Domain(moderate_real, whole_real)
LABELS = Domain(moderate_labels, whole_labels, ((1.5, 0.5), (1.0, 1.2), (0.0, -0.1), (-1.0, 0.5), (0.0, 1.5)),
                ((-0.5, 0.5), (3.0, 0.5)))  # fmt: skip
SIGNS = Domain(moderate_signs, whole_signs, ((0.0, 0.5),), ((2.0, 0.5),), signs=True)
COUNTS = Domain(moderate_counts, whole_counts, ((-1.0, 0.5), (1.0, -0.5)), ((-1.0, 0.5),))
SIZES = Domain(moderate_sizes, whole_sizes, ((-1.0, 0.5), (0.5, -1.5)))
