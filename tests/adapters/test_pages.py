"""Every block of Python on the adapters' pages prints what stands below it."""

import pytest

from tools.examples import ADAPTER_PAGES, filled

from .libraries import needs_lightgbm

PAGES = [pytest.param(p, id=p.stem, marks=needs_lightgbm if p.stem == "boosting" else ()) for p in ADAPTER_PAGES]


@pytest.mark.parametrize("page", PAGES)
def test_blocks_print_what_the_page_says(page):
    assert filled(page) == page.read_text(), "run python -m tools.examples"
