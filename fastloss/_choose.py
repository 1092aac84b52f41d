"""Which loss for which task and last layer, from what the losses say of themselves."""

import re
from typing import NamedTuple

from ._interval import EVERYTHING, UNIT, Interval
from ._loss import Loss
from .losses.binary_crossentropy import BinaryCrossentropy
from .losses.binary_focal_crossentropy import BinaryFocalCrossentropy
from .losses.categorical_crossentropy import CategoricalCrossentropy
from .losses.categorical_focal_crossentropy import CategoricalFocalCrossentropy
from .losses.mean_absolute_error import MeanAbsoluteError
from .losses.mean_squared_error import MeanSquaredError
from .losses.mean_squared_logarithmic_error import MeanSquaredLogarithmicError
from .losses.poisson import Poisson
from .losses.squared_hinge import SquaredHinge

LOSSES: tuple[type[Loss], ...] = (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalFocalCrossentropy,
    MeanSquaredError,
    MeanAbsoluteError,
    MeanSquaredLogarithmicError,
    Poisson,
    SquaredHinge,
)
"""All losses, the first choice of a task before the others."""
TASKS = tuple(dict.fromkeys(task for loss in LOSSES for task in loss.task))
ACTIVATIONS = {
    "sigmoid": UNIT,
    "softmax": UNIT,
    "tanh": Interval(-1.0, 1.0),
    "exp": Interval(0.0, float("inf")),
    "none": EVERYTHING,
}
"""What the last layers give; "none" is a linear layer."""
_SAME = {"linear": "none", "identity": "none"}


class Suggestion(NamedTuple):
    """A loss, when to use it, and a line of code that makes it."""

    loss: Loss
    reason: str
    code: str


class Choice(NamedTuple):
    """Suggestions, the best first, and what does not fit together."""

    suggestions: tuple[Suggestion, ...]
    warnings: tuple[str, ...]


def choose(*, task: str | None = None, activation: str | None = None) -> Choice:
    """The losses for a task and the activation of the last layer, each with its reason; None where it is not known.

    task is one of "binary classification", "multi-label classification", "single-label classification", "regression",
    "count regression", "maximum-margin classification"; activation is "sigmoid", "softmax", "tanh", "exp", or "none"
    ("linear", "identity") for a last layer without one. A loss with an activation of its own is suggested from logits:
    leave the activation out of the last layer. Every pair that does not fit gives a warning that says why and what to
    do; only an unknown name is a ValueError.

    >>> import fastloss
    >>> choice = fastloss.choose(task="single-label classification", activation="tanh")
    >>> choice.suggestions[0].code
    'loss = fastloss.CategoricalCrossentropy(from_logits=True)'
    >>> choice.warnings[0]
    'tanh gives values in [−1, 1], which categorical cross-entropy cannot take; use softmax'
    """
    if task is not None and task not in TASKS:
        raise ValueError(f"choose: task is {task!r}, expected one of {', '.join(map(repr, TASKS))}")
    activation = _SAME.get(activation, activation) if activation is not None else None
    if activation is not None and activation not in ACTIVATIONS:
        raise ValueError(f"choose: activation is {activation!r}, expected one of {', '.join(map(repr, ACTIVATIONS))}")
    fitting = [loss for loss in LOSSES if task is None or task in loss.task]
    if task is None and activation not in (None, "none"):
        fitting = [loss for loss in fitting if loss.activation == activation]
    warnings = [] if activation is None else [_misfit(loss, activation) for loss in fitting]
    return Choice(tuple(_suggest(loss) for loss in fitting), tuple(text for text in warnings if text))


def name_of(loss: type[Loss]) -> str:
    """The name of a loss in running text: binary cross-entropy."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", loss.__name__).replace("Crossentropy", "cross-entropy")
    return words if " " not in words else words.lower()


def _suggest(loss: type[Loss]) -> Suggestion:
    fused = loss.activation is not None
    made = loss(from_logits=True) if fused else loss()
    code = f"loss = fastloss.{loss.__name__}({'from_logits=True' if fused else ''})"
    return Suggestion(made, f"{loss.use} ({loss.activation} is part of the loss)" if fused else loss.use, code)


def _misfit(loss: type[Loss], activation: str) -> str:
    """Why a loss does not fit behind an activation, and what to do; empty where it does."""
    given, name = ACTIVATIONS[activation], name_of(loss)
    own = loss.activation or _widest(loss.takes)
    if activation == own or (activation == "none" and loss.activation is not None):  # from logits
        return ""
    what, use = (f"{'no activation' if a == 'none' else a}" for a in (activation, own))
    if not loss.takes.covers(given):
        return f"{what} gives values in {given}, which {name} cannot take; use {use}"
    if ACTIVATIONS[own] != given:
        return f"{what} gives values in {given}, so {name} cannot reach targets outside; for those use {use}"
    if own == "softmax":
        return f"{what} gives each class a probability of its own, {name} wants them to add to 1; use softmax"
    return f"{what} makes probabilities that add to 1, {name} answers each question by itself; use {use}"


def _widest(values: Interval) -> str:
    """The activation that reaches most of these values and no others."""
    fitting = {name: given for name, given in ACTIVATIONS.items() if values.covers(given)}
    return max(fitting, key=lambda name: sum(fitting[name].covers(other) for other in fitting.values()))
