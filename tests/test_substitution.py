"""Functions that are made anew with others in place of those they call."""

import numpy as np

from fastloss._compile.jit import scalar
from fastloss._compile.substitution import substituted
from tests.grids import run


@scalar
def plus(x):
    return x + type(x)(1)


@scalar
def minus(x):
    return x - type(x)(1)


@scalar
def twice(x):
    return plus(x) + plus(x)


def times(function, n):
    """A function that finds another in its closure."""

    @scalar
    def of(x):
        return function(x) * type(x)(n)

    return of


X = np.array([0.0, 5.0])


def test_functions_are_replaced_wherever_they_are_called():
    """By name and by closure, at any depth; the function itself goes on as before."""
    deep = times(twice, 3)
    np.testing.assert_array_equal(run(substituted(deep, {plus: minus}), X), 6 * (X - 1))
    np.testing.assert_array_equal(run(deep, X), 6 * (X + 1))
    assert substituted(plus, {plus: minus}) is minus


def test_a_function_that_calls_none_of_them_stays():
    deep = times(twice, 3)
    assert substituted(deep, {minus: plus}) is deep
    assert substituted(deep, {plus: minus, twice: twice}) is deep
