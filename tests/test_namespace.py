"""What the package shows of itself: to help(), to dir(), to an import of everything."""

import pydoc
import subprocess
import sys
from types import ModuleType

import pytest

import fastloss as fl
from tests.support import CLASSES


def test_names_are_public_and_complete():
    assert len(set(fl.__all__)) == len(fl.__all__)
    assert not [name for name in fl.__all__ if name.startswith("_") or isinstance(getattr(fl, name), ModuleType)]
    assert {loss.__name__ for loss in CLASSES} < set(fl.__all__) > {"mse", "bce", "choose", "Loss", "LossGradient"}
    assert set(dir(fl)) == {*fl.__all__, "plot", "__version__"}


@pytest.mark.parametrize("loss", CLASSES, ids=lambda loss: loss.__name__)
def test_help_lists_every_loss(loss):
    """With its name, its short names and its use, before any class is described."""
    shown = pydoc.plain(pydoc.render_doc(fl)).partition("PACKAGE CONTENTS")[0]
    short = [name for name in fl.__all__ if type(getattr(fl, name)) is loss]
    assert f"{', '.join([loss.__name__, *short])}\n            {loss.use}" in shown


def test_without_docstrings():
    code = "import fastloss as fl; print(fl.choose.__doc__, 'MeanSquaredError' in fl.__doc__)"
    found = subprocess.run([sys.executable, "-OO", "-c", code], capture_output=True, check=True, text=True)
    assert found.stdout.split() == ["None", "True"]
