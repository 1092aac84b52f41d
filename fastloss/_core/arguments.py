"""What adapters have in common: checks of the loss that they are given, and the shape of its result."""

from typing import Any

from .categorical import Categorical
from .interval import EVERYTHING
from .loss import Loss


def check_loss(where: str, loss: Any) -> None:
    """TypeError for what is no loss."""
    if not isinstance(loss, Loss):
        hint = f"; pass {loss.__name__}()" if isinstance(loss, type) and issubclass(loss, Loss) else ""
        raise TypeError(f"{where}: loss is {loss!r}, expected a loss of fastloss{hint}")


def check_margins(where: str, loss: Any, giver: str) -> None:
    """ValueError for a loss of probabilities where a model gives numbers of any size."""
    check_loss(where, loss)
    if getattr(loss, "from_logits", True) or (loss.takes == EVERYTHING and loss.activation != "softmax"):
        return
    kind = type(loss).__name__
    takes = f"predictions in {loss.takes}" if kind == "Poisson" else "probabilities"
    raise ValueError(f"{where}: {kind} takes {takes}, {giver}; expected {kind}(from_logits=True)")


def class_axis(loss: Loss) -> int | None:
    """The axis of the classes, as it was given; None where there are none."""
    return loss.axis if isinstance(loss, Categorical) else None


def shape_of_losses(loss: Loss, predictions: tuple[int, ...], reduction: str) -> tuple[int, ...]:
    """The shape of what a loss of predictions of this shape returns."""
    shape, axis = list(predictions), class_axis(loss)
    if reduction != "none":
        return ()
    if axis is not None:
        del shape[axis]
    return tuple(shape)
