"""Elementwise losses of every prediction that 16 bits have, against float64: what is promised for them on a GPU."""

import numpy as np
import pytest

import fastloss as fl
from fastloss._core.interval import EVERYTHING
from tests.ptx.card import put
from tests.ptx.cases import BF16, F16, F64, losses, name
from tests.ptx.compare import distance

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
LOSSES = [loss for loss in losses(False) if getattr(loss, "gamma", 2.0) in (0.0, 2.0)]


def predictions(loss, kind):
    """All finite ones in the domain."""
    p = np.arange(1 << 16, dtype=np.uint16).view(kind)
    p = p[np.isfinite(p.astype(F64))]
    takes, wide = EVERYTHING if getattr(loss, "from_logits", False) else loss.takes, p.astype(F64)
    return p[(wide > takes.low if takes.above else wide >= takes.low) & (wide <= takes.high)]


@pytest.mark.parametrize("kind", [BF16, F16], ids=name)
@pytest.mark.parametrize("loss", LOSSES, ids=name)
def test_every_prediction(loss, kind, card):
    """By the function of any label, and by that of a vector of labels of 0 and 1."""
    p = predictions(loss, kind)
    labels = (-1, 1) if isinstance(loss, fl.SquaredHinge) else (0, 1)
    if isinstance(loss, fl.Poisson) and loss.from_logits:
        labels = (0,)  # the gradient exp(z) - 1 has the errors of its terms, in float32 too
    for label in labels:
        y = np.full(p.shape, label, np.int8)
        exact = loss(y, p.astype(F64), reduction="none")
        got = loss(put(y), put(p), reduction="none")
        summed = loss.gradient(put(y), put(p), reduction="sum").get()
        for gradient in (got.gradient.get(), summed):
            far = distance(gradient, exact.gradient.astype(kind))
            assert far.max() <= 1, (label, p[far.argmax()], gradient[far.argmax()], exact.gradient[far.argmax()])
        found, want = got.loss.get().astype(F64), exact.loss
        known = np.isfinite(want.astype(np.float32))
        error = np.abs(found - want)[known] / np.maximum(want[known], 2.0**-126)
        assert error.max() <= 2.0**-20, (label, p[known][error.argmax()], np.log2(error.max()))
