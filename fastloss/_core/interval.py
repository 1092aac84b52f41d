"""The values that an activation gives and a loss takes."""

from typing import NamedTuple


class Interval(NamedTuple):
    """The numbers from low to high, with both ends unless they are open."""

    low: float
    high: float
    above: bool = False
    """Whether low itself is outside."""

    def covers(self, other: "Interval") -> bool:
        """Whether every number of the other lies in this one."""
        low = self.low < other.low or (self.low == other.low and (other.above or not self.above))
        return low and other.high <= self.high

    def __str__(self) -> str:
        def end(x: float) -> str:
            return f"{x:g}".replace("inf", "∞").replace("-", "−")

        left = "(" if self.above or self.low == float("-inf") else "["
        return f"{left}{end(self.low)}, {end(self.high)}{')' if self.high == float('inf') else ']'}"


EVERYTHING = Interval(float("-inf"), float("inf"))
UNIT = Interval(0.0, 1.0)
"""Probabilities."""
