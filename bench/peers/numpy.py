"""NumPy, by the shortest sensible expressions; in float64, they are also the reference."""

import numpy as np

from ..cases.case import Array, Case
from . import Call
from .expressions import EXPRESSIONS, Result


def prepare(case: Case, y: Array, p: Array) -> Call:
    """The call to be timed."""
    expression = EXPRESSIONS[case.loss]
    return lambda: expression(np, y, p)


def float64_reference(case: Case, y: Array, p: Array) -> Result:
    """Loss and gradient in float64, from the values that the contenders get."""
    labels = y.astype(np.float64) if case.dense else y
    return EXPRESSIONS[case.loss](np, labels, p.astype(np.float64))
