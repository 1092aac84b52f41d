"""What a type checker knows of a user's script: mypy, and pyright in its fork with a program of its own."""

import importlib.util
import re
import subprocess
import sys

import pytest

SCRIPT = """
from typing import assert_type

import numpy as np
from numpy.typing import NDArray

import fastloss as fl

labels: NDArray[np.uint8] = np.array([0, 1], np.uint8)
p = np.array([0.3, 0.6], np.float32)
value, gradient = fl.bce(labels, p)
assert_type(value, float)
step = p - 0.1 * gradient
assert_type(fl.bce.loss(labels, p), float)
assert_type(fl.mse.loss([0, 1], [0.5, 0.5], sample_weight=[1.0, 2.0]), float)
rows = fl.mse.loss(labels, p, reduction="none")
print(rows.shape, rows.max())
pair = fl.BinaryFocalCrossentropy(gamma=1.5, alpha=0.25).gradient_hessian(labels, p, reduction="sum")
print(pair.gradient / pair.hessian)
both = fl.mse(labels, p, reduction="none", out=(np.empty(2), np.empty(2)))
print(both.loss.mean(), both.gradient.mean())
cce = fl.CategoricalCrossentropy(from_logits=True, class_weight={0: 1.0, 1: 2.0}, ignore_index=-1)
assert_type(cce, fl.CategoricalCrossentropy)
print(fl.CategoricalFocalCrossentropy(alpha=[0.5, 1.0]).activate(p))
labelled = fl.BinaryCrossentropy(pos_weight=np.array([1.0, 2.0]), ignore_index=255, missing="ignore")
assert_type(labelled.loss(labels, p, np.ones(2)), float)
print(fl.CategoricalCrossentropy(class_weight=p), fl.MeanSquaredError(missing="ignore"))
for suggestion in fl.choose(task="regression").suggestions:
    print(suggestion.code, suggestion.loss.loss(p, p))
losses: list[fl.Loss] = [fl.mse, fl.mae, fl.Poisson(from_logits=True)]
print([loss(labels, p).gradient[0] for loss in losses], fl.plot, fl.__version__)
"""
WRONG = """
import numpy as np
import fastloss as fl

y = np.zeros(2)
fl.bce(y, y, reduction="avg")
fl.bce.loss("a", None)
fl.bce(y, y, from_logits=True)
fl.BinaryCrossentropy(form_logits=True)
fl.BinaryCrossentropy(from_logits="yes")
fl.mse.loss(y, y).shape
fl.mae.gradient(y)
fl.squared_hing(y, y)
fl.mse.gradient_hessian(y, y, out=y)
fl.MeanSquaredError(missing="drop")
fl.BinaryCrossentropy(pos_weight="2")
"""


def checked(script, checker, folder):
    """The lines of errors of a checker."""
    if importlib.util.find_spec(checker[0]) is None:
        pytest.skip(f"{checker[0]} is not installed: make type installs it")
    (folder / "script.py").write_text(script)
    (folder / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict", "reportUnknownMemberType": false}')
    command = [sys.executable, "-m", *checker, "script.py"]
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert "script.py" in found.stdout or found.returncode == 0, found.stdout + found.stderr
    return {int(line) for line in re.findall(r"script\.py:(\d+):(?:\d+ -)? error", found.stdout)}, found.stdout


CHECKERS = pytest.mark.parametrize("checker", [
    ("mypy", "--strict", "--cache-dir=.mypy", "--python-executable", sys.executable),
    ("basedpyright", "--pythonpath", sys.executable),
], ids=lambda checker: checker[0])  # fmt: skip


@CHECKERS
def test_a_script_of_a_user(checker, tmp_path):
    lines, shown = checked(SCRIPT, checker, tmp_path)
    assert not lines, shown


@CHECKERS
def test_mistakes_are_errors(checker, tmp_path):
    lines, shown = checked(WRONG, checker, tmp_path)
    wanted = {k for k, line in enumerate(WRONG.splitlines(), 1) if line.startswith("fl.")}
    assert lines >= wanted, shown
