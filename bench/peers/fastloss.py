"""fastloss on the CPU, into a buffer."""

import numpy as np

from ..cases.case import HALVES, Array, Case
from ..cases.losses import CPU_LOSSES
from . import Call


def prepare(case: Case, y: Array, p: Array) -> Call:
    """The call to be timed; a mean over so many elements would leave float16's gradient no digits."""
    loss, gradient, reduction = CPU_LOSSES[case.loss], np.empty_like(p), "sum" if case.dtype in HALVES else "mean"
    return lambda: loss.loss_gradient(y, p, reduction=reduction, out=gradient)
