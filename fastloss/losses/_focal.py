"""The focusing factor x^gamma: exact short forms for the gammas in use, a real power for the others."""

import math
from typing import Any

from .._jit import scalar
from .._math import power


@scalar
def zeroth(x: Any, g: Any) -> Any:
    return type(x)(1) if x == x else x


@scalar
def root(x: Any, g: Any) -> Any:
    return type(x)(math.sqrt(x))


@scalar
def first(x: Any, g: Any) -> Any:
    return x


@scalar
def square(x: Any, g: Any) -> Any:
    return x * x


POWERS = {"0": zeroth, "half": root, "1": first, "2": square, "any": power}
_NAMES = {0.0: "0", 0.5: "half", 1.0: "1", 2.0: "2"}


def power_name(gamma: float) -> str:
    """Which of POWERS raises to gamma."""
    return _NAMES.get(gamma, "any")
