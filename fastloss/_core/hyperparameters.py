"""Checks of hyperparameters, and their normal form: floats, bools and tuples, so that equal losses compare equal."""

import dataclasses
import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np


def number(name: str, argument: str, value: Any, low: float, high: float, expected: str) -> float:
    """value as a float in [low, high]; ValueError otherwise."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real | np.number):
        raise ValueError(f"{name}: {argument} is {value!r}, expected {expected}")
    try:
        found = float(value)
    except OverflowError:
        found = math.inf
    if not low <= found <= high or math.isinf(found):
        raise ValueError(f"{name}: {argument} is {value!r}, expected {expected}")
    return found


def vector(name: str, argument: str, value: Any) -> tuple[float, ...]:
    """A sequence of one finite nonnegative number per class, as a tuple."""
    if isinstance(value, str) or not (isinstance(value, Sequence) or hasattr(value, "__array__")):
        raise ValueError(f"{name}: {argument} is {value!r}, expected one number per class")
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        array = np.empty(0)
    if array.ndim != 1 or array.size == 0 or not np.all(np.isfinite(array)) or np.any(array < 0):
        raise ValueError(f"{name}: {argument} is {value!r}, expected one nonnegative number per class")
    return tuple(array.tolist())


def flag(name: str, argument: str, value: Any) -> bool:
    """value as a bool."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name}: {argument} is {value!r}, expected True or False")
    return bool(value)


def integer(name: str, argument: str, value: Any) -> int:
    """value as an int."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise ValueError(f"{name}: {argument} is {value!r}, expected an integer")
    if not -(2**63) <= int(value) < 2**63:
        raise ValueError(f"{name}: {argument} is {value!r}, expected an integer of 64 bits")
    return int(value)


def outside_unit(y: float, p: float) -> tuple[str, float, str]:
    """Which of a label and a prediction lies outside [0, 1]."""
    if not 0 <= y <= 1:
        return "y_true", y, "a label in [0, 1]"
    return "y_pred", p, "a probability in [0, 1] (for logits, from_logits=True)"


def _optional(check: Any) -> Any:
    return lambda name, argument, value: None if value is None else check(name, argument, value)


def _smoothing(name: str, argument: str, value: Any) -> float:
    return number(name, argument, value, 0.0, math.nextafter(1.0, 0.0), "a number in [0, 1)")


def _alpha(name: str, argument: str, value: Any) -> float | tuple[float, ...]:
    if name.startswith("Binary"):
        return number(name, argument, value, 0.0, 1.0, "a number in [0, 1]")
    if isinstance(value, numbers.Real):
        return number(name, argument, value, 0.0, math.inf, "a number >= 0, or one per class")
    return vector(name, argument, value)


def _epsilon(name: str, argument: str, value: Any) -> float:
    if name == "Poisson":  # added to the rate; the others clip by it
        return number(name, argument, value, 0.0, math.inf, "a number >= 0")
    return number(name, argument, value, 0.0, 0.5, "a number in [0, 0.5]")


_CHECKS: dict[str, Any] = {
    "from_logits": flag,
    "signed_targets": flag,
    "label_smoothing": _smoothing,
    "pos_weight": _optional(lambda n, a, v: number(n, a, v, 0.0, math.inf, "a number >= 0")),
    "epsilon": _optional(_epsilon),
    "gamma": lambda n, a, v: number(n, a, v, 0.0, math.inf, "a number >= 0"),
    "alpha": _optional(_alpha),
    "class_weight": _optional(vector),
    "ignore_index": _optional(integer),
    "axis": integer,
}


def check(loss: Any) -> None:
    """Check every field of a loss and store its normal form; each kind of hyperparameter has one rule."""
    name = type(loss).__name__
    for field in dataclasses.fields(loss):
        value = _CHECKS[field.name](name, field.name, getattr(loss, field.name))
        object.__setattr__(loss, field.name, value)
    if getattr(loss, "from_logits", False) and getattr(loss, "epsilon", None) is not None:
        raise ValueError(
            f"{name}: epsilon is {loss.epsilon!r} with from_logits=True, expected None: logits need no clip"
        )
