"""Choosing: every task and last layer gets an answer, and what is said in code is what the README says."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

import fastloss as fl
from fastloss._choose import ACTIVATIONS, LOSSES, TASKS
from fastloss._core.interval import Interval
from tests.support import CLASSES

BESIDE = {"regression": None, "binary classification": "sigmoid", "multi-label classification": "sigmoid",
          "single-label classification": "softmax", "count regression": "exp",
          "maximum-margin classification": "tanh"}  # fmt: skip
FIRST = {"regression": fl.MeanSquaredError, "binary classification": fl.BinaryCrossentropy,
         "multi-label classification": fl.BinaryCrossentropy, "count regression": fl.Poisson,
         "single-label classification": fl.CategoricalCrossentropy,
         "maximum-margin classification": fl.SquaredHinge}  # fmt: skip


@pytest.mark.parametrize("loss", CLASSES, ids=lambda c: c.__name__)
def test_every_loss_says_what_it_is_for(loss):
    name, where = loss.__name__, f"say so in the class, {loss.__module__.replace('.', '/')}.py"
    assert loss in LOSSES
    assert loss.task, f"{name} has no task, what the loss is for: {where}"
    assert loss.use, f"{name} has no use, half a sentence on when to use it: {where}"
    assert isinstance(loss.takes, Interval), f"{name}.takes is {loss.takes!r}, expected an Interval: {where}"
    assert loss.activation in (*ACTIVATIONS, None), f"{name}: add {loss.activation} to ACTIVATIONS in _choose.py"


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_one_first_choice(task):
    found = [loss.__name__ for loss in LOSSES if task in loss.task and loss.first]
    assert len(found) == 1, f"first choices for {task}: {found}; expected one loss with first = True"
    assert task in BESIDE, f"add {task} with its usual last layer to BESIDE, and its first loss to FIRST"
    assert task in FIRST, f"add {task} with its first loss to FIRST"
    assert f'"{task}"' in " ".join(fl.choose.__doc__.split()), f"add {task} to the docstring of choose"


@pytest.mark.parametrize("loss", CLASSES, ids=lambda c: c.__name__)
def test_the_readme_says_the_same(loss):
    row = re.search(rf"\| `{loss.__name__}`.*\|", (Path(fl.__file__).parents[1] / "README.md").read_text())
    assert row is not None, (f"the README's table has no row | `{loss.__name__}` | (formula) | "
                             f"{loss.activation or '–'} | {loss.use} |")  # fmt: skip
    *_, activation, use = [cell.strip() for cell in row[0].strip("|").split("|")]
    assert use == loss.use
    assert activation == (loss.activation or "–")


@pytest.mark.parametrize("loss", [c for c in CLASSES if not hasattr(c, "axis")], ids=lambda c: c.__name__)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_what_a_loss_takes_is_what_its_kernels_take(loss, activation):
    values = ACTIVATIONS[activation]
    edges = np.clip(np.array([values.low, values.high]), -1e3, 1e3)
    one = np.ones(2)
    if loss.takes.covers(values):
        assert np.isfinite(loss().loss(one, edges))
    else:
        with pytest.raises(ValueError, match="y_pred"):
            loss().loss(one, edges)


@pytest.mark.parametrize("task", TASKS)
def test_the_first_choice(task):
    for choice in (fl.choose(task=task), fl.choose(task=task, activation=BESIDE[task])):
        assert isinstance(choice.suggestions[0].loss, FIRST[task])
        assert not choice.warnings
        for loss, reason, code in choice.suggestions:
            assert task in loss.task
            assert loss.use in reason
            space = {"fastloss": fl}
            exec(code, space)
            assert space["loss"] == loss


@pytest.mark.parametrize(("task", "activation"), [*itertools.product(TASKS, ACTIVATIONS)])
def test_every_pair_has_an_answer(task, activation):
    suggestions, warnings = fl.choose(task=task, activation=activation)
    assert suggestions
    for warning in warnings:
        assert re.search(r"(; (for those )?|, else )use (no activation|\w+( or softplus)?)$", warning)
    fits = {BESIDE[task], "none"} | {"single-label classification": {"sigmoid"}, "count regression": {"softplus"}}.get(
        task, set())  # fmt: skip
    if activation not in fits and task != "regression":
        assert len(warnings) == len(suggestions)


def test_warnings_say_why():
    for task, activation, text in (
        ("multiclass", "tanh",
         "tanh gives values in [−1, 1], which categorical cross-entropy cannot take; use softmax"),
        ("multiclass", "relu", "relu gives values in [0, ∞), which categorical cross-entropy cannot take; use softmax"),
        ("multi-label", "softmax", "softmax makes probabilities that add up to 1, binary cross-entropy has a "
         "probability for each label; for exclusive classes use CategoricalCrossentropy, else use sigmoid"),
        ("counts", "relu", "relu gives rates of 0, where its own gradient is 0 too; use exp or softplus"),
    ):  # fmt: skip
        assert fl.choose(task, activation).warnings[0] == text
    assert fl.choose(task="regression", activation="none").warnings == (
        "no activation gives values in (−∞, ∞), which mean squared logarithmic error cannot take; use exp",
    )
    narrow = fl.choose(task="regression", activation="sigmoid").warnings[0]
    assert narrow.startswith("sigmoid gives values in [0, 1], so mean squared error cannot reach targets outside;")
    assert narrow.endswith("for those use no activation")
    suggestions, warnings = fl.choose(task="regression", activation="exp")
    assert len(warnings) == len(suggestions) - 1  # the logarithmic error wants no more
    assert fl.choose(task="regression", activation="linear") == fl.choose(task="regression", activation="none")


@pytest.mark.parametrize(("task", "activation"), [*itertools.product((None, *TASKS), (None, *ACTIVATIONS))])
def test_no_activation_is_applied_twice(task, activation):
    for loss, reason, _ in fl.choose(task=task, activation=activation).suggestions:
        fused, own = getattr(loss, "from_logits", False), loss.activation
        if activation not in (None, "none") or own is None:
            assert not fused
        if fused:
            assert reason.endswith(f"({own} is part of the loss: the last layer has no activation)")
        elif own is not None and activation == "none":
            assert reason.endswith(f"(without {own}: the textbook's form, not bounded)")
        elif own is not None:
            assert reason.endswith(
                f"(without {own} in the last layer, from_logits=True is faster and exact in the tails)"
            )
    first, *others = fl.choose(task="maximum-margin classification", activation="none").suggestions
    assert first.loss == fl.SquaredHinge(from_logits=True)
    assert [suggestion.loss for suggestion in others] == [fl.SquaredHinge()]
    reasons = {type(s.loss): s.reason for s in fl.choose(task="regression").suggestions}
    assert reasons[fl.MeanSquaredLogarithmicError].endswith("(takes values in (−1, ∞): exp in the last layer)")


def test_activation_alone():
    both = [type(suggestion.loss) for suggestion in fl.choose(activation="exp").suggestions]
    assert both == [fl.Poisson, fl.MeanSquaredLogarithmicError]
    assert len(fl.choose().suggestions) == len(CLASSES)
    assert {type(suggestion.loss) for suggestion in fl.choose(activation="softplus").suggestions} == set(both)
    assert [type(s.loss) for s in fl.choose(activation="tanh").suggestions] == [fl.SquaredHinge]


def test_what_fits_though_another_is_better():
    """The values of a sigmoid are accepted, and textbooks name the pair."""
    suggestions, warnings = fl.choose("multiclass", "sigmoid")
    assert not warnings
    assert suggestions[0].code == "loss = fastloss.CategoricalCrossentropy()"
    for suggestion in suggestions:
        assert "(fits; softmax is better, since its probabilities add up to 1)" in suggestion.reason


@pytest.mark.parametrize(("said", "task"), [
    ("binary", "binary classification"), ("BINARY", "binary classification"),
    ("Multi-Label", "multi-label classification"),
    ("multilabel", "multi-label classification"), ("multi_label classification", "multi-label classification"),
    ("multiclass", "single-label classification"), ("multi-class", "single-label classification"),
    ("single label", "single-label classification"), ("Regression", "regression"), (" count ", "count regression"),
    ("counts", "count regression"), ("margin", "maximum-margin classification"),
])  # fmt: skip
def test_other_names(said, task):
    assert fl.choose(said) == fl.choose(task=task)
    assert fl.choose(said, "Linear") == fl.choose(task, "none") == fl.choose(task=task, activation="identity")


def test_unknown_names():
    with pytest.raises(ValueError, match=r"task is 'ranking'.*'regression'"):
        fl.choose(task="ranking")
    with pytest.raises(ValueError, match=r"activation is 'gelu'; .*expected one of 'sigmoid'"):
        fl.choose(activation="gelu")
    with pytest.raises(ValueError, match=r"activation is 'sigmod'; did you mean 'sigmoid'\? expected"):
        fl.choose(activation="sigmod")
    with pytest.raises(ValueError, match=r"task is 'regresion'; did you mean 'regression'\? expected"):
        fl.choose("regresion")
    with pytest.raises(ValueError, match=r"task is 'Softmax', which is an activation; expected activation='Softmax'"):
        fl.choose("Softmax")
    with pytest.raises(ValueError, match=r"task is 'softmax', which is an activation; are task and activation swapped"):
        fl.choose("softmax", "binary")
    with pytest.raises(ValueError, match=r"activation is \[\]; expected one of 'sigmoid'"):
        fl.choose(activation=[])
