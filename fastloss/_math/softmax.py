"""The scaled exponentials of a row of logits, exact in the tails: no maximum is subtracted where that would round.

exp(z_k) = 2^n_k * P(r_k). The row is scaled by the integer power of two nearest to exp(max), which is exact; the
maximum itself is subtracted only where it is so large that the subtraction is exact for every class that matters
(Sterbenz). One bias more keeps subnormal results normal until the last multiplication.
"""

from typing import Any

from .._compile.jit import scalar
from .elementary import EXP_32, EXP_64, LOG2E, MAGIC_32, MAGIC_64, log1p, reduced
from .primitives import fma, horner, pick, power_of_two

LN2 = 0.6931471805599453
UNSCALED = 30.0
"""Logits up to this size need no scaling: sums of their exponentials are far from overflow and underflow."""
FAR = 2 * UNSCALED
HEADROOM_32, HEADROOM_64 = 24.0, 53.0
"""The powers of two that keep a subnormal exponential normal until it is divided by the sum of its row."""


@scalar
def exp_of_rest(r: Any, power: Any) -> Any:
    """exp(r) for |r| <= ln(2)/2, times a power of two."""
    return fma(fma(r * r, horner(r, EXP_32, EXP_64), r), power, power)


@scalar
def unscaled_exp(z: Any) -> Any:
    """scaled_exp of a row that needs no scaling, for |z| <= UNSCALED; for other z it means nothing."""
    magic = pick(z, MAGIC_32 + 127.0 + HEADROOM_32, MAGIC_64 + 1023.0 + HEADROOM_64)
    t = fma(z, pick(z, LOG2E, LOG2E), magic)
    return exp_of_rest(reduced(t - magic, z), power_of_two(t))


@scalar
def scaling(top: Any) -> Any:
    """(shift, magic, floor) of a row whose largest logit is top: see scaled_exp."""
    T = type(top)
    shift = top if abs(top) > pick(top, 256.0, 2048.0) else T(0)
    round_ = pick(top, MAGIC_32, MAGIC_64)
    exponent = fma(top - shift, pick(top, LOG2E, LOG2E), round_) - round_
    magic = pick(top, MAGIC_32 + 127.0 + HEADROOM_32, MAGIC_64 + 1023.0 + HEADROOM_64) - exponent
    floor = (exponent - pick(top, 151.0, 1076.0)) * pick(top, LN2, LN2)  # here the power of two becomes 0
    return shift, magic, floor


@scalar
def scaled_exp(z: Any, shift: Any, magic: Any, floor: Any) -> Any:
    """exp(z - shift) times a power of two that is the same for the whole row."""
    x = z - shift
    return raised_exp(floor if x < floor else x, magic)


@scalar
def raised_exp(x: Any, magic: Any) -> Any:
    """exp(x) times a power of two, for an x that is not below the floor of its row."""
    t = fma(x, pick(x, LOG2E, LOG2E), magic)
    return exp_of_rest(reduced(t - magic, x), power_of_two(t))


# --- the derivatives ---------------------------------------------------------------------------------------------
# A loss gives for a class of probability p = 1 - q, with nll = -log p, the loss l, the slope s = -dl / d log p and the
# bend b = p^2 d2l / dp2 - s; cross-entropy has (nll, 1, 0). With the targets t (class weights and smoothing included),
# A = sum t s and B = sum t b, the derivatives by the logits are
#     g_j = p_j A - t_j s_j        h_j = p_j (q_j A + p_j B) + (q_j - p_j) t_j b_j
# and the mixed second derivatives, j != k, p_j p_k (B - A) - p_j t_k b_k - p_k t_j b_j.
# One class of a row, the pivot, may have p near 1: it has q from a sum of its own, and sums without its terms.


@scalar
def pivot_nll(own: Any, rest: Any, base: Any, distance: Any) -> Any:
    """-log p of a class: own and rest are its exponential and the sum of the others.

    distance is how far its logit lies below the maximum, whose exponential is base; own may underflow where it is far.
    """
    T = type(own)
    far = distance > T(FAR)
    return (distance if far else T(0)) + log1p((rest + own - base if far else rest) / (base if far else own), T(0))


@scalar
def gradient(p: Any, slope_sum: Any, slope: Any) -> Any:
    """The derivative by the logit of a class; slope is t s."""
    return p * slope_sum - slope


@scalar
def pivot_gradient(p: Any, q: Any, slopes: Any, slope: Any) -> Any:
    """That of the pivot; slopes is the sum of t s over the others."""
    return p * slopes - q * slope


@scalar
def hessian(p: Any, q: Any, slope_sum: Any, bend_sum: Any, bend: Any) -> Any:
    """The second derivative by the logit of a class; bend is t b."""
    return p * (q * slope_sum + p * bend_sum) + (q - p) * bend


@scalar
def pivot_hessian(p: Any, q: Any, slope_sum: Any, bends: Any, bend: Any) -> Any:
    """That of the pivot; bends is the sum of t b over the others."""
    return p * (q * slope_sum + p * bends) + q * q * bend


@scalar
def mixed(p: Any, other_p: Any, slope_sum: Any, bend_sum: Any, bend: Any, other_bend: Any) -> Any:
    """The second derivative by the logits of two classes."""
    return p * (other_p * (bend_sum - slope_sum) - other_bend) - other_p * bend


@scalar
def pivot_mixed(p: Any, q: Any, other_p: Any, slope_sum: Any, bends: Any, bend: Any, other_bend: Any) -> Any:
    """That of the pivot and another class; bends is the sum of t b over all but the pivot."""
    return other_p * (p * (bends - slope_sum) - q * bend) - p * other_bend
