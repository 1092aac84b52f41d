"""Logarithms of probabilities, with the clamps that keep losses finite."""

from typing import Any

from .._compile.jit import scalar
from .._math.elementary import log_unit
from .._math.primitives import clamp_max, clamp_min


@scalar
def clip(p: Any, epsilon: Any) -> Any:
    """p clipped to [epsilon, 1 - epsilon], and whether it was; NaN stays NaN."""
    T = type(p)
    inside = clamp_max(clamp_min(p, epsilon), T(1) - epsilon)
    return inside, (inside < p) | (inside > p)


@scalar
def clamped_log(t: Any, low: Any) -> Any:
    """-log(t + low) for t in [0, 1], at most 100 (torch's clamp); any number for NaN."""
    T = type(t)
    return clamp_max(T(0) - log_unit(t, low), T(100))


@scalar
def at_least(x: Any) -> Any:
    """x, or 1e-12 if it is less: a divisor (torch's clamp)."""
    T = type(x)
    return clamp_min(x, T(1e-12))
