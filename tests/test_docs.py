"""Every block of Python in the documentation runs, from the top of its page to the bottom, and its assertions hold."""

import re
from pathlib import Path

import pytest

from tests.support import CLASSES, JIT

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```python\n(.*?)^```", re.S | re.M)
PAGES = [
    page for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))) if BLOCK.search(page.read_text())
]


@pytest.mark.skipif(not JIT, reason="the pages train models, which takes minutes in plain Python")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_run(page):
    text, space = page.read_text(), {}
    for block in BLOCK.finditer(text):
        if not block[1].startswith(">>>"):  # those are doctests, of which the README's are run by pytest itself
            lines = "\n" * (text.count("\n", 0, block.start()) + 1)  # so that an error names the line of the page
            exec(compile(lines + block[1], str(page), "exec"), space)


def test_every_loss_has_a_page():
    for loss in CLASSES:
        page = ROOT / "docs" / "losses" / f"{loss.__module__.rpartition('.')[2]}.md"
        assert f"::: fastloss.{loss.__name__}" in page.read_text()
        assert page.relative_to(ROOT / "docs").as_posix() in (ROOT / "mkdocs.yml").read_text()
