"""What a loss is to a backend: its maths and its constants, without methods. And one call of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple


@dataclass(frozen=True, eq=False)
class Description:
    """A loss of independent elements."""

    name: str
    """Of the loss, for messages."""
    maths: Any
    constants: tuple[float, ...] = ()
    activation: Any = None
    """The maths of the activation; None for the identity."""
    expected: Callable[[float, float], tuple[str, float, str]] | None = None
    """Of an invalid label and prediction: which argument it is, its value, and what was expected."""
    plans: dict[Any, Any] = field(default_factory=dict)
    """What backends keep of earlier calls."""
    ignore_index: int | None = None
    """The label of examples that are left out."""
    missing: bool = False
    """Whether targets that are NaN are left out."""
    label_weights: tuple[float, ...] | None = None
    """pos_weight for each index of the last axis."""

    @property
    def leaves_out(self) -> bool:
        """Whether targets may say that they do not count."""
        return self.ignore_index is not None or self.missing

    def skips_nan(self, dtype: Any) -> bool:
        """Whether targets of this dtype may be NaN and are left out then."""
        return self.missing and dtype.kind not in "iub"


@dataclass(frozen=True, eq=False)
class Categorical(Description):
    """A loss of rows of classes."""

    from_logits: bool = False
    label_smoothing: float = 0.0
    factors_name: str = ""
    factors: tuple[float, ...] | None = None
    """A factor for each class."""
    factors_weigh: bool = False
    """Whether they count as weights in a mean."""
    axis: int = -1
    signed_targets: bool = False
    signs: bool = False
    """Whether the loss has such an option."""
    slack: float = 0.0
    """How far beyond 0 and 1 a probability may lie."""

    def weighs_classes(self, indices: bool) -> bool:
        """Whether a mean divides by the weights of classes too: not by signed targets, which may add up to 0."""
        return self.factors is not None and self.factors_weigh and (indices or not self.signed_targets)


class Request(NamedTuple):
    """The arguments of a call. order: the highest derivative that is wanted; valued: whether the loss is."""

    y_true: Any
    y_pred: Any
    sample_weight: Any
    reduction: str
    order: int
    valued: bool
    losses: Any = None
    gradient: Any = None
    hessian: Any = None
