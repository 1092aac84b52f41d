"""Every block of Python on the adapters' pages prints what stands below it."""

import pytest

from tools.examples import ADAPTER_PAGES, filled


@pytest.mark.parametrize("page", ADAPTER_PAGES, ids=lambda page: page.stem)
def test_blocks_print_what_the_page_says(page):
    assert filled(page) == page.read_text(), "run python -m tools.examples"
