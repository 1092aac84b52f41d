"""The sum of the weights, which a mean divides by: known before the pass, so that the gradient is scaled in it."""

from typing import Any

import numpy as np

from .._compile.memory import base_at, borrow, elements, int_at, scratch
from .._math.elementary import two_sum
from .blocks import note
from .operands import CLASS_WEIGHTS, CLASSED, CLASSES, HAS_IGNORE, IGNORE, INDICES, INNER, Y, take, weight_at


def totals(real: Any) -> Any:
    """The kernel that adds the weights of all rows: sample weight times the target's class weights, 0 where ignored."""

    def piece(call, first, last, report, slot):
        classes, inner, indices = int_at(call, CLASSES), int_at(call, INNER), int_at(call, INDICES) != 0
        has_ignore, ignore = int_at(call, HAS_IGNORE) != 0, int_at(call, IGNORE)
        cw, by_class = elements(base_at(call, CLASS_WEIGHTS), classes, real), int_at(call, CLASSED) != 0
        one, index, space = scratch(1, real), scratch(1, np.int64), np.empty(classes, real)
        y = borrow(space, 0, classes)
        high, low = 0.0, 0.0
        for row in range(first, last):
            weight = np.float64(weight_at(call, row, one))
            if weight != 0.0 and indices:
                take(call, Y, row, 1, index)
                true = index[0]
                if has_ignore and true == ignore:
                    weight = np.float64(0)
                elif by_class and true >= 0 and true < classes:
                    weight *= np.float64(cw[true])
            elif weight != 0.0 and by_class:
                take(call, Y, row // inner * classes * inner + row % inner, inner, y)
                mass = 0.0
                for k in range(classes):
                    mass += np.float64(cw[k]) * np.float64(y[k])
                weight *= mass
            high, low = two_sum(high, low, weight)
        note(report, slot, high, low, -1, 0.0, 0.0, np.float64(space.size))
        return 0

    return piece
