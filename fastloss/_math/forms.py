"""The forms in which a loss states its scalar maths."""

from typing import Any, NamedTuple

from .._compile.jit import scalar


@scalar
def nowhere(y: Any, p: Any, c: Any) -> Any:
    """A domain that nothing is outside of."""
    return False


class Sides(NamedTuple):
    """Maths of a label that shares its weight among two answers: see losses/_binary.py."""

    simple: Any
    """Whether simple(c) lets hard(y, p, c) do as point for every label that is not soft(y)."""
    soft: Any
    hard: Any
    hard_outside: Any
    shared: Any
    """Whether rest(y, p, c) has to be added to point where shared(y, c) is true of any label of a block."""
    rest: Any


class ElementwiseMaths(NamedTuple):
    """point(y, p, c) gives loss and derivatives, outside(y, p, c) is true where y or p is not allowed."""

    name: str
    point: Any
    outside: Any = nowhere
    sides: Sides | None = None
    deep: bool = False
    """Whether the steps of the maths wait for each other so long that a CPU should take two vectors side by side."""
    long: bool = False
    """Whether the maths is too long to be unrolled eight times in a kernel of a GPU."""


class SoftmaxMaths(NamedTuple):
    """focus(p, q, nll, c) gives loss, slope and bend of a class, see `_math.softmax`.

    derivative(p, c) gives loss and derivatives by p, from probabilities.
    """

    name: str
    focus: Any
    derivative: Any
    is_nll: bool = False
    """Whether the loss of a class is -log p itself: focus gives (nll, 1, 0)."""
