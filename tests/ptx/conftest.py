"""Compiled kernels without a card: `make test-ptx`. Only this folder's own run collects them, see norecursedirs."""

import pytest

from tests.ptx import compiled
from tests.ptx.card import CARD


def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        compiled.prune()


@pytest.hookimpl(trylast=True)
def pytest_generate_tests(metafunc):
    """Both ways of linking side by side, so that one process compiles for both."""
    if "card" in metafunc.fixturenames:
        metafunc.parametrize("card", compiled.LINKS, indirect=True)


@pytest.fixture
def card(request, monkeypatch):
    """The card, in place of CuPy's; kernels as NVVM compiles them, and as nvJitLink links them."""
    CARD.reset(request.param)
    CARD.install(monkeypatch)
    return CARD
