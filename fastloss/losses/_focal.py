"""The focusing factor x^gamma: exact short forms for the gammas in use, a real power for the others."""

import math
from typing import Any

from .._compile.jit import scalar
from .._math.elementary import power


@scalar
def zeroth(x: Any, g: Any) -> Any:
    return type(x)(1) if x == x else x


@scalar
def root(x: Any, g: Any) -> Any:
    return type(x)(math.sqrt(x)) if x >= type(x)(0) else x - x  # no class of a padded row: plain Python would raise


@scalar
def first(x: Any, g: Any) -> Any:
    return x


@scalar
def square(x: Any, g: Any) -> Any:
    return x * x


@scalar
def fourth_root(x: Any, g: Any) -> Any:
    return type(x)(math.sqrt(math.sqrt(x))) if x >= type(x)(0) else x - x


@scalar
def half_power(x: Any, g: Any) -> Any:
    return power(x, type(x)(0.5) * g)


POWERS = {"0": zeroth, "half": root, "1": first, "2": square, "any": power}
HALVES = {"0": zeroth, "half": fourth_root, "1": root, "2": first, "any": half_power}
"""x^(gamma/2): where x^gamma underflows, a large number times it need not."""
_NAMES = {0.0: "0", 0.5: "half", 1.0: "1", 2.0: "2"}


def power_name(gamma: float) -> str:
    """Which of POWERS raises to gamma."""
    return _NAMES.get(gamma, "any")
