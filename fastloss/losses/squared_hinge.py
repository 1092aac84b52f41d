"""Squared hinge loss, of margins or through tanh."""

from dataclasses import dataclass
from typing import Any, Literal

from .._math.elementary import exp_raised, lower
from .._math.primitives import fma, inverse
from ._base import MISSING, Elementwise, ElementwiseMaths, flag, hyperparameter, scalar


@scalar
def margin_point(y: Any, p: Any, c: Any) -> Any:
    T = type(p)
    m = fma(-y, p, T(1))
    flat = m <= T(0)
    m = T(0) if flat else m
    return m * m, T(-2) * y * m, T(0) if flat else (T(2) if m == m else m)


@scalar
def tanh_point(y: Any, z: Any, c: Any) -> Any:
    # With s = y z and e = exp(-2|s|): 1 - tanh(s) = 2 e / (1 + e) or 2 / (1 + e), never a difference.
    T = type(z)
    s = y * z
    raised = exp_raised(T(-2) * abs(s))
    e = lower(raised)
    r = inverse(T(1) + e)
    m = T(2) * r * (e if s >= T(0) else T(1))
    slope = T(8) * raised * r * r * m  # 2 (1 - tanh^2) m, lowered last: a subnormal factor would lose bits
    return m * m, lower(-y * slope), lower(slope * fma(T(-3), m, T(4)))


@scalar
def outside(y: Any, p: Any, c: Any) -> Any:
    return (abs(y) != type(p)(1)) & (y == y)


@dataclass(frozen=True)
class SquaredHinge(Elementwise):
    """The squared hinge loss: yes or no with a margin, without probabilities.

    loss(y, p) = max(0, 1 - y p)^2 for a label y = -1 or 1 of y_true and p of y_pred,
    arrays of one shape.

    Parameters
    ----------
    from_logits : bool, default False
        Whether p = tanh(y_pred).
    missing : "ignore" or None, default None
        With "ignore", a target that is NaN has weight 0. With None it makes the loss
        NaN.

    Notes
    -----
    The gradient is -2 y max(0, 1 - y p), the Hessian 2 where 1 - y p > 0. Labels of 0
    and 1 are refused: Keras turns them into -1 and 1 where the whole array is 0 and 1.

    The formula is that of Keras; where it is written as a sum, use reduction="sum".

    Examples
    --------
    >>> import numpy as np
    >>> squared_hinge(np.array([1, -1]), np.array([0.5, 0.5])).loss
    1.25
    """

    from_logits: bool = hyperparameter(False, flag)
    missing: Literal["ignore"] | None = hyperparameter(None, MISSING)
    task = ("maximum-margin classification",)
    activation = "tanh"
    use = "yes/no with a margin, without probabilities"
    first = True
    _predictions = ElementwiseMaths("squared_hinge", margin_point, outside)
    _logits = ElementwiseMaths("squared_hinge_logits", tanh_point, outside)

    def _forbidden(self, y: float, p: float) -> tuple[str, float, str]:
        return "y_true", y, "-1 or 1" + ("; for labels of 0 and 1 pass 2 * y - 1" if y == 0 else "")


squared_hinge = SquaredHinge()
