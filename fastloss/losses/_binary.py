"""Losses of a yes/no label: two sides, one for each answer, weighted by the label.

A label of 0 or 1 has weight on one side only: where a block has no others and nothing smooths them, `hard` computes
that side. Otherwise, in a loss that is a sum of two sides, `point` computes the side with the larger share, and the
loop adds `rest`, the other side, in blocks where `shared` finds a label that needs it. In a loss that mixes the two
probabilities, `point` computes the mixture.
"""

from functools import cache
from typing import Any, NamedTuple

from .._compile.jit import scalar
from .._core.elementwise import Elementwise
from .._core.interval import UNIT
from .._math.elementary import slack
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
def shares_of(y: Any, c: Any) -> Any:
    """The shares of yes and no in a label, smoothed."""
    T = type(y)
    # Each share smoothed for itself: 1 - (the rounded share of yes) would have few digits of a small share of no.
    keep, even = T(1) - c.label_smoothing, T(0.5) * c.label_smoothing
    return fma(y, keep, even), fma(T(1) - y, keep, even)


@scalar
def weights_of(y: Any, c: Any) -> Any:
    """Whether yes has the larger share, and the weights of the larger and the smaller one."""
    yes, no = shares_of(y, c)
    yes, no = yes * c.yes, no * c.no
    up = y >= type(y)(0.5)
    return up, yes if up else no, no if up else yes


@scalar
def mixture_of(y: Any, c: Any) -> Any:
    """Whether yes has the larger share, the larger and the smaller share, and the weight of both together."""
    yes, no = shares_of(y, c)
    up = y >= type(y)(0.5)
    return up, yes if up else no, no if up else yes, fma(yes, c.yes, no * c.no)


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
    over = slack(c.epsilon)
    return (p < -over) | (p > type(p)(1) + over)


@scalar
def either_outside(y: Any, p: Any, c: Any) -> Any:
    return label_outside(y, p, c) | probability_outside(y, p, c)


def _hard(some: Any) -> Any:
    """The point of a label of 0 or 1, from some(yes, w, z, c): the loss of one answer with weight w > 0."""

    @scalar
    def hard(y, z, c):
        yes = y != type(z)(0)
        return some(yes, c.yes if yes else c.no, z, c)

    return hard


def _sum(name: str, weighted: Any, some: Any, outside: Any, hard_outside: Any) -> ElementwiseMaths:
    """The sum of two sides, from weighted(yes, w, z, c), the loss of one answer with weight w."""

    @scalar
    def point(y, z, c):
        up, large, _ = weights_of(y, c)
        return weighted(up, large, z, c)

    @scalar
    def rest(y, z, c):
        up, _, small = weights_of(y, c)
        return weighted(not up, small, z, c)

    sides = Sides(simple, soft, _hard(some), hard_outside, shared, rest)
    return ElementwiseMaths(name, point, outside, sides, deep=True, constants=Constants)


def _mixture(name: str, point: Any, some: Any, outside: Any, hard_outside: Any) -> ElementwiseMaths:
    """A loss that mixes the probabilities of the answers, and raises them to a power."""
    sides = Sides(simple, soft, _hard(some), hard_outside)
    return ElementwiseMaths(name, point, outside, sides, deep=True, steep=True, constants=Constants)


@scalar
def _by_logit(found: Any, yes: Any, w: Any) -> Any:
    """Loss and derivatives by s as those by the logit, times w."""
    loss, slope, curve = found
    return loss * w, slope * (-w if yes else w), curve * w


@scalar
def _unless_nothing(found: Any, w: Any, z: Any) -> Any:
    """A weight of 0 makes a loss 0 that is infinite."""
    loss, slope, curve = found
    return type(z)(0) if (w == type(z)(0)) & (z == z) else loss, slope, curve


@scalar
def _by_probability(found: Any, yes: Any, w: Any, p: Any, clipped: Any) -> Any:
    """Loss and derivatives by -t and t as those by the probability, times w; flat where it was clipped."""
    T = type(p)
    loss, slope, curve = found
    # p - p: a NaN has no exponent to take a logarithm from
    grad = slope * (-w if yes else w)
    return fma(loss, w, p - p), T(0) if clipped else grad, T(0) if clipped else curve * w


def _logit_side(side: Any) -> Any:
    @scalar
    def some(yes, w, z, c):
        # Nothing that is slow waits for the label: size and the sign of the weight are had without it.
        return _by_logit(side(-z if yes else z, abs(z), c), yes, w)

    return some


def _probability_side(side: Any, hard: bool) -> Any:
    @scalar
    def some(yes, w, p, c):
        T = type(p)
        p, clipped = clip(p, c.epsilon)
        q = T(1) - p
        found = side(p if yes else q, T(0) if yes else (T(1) - q) - p, q if yes else p, c)
        return _by_probability(found, yes, w, p, clipped if hard else clipped & (w == w))  # a NaN of the label stays

    return some


def logit_maths(name: str, side: Any) -> ElementwiseMaths:
    """From side(s, size, c) with size = |s|: the loss of an answer of probability sigmoid(-s), its derivatives by s."""
    some = _logit_side(side)

    @scalar
    def weighted(yes, w, z, c):
        return _unless_nothing(some(yes, w, z, c), w, z)

    return _sum(name, weighted, some, label_outside, nothing_outside)


def logit_mixture(name: str, side: Any, mixture: Any) -> ElementwiseMaths:
    """From side as in `logit_maths`, and mixture(s, size, a, b, c): an answer of share a >= 1/2, and the other of b."""

    @scalar
    def point(y, z, c):
        up, a, b, w = mixture_of(y, c)
        return _unless_nothing(_by_logit(mixture(-z if up else z, abs(z), a, b, c), up, w), w, z)

    return _mixture(name, point, _logit_side(side), label_outside, nothing_outside)


def probability_maths(name: str, side: Any) -> ElementwiseMaths:
    """From side(t, low, q, c): the loss of an answer of probability t + low = 1 - q, and its derivatives by -t, t."""
    weighted, some = _probability_side(side, hard=False), _probability_side(side, hard=True)
    return _sum(name, weighted, some, either_outside, probability_outside)


def probability_mixture(name: str, side: Any, mixture: Any) -> ElementwiseMaths:
    """The same and mixture(t, low, q, q_low, a, b, c): that answer of share a >= 1/2, the other of q + q_low of b."""

    @scalar
    def point(y, p, c):
        T = type(p)
        up, a, b, w = mixture_of(y, c)
        p, clipped = clip(p, c.epsilon)
        q = T(1) - p
        rounded = (T(1) - q) - p
        found = mixture(p if up else q, T(0) if up else rounded, q if up else p, rounded if up else T(0), a, b, c)
        return _by_probability(found, up, w, p, clipped & (w == w))  # a NaN of the label stays

    return _mixture(name, point, _probability_side(side, hard=True), either_outside, probability_outside)


@scalar
def _with_yes(c: Any, yes: Any) -> Any:
    return Constants(c.label_smoothing, yes, c.no, c.gamma, c.epsilon)


@cache
def by_label(maths: ElementwiseMaths) -> ElementwiseMaths:
    """The same with a weight of yes for each label."""
    return maths._replace(name=f"{maths.name}_by_label", by_label=_with_yes)


class Binary(Elementwise):
    """A loss of yes/no labels."""

    ignore_index: int | None

    task = ("binary classification", "multi-label classification")
    activation = "sigmoid"
    takes = UNIT

    def _forbidden(self, y: float, p: float) -> tuple[str, float, str]:
        if not 0 <= y <= 1:
            return "y_true", y, f"a label in [0, 1]{self._label_hint(y)}"
        rounded = -1e-6 <= p <= 1 + 1e-6
        hint = "epsilon=1e-7 clips what rounding has put beyond" if rounded else "for logits, from_logits=True"
        return "y_pred", p, f"a probability in [0, 1] ({hint})"

    def _label_hint(self, y: float) -> str:
        """What to do about a label that is neither yes nor no."""
        if self.ignore_index is not None:
            return f" or ignore_index={self.ignore_index}"
        if y == -1:
            return "; for labels of -1 and 1 pass (y + 1) / 2, for labels that are not known ignore_index=-1"
        usual = (y < 0 and y % 1 == 0) or y == 255  # of labels that are not known
        return f"; ignore_index={y:.0f} leaves such labels out" if usual else ""
