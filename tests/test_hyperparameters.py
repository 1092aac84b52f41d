"""No hyperparameter of any loss may be NaN or infinite: an error at construction, which names loss and argument."""

import dataclasses
import itertools
import math

import numpy as np
import pytest

from tests.support import CLASSES, name_of

NOT_FINITE = [math.nan, math.inf, -math.inf]
FIELDS = [(cls, field.name) for cls in CLASSES for field in dataclasses.fields(cls)]
BY_CLASS = [(c, name) for c, name in FIELDS if c.__name__.startswith("Categ") and name in ("alpha", "class_weight")]
every_value = pytest.mark.parametrize("value", NOT_FINITE, ids=str)


def refuse(cls, name, value):
    with pytest.raises(ValueError, match="expected") as caught:
        cls(**{name: value})
    message = str(caught.value)
    assert message.startswith(f"{cls.__name__}: {name} is "), message
    with pytest.raises(ValueError, match=name):
        dataclasses.replace(cls(), **{name: value})


@every_value
@pytest.mark.parametrize(("cls", "name"), FIELDS, ids=name_of)
def test_numbers(cls, name, value):
    """As Python has it, as NumPy has it, and with no dimensions."""
    for kind in (float, np.float64, np.float32, np.float16, np.array, lambda x: complex(x, 0)):
        refuse(cls, name, kind(value))


@every_value
@pytest.mark.parametrize(("cls", "name"), BY_CLASS, ids=name_of)
def test_numbers_by_class(cls, name, value):
    """First, last or in the middle, in any sequence, of any dtype, alone or twice."""
    for place, kind in itertools.product(range(3), (list, tuple, *(lambda a, t=t: np.array(a, t) for t in "efdO"))):
        numbers = [1.0, 0.0, 2.0]
        numbers[place] = value
        refuse(cls, name, kind(numbers))
        refuse(cls, name, kind([value] * 2))
        refuse(cls, name, kind([value]))


@pytest.mark.parametrize(("cls", "name"), FIELDS, ids=name_of)
def test_numbers_too_large_for_a_float(cls, name):
    """They would be infinite, or be cut off."""
    for value in (10**400, -(10**400)):
        refuse(cls, name, value)
    if (cls, name) in BY_CLASS:
        refuse(cls, name, [1, 10**400])


def test_the_losses_by_class():
    assert {(c.__name__, name) for c, name in BY_CLASS} == {("CategoricalCrossentropy", "class_weight"),
                                                            ("CategoricalFocalCrossentropy", "alpha")}  # fmt: skip
