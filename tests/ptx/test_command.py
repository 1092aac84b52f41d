"""The stage of `python -m tests.card` that computes every loss once, on the card that is not there."""

import numpy as np
import pytest

from tests import devices
from tests.card import losses
from tests.ptx.card import library
from tests.support import VARIANTS, name_of

SOME = ["MeanSquaredError", "BinaryCrossentropy_logits", "CategoricalCrossentropy_logits", "Poisson"]


@pytest.mark.parametrize("name", SOME)
def test_a_line_for_each_loss(name, card, monkeypatch, capsys):
    monkeypatch.setattr(devices, "libraries", lambda: [library()])
    assert losses.one([name_of(loss) for loss in VARIANTS].index(name)) == 0
    assert capsys.readouterr().out.startswith(f"{name}: cupy ok (")


def test_a_wrong_number_and_an_error_are_said(card, monkeypatch, capsys):
    right = library()
    wrong = right._replace(get=lambda array: np.asarray(right.get(array)) * 1.001)
    monkeypatch.setattr(devices, "libraries", lambda: [wrong])
    assert losses.one([name_of(loss) for loss in VARIANTS].index("MeanSquaredError")) == 1
    assert "cupy WRONG loss by" in capsys.readouterr().out
    monkeypatch.setattr(card, "launch", lambda *arguments: 700)
    monkeypatch.setattr(devices, "libraries", lambda: [right])
    assert losses.one([name_of(loss) for loss in VARIANTS].index("MeanSquaredError")) == 1
    assert "cupy WRONG RuntimeError: the launch of" in capsys.readouterr().out
