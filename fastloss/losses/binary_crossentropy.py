"""Binary cross-entropy, of probabilities or of logits."""

from dataclasses import dataclass
from typing import Any

from .._math.elementary import exp_nonpositive, log1p_unit, positive
from ._base import CLIP, NONNEGATIVE, SMOOTHING, flag, hyperparameter, optional, scalar
from ._binary import Binary, Constants, logit_maths, probability_maths
from ._probability import at_least, clamped_log


@scalar
def logit_side(s: Any, size: Any, c: Any) -> Any:
    T = type(s)
    e = exp_nonpositive(-size)
    r = T(1) / (T(1) + e)
    er = e * r
    return positive(s) + log1p_unit(e), r if s >= T(0) else er, er * r


@scalar
def probability_side(t: Any, low: Any, q: Any, c: Any) -> Any:
    T = type(t)
    t_least = at_least(t)
    return clamped_log(t, low), q / at_least(t * q), T(1) / t_least / t_least


@dataclass(frozen=True)
class BinaryCrossentropy(Binary):
    """The negative log-likelihood of yes/no labels: binary and multi-label classification.

    loss -[w y log p + (1-y) log(1-p)], for labels y = y_true in [0, 1] and p = y_pred in [0, 1] of any one shape, or
    p = sigmoid(y_pred) with from_logits=True; then gradient (1-y) p - w y (1-p) and Hessian ((1-y) + w y) p (1-p), each
    with full relative accuracy in the tails. From probabilities, log is clamped at -100, and the divisor p (1-p) of
    the gradient at 1e-12 (torch's rule). Values outside [0, 1] are a ValueError.
    Shapes, dtypes and errors: see `Loss`. Source: Keras, torch.

    Parameters
    ----------
    from_logits : bool, default False
        Whether p is sigmoid(y_pred).
    label_smoothing : float, default 0.0
        A number a in [0, 1): y becomes y (1-a) + a/2.
    pos_weight : float, optional
        The weight w of yes, a number >= 0; None: 1.
    epsilon : float, optional
        A number in [0, 0.5]: p is clipped to [epsilon, 1 - epsilon], with gradient 0 where it is (Keras's rule, with
        1e-7). For probabilities alone.

    Examples
    --------
    >>> import numpy as np
    >>> loss, gradient = BinaryCrossentropy(from_logits=True)(np.array([1, 0]), np.array([0.0, 0.0]))
    >>> round(loss, 6), gradient
    (0.693147, array([-0.25,  0.25]))
    """

    from_logits: bool = hyperparameter(False, flag)
    label_smoothing: float = hyperparameter(0.0, SMOOTHING)
    pos_weight: float | None = hyperparameter(None, optional(NONNEGATIVE))
    epsilon: float | None = hyperparameter(None, CLIP)
    use = "yes/no, or several labels at once"
    first = True
    _predictions = probability_maths("binary_crossentropy", probability_side)
    _logits = logit_maths("binary_crossentropy_logits", logit_side)

    def _constants(self) -> Constants:
        weight = 1.0 if self.pos_weight is None else self.pos_weight
        return Constants(self.label_smoothing, weight, 1.0, 0.0, self.epsilon or 0.0)


bce = binary_crossentropy = BinaryCrossentropy()
