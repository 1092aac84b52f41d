"""The cases of the benchmark: they are what their names say, and their reference agrees with the losses."""

import numpy as np
import pytest

from bench.cases.case import Case
from bench.cases.cpu import cpu_cases
from bench.cases.losses import CPU_LOSSES, LAYOUTS, LOSSES
from bench.peers.expressions import EXPRESSIONS


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_agree_with_their_expressions(name):
    shape = (2, 3, 4, 5) if name == "softmax_axis_1" else (6, 5)
    case = Case(name, shape, "float64", "float64" if name == "softmax_one_hot" else "int64")
    y, p = case.data()
    loss, gradient = CPU_LOSSES[name](y, p)
    expected, slope = EXPRESSIONS[name](np, y, p)
    assert loss == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(gradient, slope, rtol=1e-9, atol=1e-15)


def test_cases_are_told_apart_and_keep_their_dtypes():
    found = [*cpu_cases()]
    assert len({case.id for case in found}) == len(found)
    assert {case.loss for case in found} == set(LOSSES) | set(LAYOUTS)
    for case in (Case("mse", (64,), "float32", "uint8"), Case("bce_logits", (64,), "float16", "float16")):
        y, p = case.data()
        assert (y.dtype, p.dtype) == (case.label, case.dtype)
        assert (case.baseline.dtype, case.baseline.label) == ("float32", "float32")
