"""The sum of the weights of rows, which a mean divides by: known before the pass, which scales derivatives by it."""

from typing import Any

import numpy as np

from .._compile.memory import array_base, borrow, elements, scratch, workspace
from .._compile.records import record_at
from .._math.elementary import two_sum
from .call import CALL, read, read_weights, report_of
from .transfer import row_start


def total_weights(real: Any) -> Any:
    """The kernel that adds the weights of all rows: sample weight times the target's class weights, 0 where ignored."""

    def piece(call_at, first, last, reports, task):
        call, report = record_at(call_at, CALL), report_of(reports, task)
        classes, by_class = call.classes, call.has_factors != 0
        factors = elements(array_base(call.class_factors.array), classes if by_class else 0, real)
        weight_block, label, space = scratch(256, real), scratch(256, np.int64), workspace(classes, real)
        y = borrow(space, 0, classes)
        high, low = 0.0, 0.0
        for start in range(first, last, 256):
            many = min(256, last - start)
            weights, labels = borrow(weight_block, 0, many), borrow(label, 0, many)
            read_weights(call, start, weights)
            if call.indices != 0:
                read(call.y_true, start, 1, labels)
            for r in range(many):
                weight = np.float64(weights[r])
                if weight != 0.0 and call.indices != 0:
                    true = labels[r]
                    if call.has_ignore != 0 and true == call.ignore_index:
                        weight = np.float64(0)
                    elif by_class and true >= 0 and true < classes:
                        weight *= np.float64(factors[true])
                elif weight != 0.0 and by_class:
                    read(call.y_true, row_start(call, start + r), call.inner, y)
                    mass = 0.0
                    for k in range(classes):
                        mass += np.float64(factors[k]) * np.float64(y[k])
                    weight *= mass
                high, low = two_sum(high, low, weight)
        report.high, report.low, report.invalid = high, low, -1
        return np.int64(0 * space.size)  # the workspace lives until here: borrowed views are not counted

    return piece
