"""Losses of a yes/no label: two sides, one for each answer, weighted by the label.

A label of 0 or 1 has weight on one side only: where a block has no others and nothing smooths them, `hard` computes
that side. Otherwise `point` computes the side with the larger share, and the loop adds `rest`, the other side, in
blocks where `shared` finds a label that needs it.
"""

from typing import Any, NamedTuple

from .._compile.jit import scalar
from .._core.elementwise import Elementwise
from .._core.interval import UNIT
from .._math.forms import ElementwiseMaths, Sides, nothing_outside
from .._math.primitives import fma
from ._probability import clip


class Constants(NamedTuple):
    """Label smoothing, the weights of yes and no, the exponent of a focusing factor, and how far p is clipped."""

    label_smoothing: float
    yes: float
    no: float
    gamma: float
    epsilon: float


@scalar
def weights_of(y: Any, c: Any) -> Any:
    """Whether yes has the larger share, and the weights of the larger and the smaller one."""
    T = type(y)
    # Each share smoothed for itself: 1 - (the rounded share of yes) would have few digits of a small share of no.
    keep, even = T(1) - c.label_smoothing, T(0.5) * c.label_smoothing
    yes, no = fma(y, keep, even) * c.yes, fma(T(1) - y, keep, even) * c.no
    up = y >= T(0.5)
    return up, yes if up else no, no if up else yes


@scalar
def shared(y: Any, c: Any) -> Any:
    """Whether the smaller share is not 0."""
    return weights_of(y, c)[2] != type(y)(0)


@scalar
def simple(c: Any) -> Any:
    """Whether a label of 0 or 1 gives its own side a weight that is not 0, and the other none."""
    T = type(c.yes)
    return (c.label_smoothing == T(0)) & (c.yes != T(0)) & (c.no != T(0))


@scalar
def soft(y: Any) -> Any:
    """Whether a label is neither 0 nor 1."""
    T = type(y)
    return (y != T(0)) & (y != T(1))


@scalar
def label_outside(y: Any, z: Any, c: Any) -> Any:
    T = type(z)
    return (y < T(0)) | (y > T(1))


@scalar
def probability_outside(y: Any, p: Any, c: Any) -> Any:
    T = type(p)
    return (p < T(0)) | (p > T(1))


@scalar
def either_outside(y: Any, p: Any, c: Any) -> Any:
    return label_outside(y, p, c) | probability_outside(y, p, c)


def _sides(name: str, weighted: Any, some: Any, outside: Any, hard_outside: Any) -> ElementwiseMaths:
    """From weighted(yes, w, z, c), the loss of one answer with weight w; some is the same for w > 0."""

    @scalar
    def point(y, z, c):
        up, large, _ = weights_of(y, c)
        return weighted(up, large, z, c)

    @scalar
    def rest(y, z, c):
        up, _, small = weights_of(y, c)
        return weighted(not up, small, z, c)

    @scalar
    def hard(y, z, c):
        T = type(z)
        yes = y != T(0)
        return some(yes, c.yes if yes else c.no, z, c)

    sides = Sides(simple, soft, hard, hard_outside, shared, rest)
    return ElementwiseMaths(name, point, outside, sides, deep=True, constants=Constants)


def logit_maths(name: str, side: Any) -> ElementwiseMaths:
    """From side(s, size, c) with size = |s|: the loss of an answer of probability sigmoid(-s), its derivatives by s."""

    @scalar
    def some(yes, w, z, c):
        # Nothing that is slow waits for the label: size and the sign of the weight are had without it.
        loss, slope, curve = side(-z if yes else z, abs(z), c)
        return loss * w, slope * (-w if yes else w), curve * w

    @scalar
    def weighted(yes, w, z, c):
        T = type(z)
        loss, slope, curve = some(yes, w, z, c)
        return T(0) if (w == T(0)) & (z == z) else loss, slope, curve

    return _sides(name, weighted, some, label_outside, nothing_outside)


def probability_maths(name: str, side: Any) -> ElementwiseMaths:
    """From side(t, low, q, c): the loss of an answer of probability t + low = 1 - q, and its derivatives by -t, t."""

    @scalar
    def weighted(yes, w, p, c):
        T = type(p)
        p, clipped = clip(p, c.epsilon)
        q = T(1) - p
        loss, slope, curve = side(p if yes else q, T(0) if yes else (T(1) - q) - p, q if yes else p, c)
        # p - p: a NaN has no exponent to take a logarithm from
        grad = slope * (-w if yes else w)
        flat = clipped & (w == w)  # a NaN of the label stays
        return fma(loss, w, p - p), T(0) if flat else grad, T(0) if flat else curve * w

    return _sides(name, weighted, weighted, either_outside, probability_outside)


class Binary(Elementwise):
    """A loss of yes/no labels."""

    task = ("binary classification", "multi-label classification")
    activation = "sigmoid"
    takes = UNIT

    def _forbidden(self, y: float, p: float) -> tuple[str, float, str]:
        if not 0 <= y <= 1:
            return "y_true", y, "a label in [0, 1]"
        return "y_pred", p, "a probability in [0, 1] (for logits, from_logits=True)"
