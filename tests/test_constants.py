"""The constants of a loss: what a call carries, and what its maths reads."""

from typing import NamedTuple

import numpy as np
import pytest
from numba import njit

import fastloss as fl
from fastloss._math.constants import NoConstants, named, padded


class Two(NamedTuple):
    first: float
    second: float


def test_a_call_carries_as_many_as_it_has_room_for():
    assert padded(Two(2.0, 3.0), 4) == (2.0, 3.0, 0.0, 0.0)
    assert padded((), 1) == (0.0,)
    with pytest.raises(TypeError, match=r"Two\(first=1.0, second=2.0\) are 2 constants, a call carries at most 1"):
        padded(Two(1.0, 2.0), 1)


def read(a, b):
    c = named((a, b, a), Two)
    return c.first + c.second * c.second


def read_none(a, b):
    return len(named((a, b), NoConstants))


@pytest.mark.parametrize("make", [njit, lambda function: function], ids=["compiled", "plain"])
@pytest.mark.parametrize("real", [np.float32, np.float64])
def test_maths_reads_them_by_name(make, real):
    assert make(read)(real(2), real(3)) == 11
    assert make(read_none)(real(2), real(3)) == 0


def test_they_are_the_hyperparameters_of_the_same_names():
    assert fl.Poisson(epsilon=0.25)._constants() == [0.25]
    assert fl.poisson._constants() == [0.0]
    assert [*fl.CategoricalFocalCrossentropy(alpha=0.5, epsilon=0.125)._constants()] == [2.0, 0.5, 0.125]
