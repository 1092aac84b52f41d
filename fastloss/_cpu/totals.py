"""The sum of the weights, which a mean divides by: known before the pass, so that the gradient is scaled in it."""

from typing import Any

import numpy as np

from .blocks import note, two_sum
from .memory import array_at, int_at
from .rowwise import SLOTS as SLOTS


def totals(real: Any, label: Any, indices: bool, weighted: bool, classed: bool) -> Any:
    """The kernel that adds the weights of all rows: sample weight times the target's class weights, 0 where ignored."""

    def piece(call, first, last, report, slot):
        count, classes, inner, repeat = int_at(call, 7), int_at(call, 8), int_at(call, 9), int_at(call, 10)
        has_ignore, ignore = int_at(call, 13) != 0, int_at(call, 14)
        y = array_at(call, 0, count if indices else count * classes, label)
        cw = array_at(call, 6, classes, real) if classed else np.empty(0, real)
        high, low = 0.0, 0.0
        for row in range(first, last):
            weight = 1.0
            if weighted:
                weight = np.float64(array_at(call, 2, count, real)[row // repeat])
            if weight != 0.0:
                if indices:
                    true = np.int64(y[row])
                    if has_ignore and true == ignore:
                        weight = 0.0
                    elif classed and true >= 0 and true < classes:
                        weight *= np.float64(cw[true])
                elif classed:
                    start = row // inner * classes * inner + row % inner
                    mass = 0.0
                    for k in range(classes):
                        mass += np.float64(cw[k]) * np.float64(y[start + k * inner])
                    weight *= mass
            high, low = two_sum(high, low, weight)
        note(report, slot, high, low, -1, 0.0, 0.0, 0.0)
        return 0

    return piece
