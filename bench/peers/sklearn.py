"""scikit-learn's private losses: Cython with OpenMP, then mean and scale as its linear models take them."""

from typing import Any

import numba
import numpy as np
from sklearn import _loss

from ..cases.case import Array, Case
from . import Call

SKLEARN_LOSSES = {
    "mse": "HalfSquaredError",
    "mae": "AbsoluteError",
    "poisson_logits": "HalfPoissonLoss",
    "bce_logits": "HalfBinomialLoss",
    "softmax_crossentropy": "HalfMultinomialLoss",
}
FACTORS = {"mse": 2.0}
"""What its losses are multiplied by to compare them; it leaves out the 2 of the square only."""


def prepare(case: Case, y: Array, p: Array) -> Call:
    """The call to be timed: both buffers given; labels of another dtype are converted in it, as it needs p's."""
    options = {"n_classes": p.shape[1]} if p.ndim == 2 else {}
    loss = getattr(_loss, SKLEARN_LOSSES[case.loss])(**options)
    losses, gradient = np.empty(len(p), p.dtype), np.empty_like(p)
    threads = numba.get_num_threads()

    def call() -> tuple[Any, Any]:
        labels = y.astype(p.dtype, copy=False)
        loss.loss_gradient(labels, p, loss_out=losses, gradient_out=gradient, n_threads=threads)
        np.divide(gradient, len(p), out=gradient)
        return losses.mean(), gradient

    return call
