"""Logarithms of probabilities, with the clamps that keep losses finite."""

from typing import Any

from .._jit import scalar
from .._math import log_unit


@scalar
def clip(p: Any, epsilon: Any) -> Any:
    """p clipped to [epsilon, 1 - epsilon], and whether it was; NaN stays NaN."""
    T = type(p)
    high = T(1) - epsilon
    below, above = p < epsilon, p > high
    return epsilon if below else (high if above else p), below | above


@scalar
def clamped_log(p: Any) -> Any:
    """-log(p) for p in [0, 1], at most 100 (torch's clamp)."""
    T = type(p)
    nll = T(0) - log_unit(p, None)
    return (T(100) if nll > T(100) else nll) + (p - p)  # p - p: a NaN has no exponent to take a logarithm from


@scalar
def clamped_logs(p: Any) -> Any:
    """q = 1 - p, -log(p) and -log(1 - p), each at most 100; 1 - p enters the logarithm with its rounding error."""
    T = type(p)
    q = T(1) - p
    nll = T(0) - log_unit(q, (T(1) - q) - p)
    return q, clamped_log(p), T(100) if nll > T(100) else nll
