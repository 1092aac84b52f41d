"""What the scalar maths of a loss consists of: its functions, and the class of the constants that they read."""

from typing import Any, NamedTuple

from .._compile.jit import scalar
from .constants import NoConstants


@scalar
def nothing_outside(y: Any, p: Any, c: Any) -> Any:
    """Of a loss that is defined everywhere."""
    return False


class Sides(NamedTuple):
    """Maths of a label that shares its weight among two answers: see losses/_binary.py."""

    simple: Any
    """Whether simple(c) lets hard(y, p, c) do as point for every label that is not soft(y)."""
    soft: Any
    hard: Any
    hard_outside: Any
    shared: Any = None
    """Whether rest(y, p, c) has to be added to point where shared(y, c) is true of any label of a block."""
    rest: Any = None


class ElementwiseMaths(NamedTuple):
    """point(y, p, c) gives loss and derivatives, outside(y, p, c) is true where y or p is forbidden."""

    name: str
    """Kernels are named by it: no two losses may share one."""
    point: Any
    outside: Any = nothing_outside
    sides: Sides | None = None
    deep: bool = False
    """Whether there is so much maths that a CPU should take as many elements at a time as it can."""
    steep: bool = False
    """Whether a power multiplies the relative errors of what it is made of."""
    apart: bool = False
    """Whether there is so little that loss and derivatives are faster in a loop each: the second waits for stores."""
    constants: type = NoConstants
    """The named tuple that c is."""
    by_label: Any = None
    """by_label(c, factor): c with the factor of one label, of maths whose labels have one each."""


@scalar
def _one(y: Any, p: Any, c: Any) -> Any:
    T = type(p)
    return T(1), T(0), T(0)


COUNT = ElementwiseMaths("count", _one)
"""A loss of 1 everywhere, whose sum is that of the weights."""


class SoftmaxMaths(NamedTuple):
    """focus(p, q, nll, c) for softmax and derivative(p, c) for probabilities: see `_math.softmax`."""

    name: str
    """Kernels are named by it: no two losses may share one."""
    focus: Any
    derivative: Any
    constants: type = NoConstants
    """The named tuple that c is."""
    is_nll: bool = False
    """Whether the loss of a class is -log p itself: focus gives (nll, 1, 0)."""
