"""The scaled exponentials of a row of logits, exact in the tails: no maximum is subtracted where that would round.

exp(z_k) = 2^n_k * P(r_k). The row is scaled by the integer power of two nearest to exp(max), which is exact; the
maximum itself is subtracted only where it is so large that the subtraction is exact for every class that matters
(Sterbenz). One bias more keeps subnormal results normal until the last multiplication.
"""

from typing import Any

from .._compile.jit import scalar
from .elementary import EXP_32, EXP_64, LOG2E, MAGIC_32, MAGIC_64, reduced
from .primitives import fma, horner, pick, power_of_two, raise_by

LN2 = 0.6931471805599453
LIFT_32, LIFT_64 = 24.0, 53.0
"""The powers of two that keep a subnormal exponential normal until it is divided by the sum of its row."""


@scalar
def exp_of_rest(r: Any) -> Any:
    """exp(r) for |r| <= ln(2)/2."""
    return fma(r * r, horner(r, EXP_32, EXP_64), r) + pick(r, 1.0, 1.0)


@scalar
def moderate_exp(z: Any) -> Any:
    """scaled_exp of a row that needs no scaling, for |z| <= 30; for other z it means nothing."""
    magic = pick(z, MAGIC_32 + LIFT_32, MAGIC_64 + LIFT_64)
    t = fma(z, pick(z, LOG2E, LOG2E), magic)
    return raise_by(exp_of_rest(reduced(t - magic, z)), t)


@scalar
def scaling(top: Any) -> Any:
    """(shift, magic, floor) of a row whose largest logit is top: see scaled_exp."""
    T = type(top)
    shift = top if abs(top) > pick(top, 256.0, 2048.0) else T(0)
    round_ = pick(top, MAGIC_32, MAGIC_64)
    exponent = fma(top - shift, pick(top, LOG2E, LOG2E), round_) - round_
    magic = pick(top, MAGIC_32 + 127.0 + LIFT_32, MAGIC_64 + 1023.0 + LIFT_64) - exponent
    floor = (exponent - pick(top, 151.0, 1076.0)) * pick(top, LN2, LN2)  # here the power of two becomes 0
    return shift, magic, floor


@scalar
def scaled_exp(z: Any, shift: Any, magic: Any, floor: Any) -> Any:
    """exp(z - shift) times a power of two that is the same for the whole row."""
    x = z - shift
    x = floor if x < floor else x
    t = fma(x, pick(x, LOG2E, LOG2E), magic)
    return exp_of_rest(reduced(t - magic, x)) * power_of_two(t)
