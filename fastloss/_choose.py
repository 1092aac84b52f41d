"""Which loss for which task and last layer, from the attributes of the losses."""

import difflib
import re
import sys
from collections.abc import Iterable
from typing import NamedTuple

from ._core.interval import EVERYTHING, UNIT, Interval
from ._core.loss import Loss


def _exported() -> list[type[Loss]]:
    """The losses that the package exports, in the order of their imports."""
    names = vars(sys.modules[__package__ or "fastloss"])
    return [v for v in names.values() if isinstance(v, type) and issubclass(v, Loss) and v is not Loss]


LOSSES = tuple(sorted(_exported(), key=lambda loss: not loss.first))
"""All losses, the first choice of a task before the others."""
TASKS = tuple(dict.fromkeys(task for loss in LOSSES for task in loss.task))
ACTIVATIONS = {
    "sigmoid": UNIT,
    "softmax": UNIT,
    "tanh": Interval(-1.0, 1.0),
    "exp": Interval(0.0, float("inf")),
    "softplus": Interval(0.0, float("inf")),
    "relu": Interval(0.0, float("inf")),
    "none": EVERYTHING,
}
"""What the last layers give; "none" is a linear layer."""
OTHER_TASKS = {"multiclass": "single-label classification", "categorical": "single-label classification",
               "counts": "count regression", "margin": "maximum-margin classification"}  # fmt: skip
OTHER_ACTIVATIONS = {"linear": "none", "identity": "none", "logits": "none", "logistic": "sigmoid"}


class Suggestion(NamedTuple):
    """A loss, when to use it, and a line of code that makes it."""

    loss: Loss
    reason: str
    code: str


class Choice(NamedTuple):
    """Suggestions, the best first, and what does not fit together."""

    suggestions: tuple[Suggestion, ...]
    warnings: tuple[str, ...]


def choose(task: str | None = None, activation: str | None = None) -> Choice:
    """The losses for a task and the activation of the last layer, each with its reason.

    Parameters
    ----------
    task : str, default None
        "binary classification", "multi-label classification", "single-label
        classification", "regression", "count regression" or "maximum-margin
        classification". The last word may be left out, and "multiclass" is
        single-label classification; case, spaces and hyphens do not matter. None is any
        task.
    activation : str, default None
        Of the last layer: "sigmoid", "softmax", "tanh", "exp", "softplus", "relu" or
        "none" ("linear"). None where it is not known.

    Returns
    -------
    Choice
        The suggestions, the best first, and a warning for each loss that does not fit
        the activation. The code of a suggestion has from_logits=True only where the
        last layer has no activation or is not known.

    Raises
    ------
    ValueError
        For an unknown name.

    Examples
    --------
    >>> import fastloss
    >>> choice = fastloss.choose("multiclass", "tanh")
    >>> choice.suggestions[0].code
    'loss = fastloss.CategoricalCrossentropy()'
    >>> choice.warnings[0]
    'tanh gives values in [−1, 1], which categorical cross-entropy cannot take; use softmax'
    >>> fastloss.choose("multiclass", "none").suggestions[0].code
    'loss = fastloss.CategoricalCrossentropy(from_logits=True)'
    """
    if task is not None and _key(task) in _names(ACTIVATIONS, OTHER_ACTIVATIONS):
        given = "are task and activation swapped?" if activation is not None else f"expected activation={task!r}"
        raise ValueError(f"choose: task is {task!r}, which is an activation; {given}")
    task = None if task is None else _meant("task", task, TASKS, OTHER_TASKS)
    activation = None if activation is None else _meant("activation", activation, ACTIVATIONS, OTHER_ACTIVATIONS)
    fitting = [loss for loss in LOSSES if task is None or task in loss.task]
    if task is None and activation not in (None, "none"):
        fitting = [loss for loss in fitting if not misfit(loss, activation)
                   and (loss.takes != EVERYTHING or loss.activation == activation)]  # fmt: skip
        fitting.sort(key=lambda loss: loss.activation != activation)  # those that are made for it first
    warnings = [] if activation is None else [misfit(loss, activation) for loss in fitting]
    suggestions = tuple(suggestion for loss in fitting for suggestion in suggest(loss, activation))
    return Choice(suggestions, tuple(text for text in warnings if text))


def _key(name: object) -> str:
    """A name without case, spaces, hyphens and underscores."""
    return re.sub(r"[\s_-]", "", name.lower()) if isinstance(name, str) else ""


def _names(known: Iterable[str], others: dict[str, str]) -> dict[str, str]:
    """What names are called: themselves, without their last word, and otherwise."""
    short = {_key(name.rpartition(" ")[0]): name for name in known if " " in name}
    return short | {_key(name): name for name in known} | {_key(other): name for other, name in others.items()}


def _meant(argument: str, said: object, known: Iterable[str], others: dict[str, str]) -> str:
    """The name that was meant; ValueError where there is none."""
    names = _names(known, others)
    found = names.get(_key(said))
    if found is None:
        near = difflib.get_close_matches(_key(said), names, 1)
        hint = f"did you mean {names[near[0]]!r}? " if near else ""
        raise ValueError(f"choose: {argument} is {said!r}; {hint}expected one of {', '.join(map(repr, known))}")
    return found


def name_of(loss: type[Loss]) -> str:
    """The name of a loss in running text: binary cross-entropy."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", loss.__name__).replace("Crossentropy", "cross-entropy")
    return words if " " not in words else words.lower()


def last_layer(loss: type[Loss]) -> str:
    """The activation that a loss is made for: its own, or the one that reaches most of the values it takes."""
    if loss.activation is not None:
        return loss.activation
    fitting = {name: given for name, given in ACTIVATIONS.items() if loss.takes.covers(given)}
    return max(fitting, key=lambda name: sum(fitting[name].covers(other) for other in fitting.values()))


def misfit(loss: type[Loss], activation: str) -> str:
    """Why a loss does not fit behind an activation, and what to do; empty where it does."""
    given, name, own = ACTIVATIONS[activation], name_of(loss), last_layer(loss)
    if activation == own or (activation == "none" and loss.activation is not None):  # from logits
        return ""
    what, use = (f"{'no activation' if a == 'none' else a}" for a in (activation, own))
    if not loss.takes.covers(given):
        return f"{what} gives values in {given}, which {name} cannot take; use {use}"
    if ACTIVATIONS[own] != given and loss.activation is not None:
        return f"{what} gives values in {given}, which cannot reach all targets of {name}; use {use}"
    if ACTIVATIONS[own] != given:
        return f"{what} gives values in {given}, so {name} cannot reach targets outside; for those use {use}"
    if own == "sigmoid":
        return (f"{what} makes probabilities that add up to 1, {name} has a probability for each label; for exclusive "
                f"classes use CategoricalCrossentropy, else use {use}")  # fmt: skip
    if activation == "relu" and loss.activation is not None:
        return f"{what} gives rates of 0, where its own gradient is 0 too; use {use} or softplus"
    return ""


def caveat(loss: type[Loss], activation: str | None) -> str:
    """What is better than an activation behind which a loss fits; empty where nothing is."""
    if last_layer(loss) == "softmax" and activation == "sigmoid":
        return " (fits; softmax is better, since its probabilities add up to 1)"
    return ""


def suggest(loss: type[Loss], activation: str | None) -> list[Suggestion]:
    """The loss as it fits behind the activation: fused only where the last layer has none, or it would apply twice."""
    own, code = loss.activation, f"loss = fastloss.{loss.__name__}"
    plain, fused = f"{code}()", f"{code}(from_logits=True)"
    if own is None:
        needed = activation is None and last_layer(loss) != "none"
        hint = f" (takes values in {loss.takes}: {last_layer(loss)} in the last layer)" if needed else ""
        return [Suggestion(loss(), loss.use + hint, plain)]
    if activation not in (None, "none"):
        hint = f" (without {own} in the last layer, from_logits=True is faster and exact in the tails)"
        return [Suggestion(loss(), loss.use + caveat(loss, activation) + hint, plain)]
    hint = f" ({own} is part of the loss: the last layer has no activation)"
    found = [Suggestion(loss(from_logits=True), loss.use + hint, fused)]
    if activation == "none" and loss.takes.covers(EVERYTHING):
        found.append(Suggestion(loss(), f"{loss.use} (without {own}: the textbook's form, not bounded)", plain))
    return found


def listing() -> str:
    """The losses and what each is for, as plain text."""
    package = vars(sys.modules[__package__ or "fastloss"])
    lines = ["", "Losses, and the names of those with default options:", ""]
    for loss in LOSSES:
        short = [name for name, value in package.items() if type(value) is loss]
        lines.append(f"    {', '.join([loss.__name__, *short])}\n        {loss.use}")
    return "\n".join(lines) + "\n"
