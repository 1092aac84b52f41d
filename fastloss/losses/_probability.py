"""Logarithms of probabilities, with the clamps that keep losses finite."""

from typing import Any

from .._compile.jit import scalar
from .._math.elementary import log_unit


@scalar
def clip(p: Any, epsilon: Any) -> Any:
    """p clipped to [epsilon, 1 - epsilon], and whether it was; NaN stays NaN."""
    T = type(p)
    high = T(1) - epsilon
    inside = epsilon if p < epsilon else p
    inside = high if inside > high else inside
    return inside, (inside < p) | (inside > p)


@scalar
def clamped_log(t: Any, low: Any) -> Any:
    """-log(t + low) for t in [0, 1], at most 100 (torch's clamp); any number for NaN."""
    T = type(t)
    nll = T(0) - log_unit(t, low)
    return T(100) if nll > T(100) else nll


@scalar
def at_least(x: Any) -> Any:
    """x, or 1e-12 if it is less: a divisor (torch's clamp)."""
    T = type(x)
    return T(1e-12) if x < T(1e-12) else x
