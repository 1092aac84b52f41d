"""The maths of elementwise losses for predictions of 16 bits: the unit for special functions where it is exact enough.

Relative errors are some 2^-22, those of logarithms near 1 too: gradients and Hessians are within one unit in the last
place of a format of 16 bits, losses within 2^-20. Left as they are: exp and log of Poisson loss, of which differences
may leave little, and exponentials that are raised to a power, which multiplies their errors.
"""

from functools import cache
from typing import Any

from .._compile.cuda_maths import exp2, log2
from .._compile.jit import scalar
from .._compile.substitution import substituted
from .._math import elementary
from .._math.elementary import LOG2E
from .._math.forms import ElementwiseMaths
from .._math.primitives import clamp_min, fma, horner, inverse_of_any

LN2, LN2_LOW = 0.6931471824645996, -1.904654323148236e-09
GRID = 1.5 * 2.0**9
"""Adding it rounds to a multiple of 2^-14."""
# log1p(e) = e + e^2 Q(e) on 0 <= e <= 1, and on |e| <= 1/4: tools/minimax.py
SOFTPLUS = (0.005221209023147821, -0.02948732301592827, 0.07825777679681778, -0.13673147559165955,
            0.19115662574768066, -0.24847504496574402, 0.33320140838623047, -0.49999597668647766)  # fmt: skip
NEAR_1 = (0.15566249191761017, -0.18123523890972137, 0.19960151612758636, -0.24953651428222656,
          0.3333362936973572, -0.5000036358833313)  # fmt: skip


@scalar
def _exp_raised(x: Any, low: Any = None) -> Any:
    """exp(x) * 2^64 for x <= 0, with an error of 2^-22; low is that of powers, which are left as they are."""
    T = type(x)
    x = clamp_min(x, T(-130))
    t = fma(x, T(LOG2E), T(GRID))
    n = t - T(GRID)
    rest = fma(n, T(-LN2_LOW), fma(n, T(-LN2), x))  # below 2^-14: its square is nothing
    power = exp2(t - T(GRID - 64.0))
    return fma(power, rest, power)


@scalar
def _log1p_unit(e: Any) -> Any:
    """log(1 + e) for 0 <= e <= 1: the series is off by less than a rounding."""
    return fma(e * e, horner(e, SOFTPLUS, SOFTPLUS), e)


@scalar
def _log_unit(x: Any, low: Any) -> Any:
    """log(x + low) for 0 <= x <= 1, with an error of 2^-20.7; -inf for 0."""
    T = type(x)
    near, tiny = x >= T(0.75), x < T(2.0**-126)
    value = (log2(x * T(2.0**64) if tiny else x) - (T(64) if tiny else T(0))) * T(LN2)
    f = (x - T(1)) + low if near else T(0)  # chosen here, or a branch would be made of it
    return fma(f * f, horner(f, NEAR_1, NEAR_1), f) + (T(0) if near else value)


@scalar
def _log_ratio(p: Any, y: Any) -> Any:
    """log((1 + p) / (1 + y)), with an error of 2^-21.5."""
    T = type(p)
    d = p - y
    inverse = inverse_of_any(T(1) + (y if d >= T(0) else p))
    q = abs(d) * inverse
    over = q > T(2.0**126)
    u = abs(d) * T(2.0**-64) * inverse if over else T(1) + q
    value = (log2(u) + (T(64) if over else T(0))) * T(LN2)
    far = q > T(1)
    e = T(0) if far else q
    value = _log1p_unit(e) + (value if far else T(0))
    return value if d >= T(0) else -value


LOGARITHMS = {elementary.log1p_unit: _log1p_unit, elementary.log_unit: _log_unit, elementary.log_ratio: _log_ratio,
              elementary.power: elementary.power}  # fmt: skip
ALL = {**LOGARITHMS, elementary.exp_raised: _exp_raised}


@cache
def shortened(maths: ElementwiseMaths) -> ElementwiseMaths:
    """The same maths with these functions in place of those that it calls."""
    sides, table = maths.sides, LOGARITHMS if maths.steep else ALL
    if sides is not None:
        parts = {name: substituted(getattr(sides, name), table) for name in ("hard", "rest") if getattr(sides, name)}
        sides = sides._replace(**parts)
    return maths._replace(point=substituted(maths.point, table), sides=sides)
