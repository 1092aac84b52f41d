"""Compiled kernels without a card: `make test-ptx`. Only this folder's own run collects them, see norecursedirs."""

import pytest

from tests.ptx import compiled
from tests.ptx.card import CARD


def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        compiled.prune()


@pytest.fixture
def card(monkeypatch):
    """The card, in place of CuPy's."""
    CARD.reset()
    CARD.install(monkeypatch)
    return CARD
