"""Every block of Python in the documentation prints what stands below it; every loss has its page and docstring."""

import dataclasses
import re
from pathlib import Path

import pytest

import fastloss as fl
from tests.support import CLASSES, JIT, VARIANTS
from tools.examples import BLOCK, PAGES, filled

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.skipif(not JIT, reason="the pages train models, which takes minutes in plain Python")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_print_what_the_page_says(page):
    assert filled(page) == page.read_text(), "run python -m tools.examples"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_show_and_do_not_assert(page):
    for block in BLOCK.finditer(page.read_text()):
        assert "assert" not in block["code"], "print the result: what is below the block is compared with it"


@pytest.mark.parametrize("loss", CLASSES, ids=lambda c: c.__name__)
def test_every_loss_has_a_page(loss):
    """The navigation takes every page of a loss by itself: tools/docs.py."""
    name, page = loss.__name__, ROOT / "docs" / "losses" / f"{loss.__module__.rpartition('.')[2]}.md"
    assert page.exists(), f"{name} has no page: write docs/losses/{page.name}, as docs/losses/squared_hinge.md is"
    assert f"::: fastloss.{name}" in page.read_text(), f"docs/losses/{page.name} does not end with ::: fastloss.{name}"


@pytest.mark.parametrize("loss", CLASSES, ids=lambda c: c.__name__)
def test_every_loss_is_in_the_changelog(loss):
    assert f"`{loss.__name__}`" in (ROOT / "CHANGELOG.md").read_text(), (
        f"CHANGELOG.md does not name `{loss.__name__}`: add it to the version that brings it")  # fmt: skip


@pytest.mark.parametrize("loss", CLASSES, ids=lambda c: c.__name__)
def test_docstrings_have_the_sections_of_numpy(loss):
    """A summary of one line, Parameters that name every hyperparameter, Examples that run as doctests."""
    summary, _, rest = loss.__doc__.partition("\n\n")
    where = f"{loss.__name__}: the docstring"
    assert summary.endswith(".") and "\n" not in summary, f"{where} has to begin with a sentence of one line"  # noqa: PT018
    assert "    Examples\n    --------\n    >>> " in rest, f"{where} has no section Examples"
    _, _, parameters = rest.partition("    Parameters\n    ----------\n")
    missing = [f.name for f in dataclasses.fields(loss) if not re.search(rf"^    .*\b{f.name}\b", parameters, re.M)]
    assert not missing, f"{where} has no section Parameters with {', '.join(missing)}"


def test_every_file_of_a_loss_is_exported():
    for path in (ROOT / "fastloss" / "losses").glob("[!_]*.py"):
        classes = [loss.__name__ for loss in CLASSES if loss.__module__ == f"fastloss.losses.{path.stem}"]
        assert classes, f"fastloss/losses/{path.name} is not exported: import it in fastloss/__init__.py"
        for loss in (getattr(fl, name) for name in classes):
            assert getattr(fl, path.stem, None) == loss(), (
                f"fastloss.{path.stem} is not {loss.__name__}(): export it in fastloss/__init__.py")  # fmt: skip


def test_no_two_losses_share_the_name_of_a_kernel():
    found = {}
    for loss in VARIANTS:
        other = found.setdefault(loss._maths().name, loss)
        assert other._maths() == loss._maths(), f"{other!r} and {loss!r} have maths of one name: {loss._maths().name}"
