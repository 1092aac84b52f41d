"""Binary cross-entropy, of probabilities or of logits."""

import math
from dataclasses import dataclass
from typing import Any, Literal, cast

from .._math.elementary import exp_nonpositive, log1p_unit, positive
from .._math.primitives import clamp_max, inverse
from ._base import (
    CLIP,
    MISSING,
    SMOOTHING,
    ElementwiseMaths,
    Weights,
    flag,
    hyperparameter,
    integer,
    number,
    number_or_vector,
    optional,
    scalar,
)
from ._binary import Binary, Constants, by_label, logit_maths, probability_maths
from ._probability import at_least, clamped_log

WEIGHTS = optional(number_or_vector(number(0.0, math.inf, "a number >= 0, or one per label"), "label"))


@scalar
def logit_side(s: Any, size: Any, c: Any) -> Any:
    T = type(s)
    e = exp_nonpositive(-size)
    r = inverse(T(1) + e)
    er = e * r
    return positive(s) + log1p_unit(e), r if s >= T(0) else er, er * r


@scalar
def probability_side(t: Any, low: Any, q: Any, c: Any) -> Any:
    T = type(t)
    own = inverse(at_least(t))
    return clamped_log(t, low), clamp_max(own, q * T(1e12)), own * own  # the slope is q / at_least(t q)


@dataclass(frozen=True)
class BinaryCrossentropy(Binary):
    """Cross-entropy of yes/no labels: binary and multi-label classification.

    loss(y, p) = -[w y log p + (1 - y) log(1 - p)] for a label y of y_true and a
    probability p of y_pred, arrays of one shape. Both lie in [0, 1].

    Parameters
    ----------
    from_logits : bool, default False
        Whether y_pred holds logits: p = sigmoid(y_pred).
    label_smoothing : float in [0, 1), default 0.0
        Replaces y by y (1 - label_smoothing) + label_smoothing / 2.
    pos_weight : float, array_like or dict, default None
        The weight w of yes, >= 0: one number, or one per label, i.e. per index of the last
        axis of y_pred. None is 1.
    epsilon : float in [0, 0.5], default None
        Clips p to [epsilon, 1 - epsilon], with gradient 0 where p was clipped; Keras
        uses 1e-7. Where rounding has put p beyond 0 or 1, by at most max(epsilon, 1e-6),
        it is clipped too. Not with from_logits.
    ignore_index : int, default None
        A label with this value has weight 0.
    missing : "ignore" or None, default None
        With "ignore", a target that is NaN has weight 0. With None it makes the loss
        NaN.

    Notes
    -----
    The derivatives with respect to a logit are (1 - y) p - w y (1 - p) and (1 - y + w y) p (1 - p).
    They have full relative accuracy in the tails. From probabilities, as in torch, log
    is at least -100, and the divisor p (1 - p) of the gradient at least 1e-12.

    The formula is that of Keras (BinaryCrossentropy) and torch (BCELoss,
    BCEWithLogitsLoss).

    Examples
    --------
    >>> import numpy as np
    >>> loss, gradient = BinaryCrossentropy(from_logits=True)(np.array([1, 0]), np.array([0.0, 0.0]))
    >>> round(loss, 6), gradient
    (0.693147, array([-0.25,  0.25]))
    """

    from_logits: bool = hyperparameter(False, flag)
    label_smoothing: float = hyperparameter(0.0, SMOOTHING)
    pos_weight: Weights | None = hyperparameter(None, WEIGHTS)
    epsilon: float | None = hyperparameter(None, CLIP)
    ignore_index: int | None = hyperparameter(None, optional(integer))
    missing: Literal["ignore"] | None = hyperparameter(None, MISSING)
    use = "yes/no, or several labels at once"
    first = True
    _predictions = probability_maths("binary_crossentropy", probability_side)
    _logits = logit_maths("binary_crossentropy_logits", logit_side)

    def _maths(self) -> ElementwiseMaths:
        maths = super()._maths()
        return by_label(maths) if isinstance(self.pos_weight, tuple) else maths

    def _constants(self) -> Constants:
        weight = self.pos_weight
        yes = 1.0 if weight is None else weight if isinstance(weight, float) else min(cast("tuple[float, ...]", weight))
        return Constants(self.label_smoothing, yes, 1.0, 0.0, self.epsilon or 0.0)


bce = binary_crossentropy = BinaryCrossentropy()
