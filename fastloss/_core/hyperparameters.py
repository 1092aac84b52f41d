"""Hyperparameters: how a loss declares them, how they are checked, and their normal form.

The normal form is a float, a bool, an int or a tuple, so that equal losses compare equal. A check is a function of the
loss's name, the hyperparameter's name and its value; it returns the normal form or raises a ValueError.
"""

import dataclasses
import math
import numbers
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Check = Callable[[str, str, Any], Any]
Weights = float | Sequence[float] | NDArray[Any] | Mapping[int, float]
"""A number, or one for each class or label."""
Value = TypeVar("Value")


def hyperparameter(default: Value, check: Check) -> Value:
    """A field of a loss: its default and its check. Type checkers see the default, dataclasses a field."""
    return dataclasses.field(default=default, metadata={"check": check})


def number(low: float, high: float, expected: str) -> Check:
    """The check of a finite number in [low, high]."""

    def check(name: str, argument: str, value: Any) -> float:
        found = math.nan
        if isinstance(value, numbers.Real | np.number) and not isinstance(value, bool):
            try:
                found = float(value)
            except OverflowError:
                found = math.inf
        if math.isinf(found):
            raise ValueError(
                f"{name}: {argument} is {value!r}, expected {expected.replace('a number', 'a finite number')}"
            )
        if not low <= found <= high:
            raise ValueError(f"{name}: {argument} is {value!r}, expected {expected}")
        return found

    return check


def _in_order(name: str, argument: str, value: Mapping[Any, Any], each: str) -> list[Any]:
    """The values of {class: number} for classes 0, 1, ..."""
    missing = [k for k in range(max(len(value), 1)) if k not in value]
    if missing:
        raise ValueError(f"{name}: {argument} is {value!r}, expected a number for each {each} from 0 on; "
                         f"{each} {missing[0]} has none")  # fmt: skip
    return [value[k] for k in range(len(value))]


def vector(name: str, argument: str, value: Any, each: str = "class") -> tuple[float, ...]:
    """A sequence or mapping of one finite nonnegative number per class (or what `each` names), as a tuple."""
    if isinstance(value, Mapping):
        value = _in_order(name, argument, value, each)
    if isinstance(value, str) and value == "balanced" and each == "class":
        raise ValueError(f'{name}: {argument} is "balanced", which depends on the labels; expected one number per '
                         "class: len(labels) / (classes * numpy.bincount(labels))")  # fmt: skip
    if isinstance(value, str) or not (isinstance(value, Sequence) or hasattr(value, "__array__")):
        raise ValueError(f"{name}: {argument} is {value!r}, expected one number per {each}")
    try:
        given = np.asarray(value)
        known = given.dtype.kind in "iufbO" and not isinstance(value, bytes | bytearray | np.ma.MaskedArray)
        array = given.astype(np.float64) if known else np.empty(0)
    except (TypeError, ValueError, OverflowError):
        array = np.empty(0)
    if array.ndim != 1 or array.size == 0 or not np.all(np.isfinite(array)) or np.any(array < 0):
        raise ValueError(f"{name}: {argument} is {value!r}, expected one finite nonnegative number per {each}")
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


def one_of(*names: str) -> Check:
    """The check of one of these strings."""

    def check(name: str, argument: str, value: Any) -> Any:
        if not isinstance(value, str) or value not in names:
            raise ValueError(f"{name}: {argument} is {value!r}, expected {', '.join(map(repr, names))} or None")
        return value

    return check


def optional(check: Check) -> Check:
    """The check of a value that may be None."""
    return lambda name, argument, value: None if value is None else check(name, argument, value)


def number_or_vector(one: Check, each: str = "class") -> Check:
    """The check of a number, for which `one` is, or of one number per class (or what `each` names)."""

    def check(name: str, argument: str, value: Any) -> Any:
        many = hasattr(value, "__array__") or isinstance(value, Sequence | Mapping)
        many = many and not isinstance(value, str | np.number)
        return (partial(vector, each=each) if many else one)(name, argument, value)

    return check


POSITIVE = number(math.nextafter(0.0, 1.0), math.inf, "a number > 0")
NONNEGATIVE = number(0.0, math.inf, "a number >= 0")
SMOOTHING = number(0.0, math.nextafter(1.0, 0.0), "a number in [0, 1)")
MISSING = optional(one_of("ignore"))
"""Of what is done about targets that are NaN."""
CLIP = optional(number(0.0, 0.5, "a number in [0, 0.5]"))
"""Of an epsilon that probabilities are clipped by."""


def check_all(loss: Any) -> None:
    """Check every hyperparameter of a loss and store its normal form."""
    name = type(loss).__name__
    for field in dataclasses.fields(loss):
        if "check" not in field.metadata:
            raise TypeError(
                f"{name}: the field {field.name} has no check; declare it as {field.name}: float = "
                "hyperparameter(default, check), both from fastloss/losses/_base.py"
            )
        value = getattr(loss, field.name)
        if isinstance(value, np.ndarray) and value.ndim == 0:
            value = value[()]
        value = field.metadata["check"](name, field.name, value)
        object.__setattr__(loss, field.name, value)
    if getattr(loss, "from_logits", False) and getattr(loss, "epsilon", None) is not None:
        raise ValueError(
            f"{name}: epsilon is {loss.epsilon!r} with from_logits=True, expected None: logits need no clip"
        )
