"""exp, log and their relatives, free of branches so that a loop over them becomes vector code.

Numba has no vector maths library: math.exp in a loop is a scalar call, ten times slower. Every function takes and
returns float32 or float64 and computes in that type alone. Coefficients come from tools/minimax.py; the measured
error of each function is in its docstring, in ulp, float32 / float64.
"""

import math
from typing import Any

from .._compile.jit import scalar
from .primitives import clamp_max, clamp_min, fma, inverse_of_any, pick, polynomial, power_of_two, split

LOG2E = 1.4426950408889634
# ln 2 in two parts: k * high is exact for every exponent k, so the reduced argument keeps all its bits.
LN2_HIGH_32, LN2_LOW_32 = 0.693145751953125, 1.4286068203094173e-06
LN2_HIGH_64, LN2_LOW_64 = 0.6931471803691238, 1.9082149292705877e-10
MAGIC_32, MAGIC_64 = 1.5 * 2.0**23, 1.5 * 2.0**52  # adding it rounds to an integer, held in the low bits

# exp(r) = 1 + r + r^2 Q(r) on |r| <= ln(2)/2
EXP_32 = (0.0013745325850322843, 0.008368946611881256, 0.04166964814066887, 0.166665181517601, 0.49999988079071045)
EXP_64 = (2.5020074850572813e-08, 2.763090755114223e-07, 2.755752164644174e-06, 2.4801491030993337e-05,
          0.00019841269581196487, 0.0013888888945921057, 0.008333333333458665, 0.04166666666651975,
          0.16666666666666471, 0.5000000000000012)  # fmt: skip
# log1p(e) = e + e^2 Q(e) on 0 <= e <= 1
SOFTPLUS_32 = (0.002013235818594694, -0.013330348767340183, 0.041335396468639374, -0.08230623602867126,
               0.12411923706531525, -0.16104765236377716, 0.19891278445720673, -0.2498754858970642,
               0.3333261013031006, -0.49999985098838806)  # fmt: skip
SOFTPLUS_64 = (-1.6116418269742165e-05, 0.00019435841094364288, -0.001114719554761647, 0.004064575158547827,
               -0.010651124014323842, 0.021569127599156915, -0.03560097623990264, 0.05014375751100854,
               -0.06293667493508291, 0.07331896753226863, -0.08208504715879027, 0.0905606159116802,
               -0.0999227099454141, 0.11109773171177209, -0.12499823337555332, 0.1428569702789199,
               -0.16666665470769412, 0.19999999944678043, -0.24999999998444936, 0.33333333333310794,
               -0.49999999999999883)  # fmt: skip
# log1p(f) = f - f^2/2 + f^3 Q(f) on sqrt(1/2) <= 1+f <= sqrt(2)
LOG_32 = (-0.07353471964597702, 0.12616582214832306, -0.13204258680343628, 0.14227958023548126,
          -0.16621217131614685, 0.1999976933002472, -0.25000855326652527, 0.3333335518836975)  # fmt: skip
LOG_64 = (0.025107688022085094, -0.05858029047041221, 0.06499449195224374, -0.05722881950669286,
          0.0567972516912314, -0.061900038021904254, 0.06682136084306656, -0.0714994982227344,
          0.07691779545689799, -0.08332892491118171, 0.09090909614773782, -0.10000015639016467,
          0.11111111626442322, -0.12499999688529696, 0.14285714271066774, -0.16666666669804694,
          0.2000000000015164, -0.24999999999988184, 0.33333333333332854)  # fmt: skip


@scalar
def two_sum(high: Any, low: Any, x: Any) -> Any:
    """(high + low) + x, kept as two floats: high is the rounded sum, low what rounding lost so far (Knuth)."""
    total = high + x
    back = total - high
    return total, low + ((high - (total - back)) + (x - back))


@scalar
def joined(high: Any, low: Any) -> Any:
    """The sum as one float; low is NaN once high has overflowed."""
    return high if abs(high) == pick(high, math.inf, math.inf) else high + low


@scalar
def reduced(n: Any, x: Any) -> Any:
    """x - n ln 2 for n = round(x / ln 2)."""
    r = fma(n, pick(x, -LN2_HIGH_32, -LN2_HIGH_64), x)
    return fma(n, pick(x, -LN2_LOW_32, -LN2_LOW_64), r)


@scalar
def exp_reduced(n: Any, x: Any, low: Any, power: Any) -> Any:
    """exp(x + low - n ln 2) for n = round(x / ln 2), times a power of two; low may be None."""
    r = reduced(n, x)
    if low is not None:
        r = r + low
    return fma(fma(r * r, polynomial(r, EXP_32, EXP_64), r), power, power)


@scalar
def exp_raised(x: Any, low: Any = None) -> Any:
    """exp(x + low) * 2^64 (2^128 in float64) for x <= 0: never subnormal. 1.1 / 1.1 ulp, 1.3 / 1.3 with low."""
    x = clamp_min(x, pick(x, -130.0, -790.0))
    magic = pick(x, MAGIC_32 + 127.0 + 64.0, MAGIC_64 + 1023.0 + 128.0)
    t = fma(x, pick(x, LOG2E, LOG2E), magic)
    return exp_reduced(t - magic, x, low, power_of_two(t))


@scalar
def lower(e: Any) -> Any:
    """Take back the power of two of exp_raised, rounding once where the result underflows."""
    return e * pick(e, 2.0**-64, 2.0**-128)


@scalar
def exp_nonpositive(x: Any, low: Any = None) -> Any:
    """exp(x + low) for x <= 0. 1.1 / 1.1 ulp, 1.3 / 1.3 with low."""
    return lower(exp_raised(x, low))


@scalar
def exp(x: Any) -> Any:
    """exp(x), with overflow to inf and gradual underflow. 1.1 / 1.1 ulp."""
    T = type(x)
    x = clamp_max(clamp_min(x, pick(x, -104.0, -746.0)), pick(x, 89.0, 710.0))
    magic = pick(x, MAGIC_32, MAGIC_64)
    biased = pick(x, MAGIC_32 + 127.0, MAGIC_64 + 1023.0)
    n = fma(x, pick(x, LOG2E, LOG2E), magic) - magic
    half = fma(n, T(0.5), biased)  # 2^n as two factors: n has more values than the exponent field
    rest = (n - (half - biased)) + biased
    return exp_reduced(n, x, None, power_of_two(half)) * power_of_two(rest)


@scalar
def positive(x: Any) -> Any:
    """max(x, 0), and 0 for NaN: so positive(0 * positive(inf)) is 0. One instruction."""
    T = type(x)
    return x if x > T(0) else T(0)


@scalar
def slack(epsilon: Any) -> Any:
    """How far beyond 0 and 1 rounding may have put a probability that is clipped by epsilon: 0 without a clip."""
    T = type(epsilon)
    least = T(1e-6)
    return T(0) if epsilon == T(0) else (epsilon if epsilon > least else least)


@scalar
def log1p_unit(e: Any) -> Any:
    """log(1 + e) for 0 <= e <= 1. 1.5 / 1.7 ulp."""
    return fma(e * e, polynomial(e, SOFTPLUS_32, SOFTPLUS_64), e)


@scalar
def log_parts(k: Any, f: Any) -> Any:
    """k ln 2 + log1p(f) for sqrt(1/2) <= 1 + f <= sqrt(2). 1.1 / 1.1 ulp."""
    T = type(f)
    tail = f * f * fma(f, polynomial(f, LOG_32, LOG_64), T(-0.5))
    return fma(k, pick(f, LN2_HIGH_32, LN2_HIGH_64), f + fma(k, pick(f, LN2_LOW_32, LN2_LOW_64), tail))


@scalar
def log_sum(u: Any, low: Any) -> Any:
    """log(u + low) for normal u > 0 and |low| <= ulp(u). 1.1 / 1.1 ulp, 1.7 / 1.7 if low is not 0; NaN for NaN."""
    k, m, inverse = split(u)
    value = log_parts(k, fma(low, inverse, m - type(u)(1)))
    return value if u < pick(u, math.inf, math.inf) else u


@scalar
def log(x: Any, low: Any = None) -> Any:
    """log(x + low) for x >= 0, subnormals included, and |low| <= ulp(x) or None. 1.1 / 1.1 ulp.

    1.7 / 1.7 with low. A number below -100 for 0, NaN for NaN, inf for inf.
    """
    value = log_finite(x, low)
    return value if x < pick(x, math.inf, math.inf) else x


@scalar
def log_finite(x: Any, low: Any) -> Any:
    """The same of a finite x; any number for inf and NaN."""
    T = type(x)
    tiny = x < pick(x, 2.0**-126, 2.0**-1022)
    k, m, inverse = split(x * pick(x, 2.0**64, 2.0**64) if tiny else x)
    f = m - T(1)
    if low is not None:  # which is 0 where x is tiny
        f = fma(low, positive(inverse), f)  # the inverse of the largest powers of two is -inf
    return log_parts(k - (T(64) if tiny else T(0)), f)


@scalar
def log_unit(x: Any, low: Any) -> Any:
    """log(x + low) for 0 <= x <= 1, subnormals included: scaled up always, so nothing is chosen. Below -100 for 0."""
    T = type(x)
    up = pick(x, 2.0**32, 2.0**64)
    k, m, inverse = split(abs(x) * up)  # x may be -0
    f = m - T(1)
    if low is not None:
        f = fma(low * up, inverse, f)
    return log_parts(k - pick(x, 32.0, 64.0), f)


@scalar
def log1p(q: Any, low: Any) -> Any:
    """log(1 + q + low) for q >= 0 and |low| <= ulp(q). 1.7 / 1.7 ulp."""
    T = type(q)
    u = T(1) + q
    return log_sum(u, (q - (u - T(1))) + low)  # u - 1 is exact where a digit of 1 is left in u


@scalar
def log_ratio(p: Any, y: Any) -> Any:
    """log((1 + p) / (1 + y)) as sign(p-y) log1p(|p-y| / (1 + min(y, p))), with the rounding errors of difference, sum
    and quotient carried along."""
    T = type(p)
    d = p - y
    back = d - p
    d_low = (p - (d - back)) - (y + back)
    low = p if p < y else y
    a = T(1) + low
    a_low = low - (a - T(1))  # exact: a - 1 is, up to 2^24 (2^53), and beyond it no digit of 1 is left
    inverse = inverse_of_any(a)
    q = d * inverse
    q_low = (fma(-q, a, d) + d_low - q * a_low) * inverse
    q, q_low = abs(q), q_low if d >= T(0) else -q_low
    u = T(1) + q
    u_low = (q - (u - T(1))) + q_low
    # A quotient too large for the dtype has a logarithm that is not.
    over = q > pick(q, 2.0**126, 2.0**1022)
    u = abs(d) * pick(q, 2.0**-64, 2.0**-64) * inverse if over else u
    k, m, unit = split(u)
    value = log_parts(k + (T(64) if over else T(0)), fma(T(0) if over else u_low, unit, m - T(1)))
    value = value if u < pick(u, math.inf, math.inf) else u
    return value if d >= T(0) else -value


@scalar
def power(x: Any, g: Any) -> Any:
    """x ** g for 0 <= x <= 1 and g >= 0. 2 / 2 ulp."""
    T = type(x)
    tiny = x < pick(x, 2.0**-126, 2.0**-1022)
    k, m, _ = split(x * pick(x, 2.0**64, 2.0**64) if tiny else x)
    k = k - T(64) if tiny else k
    f = m - T(1)
    # log x as high + low: the exponential magnifies an error of its argument by the argument's size.
    half = T(0.5) * f
    square = half * f
    square_low = fma(half, f, -square)
    top = k * pick(x, LN2_HIGH_32, LN2_HIGH_64)
    high = top + f
    low = (top - high) + f
    both = high - square
    low = (((high - both) - square) - square_low) + low
    low = low + fma(k, pick(x, LN2_LOW_32, LN2_LOW_64), f * f * f * polynomial(f, LOG_32, LOG_64))
    high = both + low
    low = (both - high) + low
    product = high * g
    value = exp_nonpositive(product, fma(high, g, -product) + low * g)
    value = T(1) if g == T(0) else (value if x > T(0) else T(0))
    return value if x == x else x
