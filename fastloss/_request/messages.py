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


def invalid_element(loss: Description, shape: Geometry, where: int, kind: float, there: tuple[float, float, float],
                    y: Any) -> str:  # fmt: skip
    """The message: there are y_true, y_pred and the weight; of a categorical call, only the value in question."""
    if isinstance(loss, Categorical):
        return _invalid_in_rows(loss, shape, where, kind, there[0], y)
    label, prediction, weight = there
    index = _index(where, shape.examples)
    if weight < 0:
        return f"{loss.name}: sample_weight for element {index} is {weight:.9g}, expected a weight >= 0"
    assert loss.expected is not None, "a loss that is defined everywhere has no invalid element"
    argument, value, expected = loss.expected(label, prediction)
    return f"{loss.name}: {argument}{index} is {value:.9g}, expected {expected}"


def _invalid_in_rows(loss: Categorical, shape: Geometry, where: int, kind: float, value: float, y: Any) -> str:
    name = loss.name
    if kind in IN_ROWS:
        row, k = divmod(where, shape.classes)
        index = _index(row, shape.examples)
        index.insert(shape.axis, k)
        if kind == TARGET:
            hint = "; signed_targets=True takes any" if loss.signs else ""
            shown = f"{value:.9g}" if not 0 <= float(f"{value:.9g}") <= 1 else repr(float(value))
            return f"{name}: y_true{index} is {shown}, expected a target in [0, 1]{hint}"
        hint = "negative values cannot come from softmax" if value < 0 else "for logits, from_logits=True"
        return f"{name}: y_pred{index} is {value:.9g}, expected a probability in [0, 1]; {hint}"
    index = _index(where, shape.examples)
    if kind == LABEL:
        ignored = f" or ignore_index={loss.ignore_index}" if loss.ignore_index is not None else ""
        return f"{name}: y_true{index} is {y[tuple(index)]}, expected a class in [0, {shape.classes}){ignored}"
    return f"{name}: sample_weight for example {index} is {value:.9g}, expected a weight >= 0"
