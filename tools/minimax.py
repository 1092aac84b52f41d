"""The polynomial coefficients of elementary functions: least squares on Chebyshev points, rounded one by one.

    python tools/minimax.py

Each coefficient is rounded to its dtype and the later ones are fitted again, so that the rounding of the first
is absorbed by the others. Printed: the coefficients, highest power first, and the error of the whole function.
"""

from collections.abc import Callable

import mpmath as mp
import numpy as np

mp.mp.dps = 60
Function = Callable[[mp.mpf], mp.mpf]


def fit(target: Function, weight: Function, lo: float, hi: float, degree: int, dtype: type) -> list[float]:
    """Coefficients c, lowest power first, that make weight(x) * (sum c_k x^k - target(x)) small on [lo, hi]."""
    nodes = 8 * degree + 40
    xs = [(lo + hi) / 2 + (hi - lo) / 2 * mp.cos(mp.pi * (i + mp.mpf(1) / 2) / nodes) for i in range(nodes)]
    done: list[float] = []
    for k in range(degree + 1):
        rows = mp.matrix(nodes, degree + 1 - k)
        right = mp.matrix(nodes, 1)
        for i, x in enumerate(xs):
            w = weight(x)
            for j in range(k, degree + 1):
                rows[i, j - k] = w * x**j
            right[i] = w * (target(x) - mp.fsum(c * x**j for j, c in enumerate(done)))
        solved = mp.lu_solve(rows.T * rows, rows.T * right)
        done.append(float(dtype(float(solved[0]))))
    return done


def report(name: str, target: Function, weight: Function, lo: float, hi: float, degree: int, dtype: type) -> None:
    """Print the coefficients and the largest weighted error, in units of 2^-24 or 2^-53."""
    c = fit(target, weight, lo, hi, degree, dtype)
    xs = [lo + (hi - lo) * mp.mpf(i) / 2000 for i in range(2001)]
    worst = max(abs(weight(x) * (mp.polyval(c[::-1], x) - target(x))) for x in xs if x != 0)
    unit = mp.mpf(2) ** (-24 if dtype is np.float32 else -53)
    print(f"{name}  # fit error {mp.nstr(worst / unit, 2)} of half an ulp\n    ({', '.join(map(repr, c[::-1]))})")


def divided(f: Function, series: list[mp.mpf], power: int) -> Function:
    """(f(x) - its first terms) / x^power, by the limit series[power] at 0."""

    def g(x: mp.mpf) -> mp.mpf:
        x = mp.mpf(x)
        return series[power] if x == 0 else (f(x) - mp.fsum(c * x**j for j, c in enumerate(series[:power]))) / x**power

    return g


EXP = [1 / mp.factorial(k) for k in range(8)]
LOG1P = [mp.mpf(0)] + [mp.mpf((-1) ** (k + 1)) / k for k in range(1, 8)]
HALF_LN2 = float(mp.log(2) / 2) * 1.0001
ROOT = float(mp.sqrt(2)) * 1.0001

if __name__ == "__main__":
    for dtype, e_degree, softplus_degree, log_degree in ((np.float32, 4, 9, 7), (np.float64, 9, 20, 18)):
        bits = "32" if dtype is np.float32 else "64"
        # exp(r) = 1 + (r + r^2 Q(r)) for |r| <= ln(2)/2
        report(f"EXP{bits}", divided(mp.exp, EXP, 2), lambda r: r * r / mp.exp(r), -HALF_LN2, HALF_LN2, e_degree, dtype)
        # log1p(e) = e + e^2 Q(e) for 0 <= e <= 1
        report(f"SOFTPLUS{bits}", divided(mp.log1p, LOG1P, 2), lambda e: e * e / mp.log1p(e) if e else e,
               0.0, 1.0, softplus_degree, dtype)  # fmt: skip
        # log1p(f) = f - f^2/2 + f^3 Q(f) for sqrt(1/2) <= 1+f <= sqrt(2)
        report(f"LOG{bits}", divided(mp.log1p, LOG1P, 3), lambda f: f**3 / mp.log1p(f) if f else f,
               1 / ROOT - 1, ROOT - 1, log_degree, dtype)  # fmt: skip
    # those of fastloss/_cuda/half_maths.py: log1p(e) = e + e^2 Q(e) for 0 <= e <= 1, and for |e| <= 1/4
    for name, low, high, degree in (("SOFTPLUS", 0.0, 1.0, 7), ("NEAR_1", -0.25, 0.25, 5)):
        report(name, divided(mp.log1p, LOG1P, 2), lambda e: e * e / mp.log1p(e) if e else e, low, high, degree,
               np.float32)  # fmt: skip
