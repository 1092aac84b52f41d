"""Checks of what adapters are given: a loss, and a reduction."""

from typing import Any

from .._request import checks
from .interval import EVERYTHING
from .loss import Loss


def check_loss(where: str, loss: Any) -> None:
    """TypeError for what is no loss."""
    if not isinstance(loss, Loss):
        hint = f"; pass {loss.__name__}()" if isinstance(loss, type) and issubclass(loss, Loss) else ""
        raise TypeError(f"{where}: loss is {loss!r}, expected a loss of fastloss{hint}")


def check_reduction(where: str, reduction: Any) -> None:
    """ValueError unless it names a reduction."""
    checks.reduction(where, reduction)


def check_margins(where: str, loss: Any, giver: str) -> None:
    """ValueError for a loss of probabilities where a model gives numbers of any size."""
    check_loss(where, loss)
    if getattr(loss, "from_logits", True) or (loss.takes == EVERYTHING and loss.activation != "softmax"):
        return
    kind = type(loss).__name__
    takes = f"predictions in {loss.takes}" if kind == "Poisson" else "probabilities"
    raise ValueError(f"{where}: {kind} takes {takes}, {giver}; expected {kind}(from_logits=True)")
