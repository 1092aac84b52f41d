"""Pictures of losses, drawn from what the library's own kernels compute.

Needs Matplotlib: `pip install "fastloss[plot]"`. Text and axes take the colours of Matplotlib's current style, and the
curves can be told apart on light and on dark, by colour (Okabe and Ito's palette) and by dash.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import BinaryCrossentropy, BinaryFocalCrossentropy, Loss, squared_hinge
from ._choose import LOSSES, name_of

try:
    from matplotlib import pyplot as plt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Figure
except ImportError as error:
    raise ImportError(f'fastloss.plot needs Matplotlib ({error}): pip install "fastloss[plot]"') from error

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (4, 1.2, 1, 1.2)), (0, (2, 1)),
                           (0, (4, 1.2, 1, 1.2, 1, 1.2)))  # fmt: skip
LIKELIHOODS = ("sigmoid", "softmax", "exp")
"""The activations of losses that are logarithms of likelihoods, in nats."""
OTHER_LABEL = {"binary classification": 0, "maximum-margin classification": -1}
"""The label that is not 1, by task."""
HANDLE = 2.8  # longer than the longest pattern of dashes, so that the legend shows all of it
POINTS = 601
SIZE = (6.0, 4.2)
"""Inches, of a figure that is made here."""
REGRESSION = tuple(loss() for loss in LOSSES if any("regression" in task for task in loss.task))


def plot_losses(losses: Sequence[Loss] | None = None, ax: Axes | None = None, *, target: float = 1.0) -> Axes:
    """Draw losses over the prediction, or the logit, for one target.

    Parameters
    ----------
    losses : sequence of Loss, default None
        None is all losses of regression. Losses of classes do not fit in here; see
        `plot_loss`. Of Poisson its minimum is subtracted.
    ax : matplotlib.axes.Axes, default None
        Where they are drawn. None is a new figure.
    target : float, default 1.0
        The target.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError, TypeError
        For no losses, losses of classes, a target that a loss does not take, and what
        is no loss.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> import fastloss, fastloss.plot
    >>> axes = fastloss.plot.plot_losses([fastloss.mse, fastloss.mae])
    >>> [text.get_text() for text in axes.get_legend().get_texts()]
    ['mean squared error', 'mean absolute error']
    >>> matplotlib.pyplot.close()
    """
    if isinstance(losses, Loss | str) or not (losses is None or isinstance(losses, Iterable)):
        raise TypeError(f"plot_losses: losses is {losses!r}, expected a sequence of losses, such as [fastloss.mse]")
    drawn = REGRESSION if losses is None else tuple(losses)
    if not drawn:
        raise ValueError("plot_losses: losses is empty, expected at least one loss")
    if not isinstance(target, Real) or not np.isfinite(target):
        raise ValueError(f"plot_losses: target is {target!r}, expected a finite number")
    target = float(target)
    for loss in drawn:
        _check("plot_losses", loss)
        if hasattr(loss, "axis"):
            raise ValueError(f"plot_losses: {type(loss).__name__} is a loss of several classes, expected losses of "
                             "one prediction; see plot_loss")  # fmt: skip
    curves = []
    logits = {getattr(loss, "from_logits", False) for loss in drawn}
    low, high = (-3.0, 3.0) if True in logits else (min(-0.5, target - 2), target + 2)
    for loss in map(_counting, drawn):
        x, label = _reach(loss, low, high), _title(loss)
        values = loss.loss(np.full_like(x, target), x, reduction="none")
        if loss.least:
            values, label = values - _least(loss, target), f"{label}, minus its minimum"
        curves.append((label, x, values))
    axes = _axes(ax)
    for number, (label, x, values) in enumerate(curves):
        axes.plot(x, values, label=label, **_line(number))
    what = "prediction or logit" if len(logits) == 2 else "logit" if True in logits else "prediction"
    _finish(axes, f"{what}, for a target of {target:g}", "loss", (low, high), (-0.1, 4.0))
    if losses is None:  # amid the curves
        axes.legend(frameon=False, handlelength=HANDLE, fontsize="small", loc="upper left", bbox_to_anchor=(0.29, 1))
    return axes


def _least(loss: Loss, target: float) -> float:
    """The least loss of a target, which a Poisson loss has at it, or at its logarithm."""
    if target <= 0:
        return 0.0
    at = np.array([np.log(target) if getattr(loss, "from_logits", False) else target])
    return float(loss.loss(np.array([target]), at))


def plot_margin(ax: Axes | None = None) -> Axes:
    """Draw losses of yes and no over the margin: the score, where yes is right, and minus the score, where no is.

    A negative margin is a wrong answer, which counts 1 in the 0-1 loss. Cross-entropy and
    the focal loss are in bits, so that cross-entropy is 1 at a margin of 0 too.

    Parameters
    ----------
    ax : matplotlib.axes.Axes, default None
        Where they are drawn. None is a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> import fastloss.plot
    >>> fastloss.plot.plot_margin().get_xlabel()
    'margin'
    >>> matplotlib.pyplot.close()
    """
    axes, m = _axes(ax), np.linspace(-3.0, 3.0, POINTS)
    yes = np.ones_like(m)
    logistic, focal = BinaryCrossentropy(from_logits=True), BinaryFocalCrossentropy(from_logits=True)
    curves = {
        "0-1": np.where(m > 0, 0.0, 1.0),
        "hinge": np.maximum(0.0, 1 - m),
        "squared hinge": squared_hinge.loss(yes, m, reduction="none"),
        "cross-entropy (bits)": logistic.loss(yes, m, reduction="none") / np.log(2),
        f"focal, γ = {focal.gamma:g} (bits)": focal.loss(yes, m, reduction="none") / np.log(2),
    }
    for number, (name, values) in enumerate(curves.items()):
        axes.plot(m, values, label=name, **_line(number))
    return _finish(axes, "margin", "loss of one example", (-3.0, 3.0), (-0.1, 6.0))


def plot_focal(gammas: ArrayLike = (0, 0.5, 1, 2, 5), ax: Axes | None = None) -> Axes:
    """Draw the focal loss −(1−p)^γ log p over the probability p of the true class; γ = 0 is cross-entropy.

    The region of well-classified examples, p > 0.6 as in the paper (Lin et al. 2017), is
    shaded.

    Parameters
    ----------
    gammas : array_like, default (0, 0.5, 1, 2, 5)
        The exponents, >= 0.
    ax : matplotlib.axes.Axes, default None
        Where they are drawn. None is a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        For no gammas, or one below 0.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> import fastloss.plot
    >>> fastloss.plot.plot_focal(gammas=(0, 2)).get_xlabel()
    'probability of the true class'
    >>> matplotlib.pyplot.close()
    """
    found = np.atleast_1d(np.asarray(gammas))
    if found.size == 0:
        raise ValueError("plot_focal: gammas is empty, expected at least one number")
    if found.ndim > 1 or found.dtype.kind not in "iuf":
        raise ValueError(f"plot_focal: gammas is {gammas!r}, expected numbers >= 0")
    losses = [BinaryFocalCrossentropy(gamma=gamma) for gamma in found.tolist()]
    axes = _axes(ax)
    p = np.linspace(0.004, 1.0, POINTS)
    axes.axvspan(0.6, 1.0, color="#888888", alpha=0.22, linewidth=0)
    axes.text(0.8, 2.2, "well-classified\nexamples", ha="center", va="center")
    axes.text(0.2, 2.45, r"$-(1-p)^{\gamma}\,\log\,p$", ha="left", va="center", fontsize="x-large")
    for number, loss in enumerate(losses):
        name = f"γ = {loss.gamma:g}" + (" (cross-entropy)" if loss.gamma == 0 else "")
        axes.plot(p, loss.loss(np.ones_like(p), p, reduction="none"), label=name, **_line(number))
    return _finish(axes, "probability of the true class", "loss of one example (nats)", (0.0, 1.0), (0.0, 5.0))


def plot_loss(loss: Loss, ax: Axes | None = None, *, from_logits: bool | None = None) -> Axes:
    """Draw a loss of one example with its gradient and its Hessian, for a target of 1.

    Of a loss of yes and no, the loss of the other label is drawn too. Losses of classes are
    drawn for two classes, over the probability of the true one, or over its logit minus the
    other.

    Parameters
    ----------
    loss : Loss
        What is drawn.
    ax : matplotlib.axes.Axes, default None
        Where it is drawn. None is a new figure.
    from_logits : bool, default None
        The form; None is that of the loss.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        For from_logits=True and a loss that has no activation.
    TypeError
        For what is no loss.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> import fastloss, fastloss.plot
    >>> fastloss.plot.plot_loss(fastloss.bce, from_logits=True).get_xlabel()
    'logit, for a target of 1'
    >>> matplotlib.pyplot.close()
    """
    _check("plot_loss", loss)
    loss = _in_form(_counting(loss), from_logits)
    logits, classes = getattr(loss, "from_logits", False), hasattr(loss, "axis")
    low, high = (-6.0, 6.0) if logits else (0.0, 1.0) if loss.takes.high == 1 else (-1.0, 3.0)
    if not logits:
        low, high = max(low, loss.takes.low), min(high, loss.takes.high)
    x = _reach(loss, low, high)
    if classes:
        inputs = np.stack([x, np.zeros_like(x) if logits else 1 - x], axis=1)
        target: Any = np.zeros(x.size, np.int64)
    else:
        inputs, target = x, np.ones_like(x)
    slopes = loss.gradient_hessian(target, inputs, reduction="sum")
    curves = {"loss": loss.loss(target, inputs, reduction="none")}
    curves |= {name: part[:, 0] if classes else part for name, part in slopes._asdict().items()}
    axes = _axes(ax)
    for number, (name, values) in enumerate(curves.items()):
        axes.plot(x, values, label="Hessian" if name == "hessian" else name, **_line(number))
    other = OTHER_LABEL.get(loss.task[0])
    if other is not None:
        losses = loss.loss(np.full_like(x, other), x, reduction="none")
        axes.plot(x, losses, label=f"loss, target {other}".replace("-", "−"), **_line(3))
    what = "probability of the true class" if classes else "prediction, for a target of 1"
    if logits:
        what = "logit of the true class minus that of the other" if classes else "logit, for a target of 1"
    drawn = np.concatenate([*curves.values()])
    drawn = drawn[np.isfinite(drawn)]
    bottom, top = max(-6.0, float(drawn.min())), min(6.0, float(drawn.max()))
    margin = 0.06 * (top - bottom) or 1.0
    axes.set_title(_title(loss), loc="left")
    unit = " (nats)" if loss.activation in LIKELIHOODS else ""
    return _finish(axes, what, f"value for one example{unit}", (low, high), (bottom - margin, top + margin))


def _check(name: str, loss: object) -> None:
    if not isinstance(loss, Loss):
        raise TypeError(f"{name}: loss is {loss!r}, expected a Loss, such as fastloss.mse")


def _counting(loss: Loss) -> Loss:
    """The loss without options that leave targets out; ValueError where a weight for each label has no picture."""
    if isinstance(getattr(loss, "pos_weight", None), tuple):
        raise ValueError(f"{type(loss).__name__}: pos_weight has a number for each label, expected one to be drawn")
    return _with(loss, {"ignore_index": None, "missing": None})


def _with(loss: Loss, changes: dict[str, Any]) -> Loss:
    """The loss with these hyperparameters, as far as it has them."""
    changes = {name: value for name, value in changes.items() if hasattr(loss, name)}
    changed: Loss = dataclasses.replace(loss, **changes)  # type: ignore[type-var]
    return changed


def _axes(ax: Axes | None) -> Axes:
    if ax is not None and not isinstance(ax, Axes):
        raise TypeError(f"ax is {ax!r}, expected Matplotlib's Axes")
    return plt.subplots(figsize=SIZE, layout="constrained")[1] if ax is None else ax


def _line(number: int) -> dict[str, Any]:
    cycle, place = divmod(number, len(COLOURS))  # after a cycle the colours come back with other dashes
    return {"color": COLOURS[place], "linestyle": DASHES[(place + cycle) % len(DASHES)], "linewidth": 2.4}


def _finish(axes: Axes, x: str, y: str, across: tuple[float, float], up: tuple[float, float]) -> Axes:
    axes.set(xlabel=x, ylabel=y, xlim=across, ylim=up)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, handlelength=HANDLE)
    return axes


def _title(loss: Loss) -> str:
    """The name of a loss, with what was chosen of it: binary focal cross-entropy, from logits, gamma=5."""
    fields = dataclasses.fields(loss)  # type: ignore[arg-type]
    chosen = {f.name: getattr(loss, f.name) for f in fields if getattr(loss, f.name) != f.default}
    form = ["from logits"] if chosen.pop("from_logits", False) else []
    return ", ".join([name_of(type(loss)), *form, *(f"{name}={value}" for name, value in chosen.items())])


def _in_form(loss: Loss, from_logits: bool | None) -> Loss:
    """The loss from logits or from predictions, of classes on the last axis."""
    own = getattr(loss, "from_logits", False)
    changes: dict[str, Any] = {"axis": -1}
    if from_logits is not None and from_logits != own:
        if not hasattr(loss, "from_logits"):
            raise ValueError(f"plot_loss: {type(loss).__name__} has no fused activation, expected from_logits=False")
        changes |= {"from_logits": from_logits, "epsilon": None} if from_logits else {"from_logits": False}
    return _with(loss, changes)


def _reach(loss: Loss, low: float, high: float) -> Any:
    """The predictions from low to high that the loss takes; not the very ends, where some losses are infinite."""
    if not getattr(loss, "from_logits", False):
        edge = 1e-3
        low, high = max(low, loss.takes.low + edge), min(high, loss.takes.high - edge)
    return np.linspace(low, high, POINTS)
