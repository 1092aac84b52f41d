"""What is said of an invalid element that a pass has found."""

from typing import Any

import numpy as np

from .description import Categorical, Description
from .geometry import Geometry

TARGET, PREDICTION, WEIGHT, LABEL = 0.0, 1.0, 2.0, 3.0
"""Kinds of invalid elements of a categorical call: a dense target, a prediction, a weight, a class index."""
IN_ROWS = (TARGET, PREDICTION)
"""Those whose place is an element; that of the others is a row."""


def _index(where: int, shape: tuple[int, ...]) -> list[int]:
    return list(map(int, np.unravel_index(where, shape))) if shape else []


def _shown(value: float) -> str:
    """A value with as many digits as it takes: nine for one of 32 bits."""
    return f"{value:.9g}" if float(np.float32(value)) == value or value != value else repr(float(value))


def invalid_element(loss: Description, shape: Geometry, where: int, kind: float, there: tuple[float, float, float],
                    y: Any) -> str:  # fmt: skip
    """The message: there are y_true, y_pred and the weight; of a categorical call, only the value in question."""
    if isinstance(loss, Categorical):
        return _invalid_in_rows(loss, shape, where, kind, there[0], y)
    label, prediction, weight = there
    index = _index(where, shape.examples)
    if weight < 0:
        return f"{loss.name}: sample_weight for element {index} is {_shown(weight)}, expected a weight >= 0"
    assert loss.expected is not None, "a loss that is defined everywhere has no invalid element"
    argument, value, expected = loss.expected(label, prediction)
    return f"{loss.name}: {argument}{index} is {_shown(value)}, expected {expected}"


def _invalid_in_rows(loss: Categorical, shape: Geometry, where: int, kind: float, value: float, y: Any) -> str:
    name = loss.name
    if kind in IN_ROWS:
        row, k = divmod(where, shape.classes)
        index = _index(row, shape.examples)
        index.insert(shape.axis, k)
        if kind == TARGET:
            hint = "; signed_targets=True takes any" if loss.signs else ""
            return f"{name}: y_true{index} is {_shown(value)}, expected a target in [0, 1]{hint}"
        hint = "negative values cannot come from softmax; " if value < 0 else ""
        hint += "for logits, from_logits=True"
        return f"{name}: y_pred{index} is {_shown(value)}, expected a probability in [0, 1]; {hint}"
    index = _index(where, shape.examples)
    if kind == LABEL:
        ignored = f" or ignore_index={loss.ignore_index}" if loss.ignore_index is not None else ""
        label, hint = y[tuple(index)], ""
        if label % 1 != 0:
            hint = ", a whole number"
        elif (label < 0 or label == 255) and not ignored:
            hint = f"; ignore_index={int(label)} leaves such examples out"
        return f"{name}: y_true{index} is {label}, expected a class in [0, {shape.classes}){ignored}{hint}"
    return f"{name}: sample_weight for example {index} is {_shown(value)}, expected a weight >= 0"
