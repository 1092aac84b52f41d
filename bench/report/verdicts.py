"""Every target beside what a run measured."""

from dataclasses import dataclass
from typing import Any

from ..cases.targets import UNITS, Target, targets
from .values import Value, values


@dataclass(frozen=True)
class Comparison:
    """A target with what was measured."""

    target: Target
    value: Value | None

    @property
    def verdict(self) -> str:
        """aim, reached (the limit), missed or not measured."""
        if self.value is None:
            return "not measured"
        sign = -1 if UNITS[self.target.unit].more_is_better else 1
        measured, limit, aim = (sign * x for x in (self.value.number, self.target.limit, self.target.aim))
        return "aim" if measured <= aim else "reached" if measured <= limit else "missed"


def compare_targets(document: dict[str, Any]) -> list[Comparison]:
    """Every target beside its measurement in the document of a run."""
    measured = values(document)
    return [Comparison(target, measured.get((target.unit, target.case))) for target in targets()]
