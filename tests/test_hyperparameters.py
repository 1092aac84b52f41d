"""No hyperparameter of any loss may be NaN or infinite: an error at construction, which names loss and argument."""

import dataclasses
import itertools
import math

import numpy as np
import pytest

from fastloss._core.elementwise import Elementwise
from tests.support import CLASSES, name_of

NOT_FINITE = [math.nan, math.inf, -math.inf]
FIELDS = [(cls, field.name) for cls in CLASSES for field in dataclasses.fields(cls)]


def takes_vectors(cls, name):
    """Whether a hyperparameter may be one number for each class."""
    try:
        return bool(cls(**{name: [1.0, 2.0]}))
    except ValueError:
        return False


BY_CLASS = [(cls, name) for cls, name in FIELDS if takes_vectors(cls, name)]
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


@dataclasses.dataclass(frozen=True)
class Unchecked(Elementwise):
    delta: float = 1.0


def test_a_field_without_a_check():
    with pytest.raises(TypeError, match=r"Unchecked: the field delta has no check; declare it as delta: float = hyper"):
        Unchecked()


def test_the_losses_by_class():
    assert {(c.__name__, name) for c, name in BY_CLASS} == {("BinaryCrossentropy", "pos_weight"),
                                                            ("CategoricalCrossentropy", "class_weight"),
                                                            ("CategoricalFocalCrossentropy", "alpha")}  # fmt: skip
