"""What a job reports."""

from dataclasses import dataclass

from fastloss import Loss

from .data import Split
from .timing import Timing


@dataclass(frozen=True)
class Result:
    """One row of the table."""

    loss: Loss
    data: Split
    metric: str
    score: float
    reference: str
    reference_score: float
    timing: Timing
    seconds: float
    """Of the whole training."""
    reference_seconds: float
