"""Adapters without their libraries: nothing is imported that was not asked for, and an error says what to install."""

import subprocess
import sys

import pytest


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("module", ["torch", "jax"])
def test_a_library_that_is_missing_is_named(module):
    code = f"""
import sys
sys.modules[{module!r}] = None
try:
    import fastloss.{module}
except ImportError as error:
    print(error)
"""
    assert f'pip install "fastloss[{module}]"' in run(code)


def test_no_library_is_imported_to_ask_about_an_array():
    code = """
import sys
import numpy as np
import fastloss as fl, fastloss.boosting, fastloss.linear
fl.mse([1.0, 2.0], np.zeros(2))
fl.cce.activate([[0.0, 1.0]])
print({"torch", "jax", "dask", "xgboost", "lightgbm", "catboost", "sklearn", "cupy"} & set(sys.modules))
"""
    assert run(code).strip() == "set()"
