"""The house: imports run downwards, and the picture of them is of today."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SPEC = importlib.util.spec_from_file_location("imports", ROOT / "tools" / "imports.py")
imports = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(imports)


def test_imports_run_downwards():
    assert not imports.upward(ROOT / "fastloss")


@pytest.mark.parametrize(("file", "line", "what"), [
    ("_math/elementary.py", "from .._cpu import rows", "_math.elementary imports _cpu.rows"),
    ("_cpu/call.py", "from .._cuda import plan", "_cpu.call imports _cuda.plan"),
    ("_cpu/block.py", "from . import rows", "_cpu.block imports _cpu.rows imports _cpu.block"),
])  # fmt: skip
def test_an_import_upwards_is_found(tmp_path, file, line, what):
    for path in (ROOT / "fastloss").rglob("*.py"):
        copy = tmp_path / path.relative_to(ROOT / "fastloss")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text())
    (tmp_path / file).write_text((tmp_path / file).read_text() + f"\n{line}\n")
    assert what in imports.upward(tmp_path)


def test_the_picture_is_of_today():
    drawn = (ROOT / "docs" / "imports.svg").read_text()
    assert drawn == imports.svg(ROOT / "fastloss"), "python tools/imports.py draws it anew"
