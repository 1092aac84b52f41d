"""Checks of what adapters are given: a loss, and a reduction."""

from typing import Any

from .._request import checks
from .loss import Loss


def check_loss(where: str, loss: Any) -> None:
    """TypeError for what is no loss."""
    if not isinstance(loss, Loss):
        hint = f"; pass {loss.__name__}()" if isinstance(loss, type) and issubclass(loss, Loss) else ""
        raise TypeError(f"{where}: loss is {loss!r}, expected a loss of fastloss{hint}")


def check_reduction(where: str, reduction: Any) -> None:
    """ValueError unless it names a reduction."""
    checks.reduction(where, reduction)
