"""The functions of fastloss/_math/elementary.py against what their docstrings say, by mpmath, over the whole range."""

import mpmath as mp
import numpy as np
import pytest

from fastloss._compile.jit import scalar
from fastloss._math import elementary as _math
from tests.grids import COUNT, TAIL, check, errors, exponents, lows, positive, promised, run, whole
from tests.support import JIT, name_of

per_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=name_of)


@per_dtype
def test_exp(dtype):
    check(_math.exp, mp.exp, exponents(dtype, TAIL[dtype], 88.7 if dtype is np.float32 else 709.7))
    edge = np.array([-np.inf, -1e4, 1e4, np.inf, np.nan], dtype)
    np.testing.assert_array_equal(run(_math.exp, edge), [0, 0, np.inf, np.inf, np.nan])


@per_dtype
@pytest.mark.parametrize("with_low", [False, True])
def test_exp_of_what_is_not_positive(dtype, with_low):
    x = exponents(dtype, TAIL[dtype], 0.0)
    check(_math.exp_nonpositive, lambda x, low=0: mp.exp(x + low), x, lows(x) if with_low else None)
    assert not run(_math.exp_nonpositive, np.array([-np.inf, -1e4], dtype), None).any()


@per_dtype
@pytest.mark.parametrize("with_low", [False, True])
def test_exp_raised(dtype, with_low):
    """Never subnormal, to the argument whose exponential is the smallest number."""
    x, scale = exponents(dtype, TAIL[dtype], 0.0), mp.mpf(2) ** (64 if dtype is np.float32 else 128)
    assert (run(_math.exp_raised, x, None) >= np.finfo(dtype).tiny).all()
    check(_math.exp_raised, lambda x, low=0: mp.exp(x + low) * scale, x, lows(x) if with_low else None)


@per_dtype
@pytest.mark.parametrize("with_low", [False, True])
def test_log(dtype, with_low):
    """Subnormals included."""
    smallest, normal, large = whole(dtype)
    x = positive(dtype, normal + 60 if with_low else smallest, large)  # of smaller ones low would be 0
    check(_math.log, lambda x, low=0: mp.log(x + low), x, lows(x) if with_low else None)
    zero, *edge = run(_math.log, np.array([0, np.inf, np.nan], dtype), None)
    assert zero < -100
    np.testing.assert_array_equal(edge, [np.inf, np.nan])


@per_dtype
@pytest.mark.parametrize("with_low", [False, True])
def test_log_of_a_sum(dtype, with_low):
    _, normal, large = whole(dtype)
    x = positive(dtype, normal + 60 if with_low else normal, large)
    check(_math.log_sum, lambda x, low: mp.log(x + low), x, lows(x) if with_low else np.zeros_like(x))
    edge = np.array([np.inf, np.nan], dtype)
    np.testing.assert_array_equal(run(_math.log_sum, edge, np.zeros_like(edge)), edge)


@per_dtype
@pytest.mark.parametrize("with_low", [False, True])
def test_log_of_a_number_up_to_1(dtype, with_low):
    """No bound is promised there: that of log, whose twin it is, holds."""
    smallest, normal, _ = whole(dtype)
    x = positive(dtype, normal + 60 if with_low else smallest, 0)
    low = np.minimum(lows(x), dtype(1) - x) if with_low else None
    check(_math.log_unit, lambda x, low=0: mp.log(x + low), x, low, bound=_math.log)
    assert run(_math.log_unit, np.zeros(1, dtype), None)[0] < -100


@per_dtype
def test_log_parts(dtype):
    """k is 0 for every f too, where nothing hides an error."""
    f = np.linspace(np.sqrt(0.5) - 1, np.sqrt(2) - 1, COUNT)[1:-1].astype(dtype)
    k = np.random.default_rng(0).integers(-120, 120, f.size).astype(dtype)
    f, k = np.concatenate([f, f, f * dtype(2.0**-10)]), np.concatenate([k, k * 0, k * 0])
    got, bound = run(_math.log_parts, k, f), promised(_math.log_parts, dtype, False)
    with mp.workdps(40):
        truths = [int(n) * mp.log(2) + mp.log1p(mp.mpf(r)) for n, r in zip(k.tolist(), f.tolist(), strict=True)]
        found = errors(got, truths, dtype, whole(dtype)[1])
    assert found.max() <= bound, (k[found.argmax()], f[found.argmax()], found.max())


@per_dtype
def test_log1p_of_a_number_up_to_1(dtype):
    small = 2.0 ** -np.random.default_rng(0).uniform(0, 100, COUNT)
    check(_math.log1p_unit, mp.log1p, np.concatenate([np.linspace(0, 1, 3 * COUNT), small]).astype(dtype))


@per_dtype
@pytest.mark.parametrize("with_low", [False, True])
def test_log1p(dtype, with_low):
    q = np.concatenate([positive(dtype, -100, 100), np.zeros(1, dtype)])
    check(_math.log1p, lambda q, low: mp.log1p(q + low), q, lows(q) if with_low else np.zeros_like(q))


@per_dtype
def test_power(dtype):
    x = positive(dtype, whole(dtype)[0], 0)
    g = np.random.default_rng(0).choice(np.array([0.1, 0.3, 0.7, 1.0, 1.5, 2.5, 3.7, 10.0], dtype), x.size)
    check(_math.power, lambda x, g: x**g, x, g)
    zero, odd = np.zeros(3, dtype), np.array([0, 0.5, np.nan], dtype)
    np.testing.assert_array_equal(run(_math.power, odd, zero), [1, 1, np.nan])
    np.testing.assert_array_equal(run(_math.power, zero, zero + dtype(1)), 0)


@scalar
def log_without(x):
    return _math.log(x, None)


@scalar
def log_sum_without(x):
    return _math.log_sum(x, x - x)


@scalar
def log_unit_without(x):
    return _math.log_unit(x, None)


@scalar
def log1p_without(q):
    return _math.log1p(q, q - q)


@scalar
def nonpositive_without(x):
    return _math.exp_nonpositive(x, None)


MANY = [(_math.exp, _math.exp, np.exp, -87, 88), (nonpositive_without, _math.exp_nonpositive, np.exp, -87, 0),
        (log_without, _math.log, np.log, 0.4, 2.5), (log_sum_without, _math.log_sum, np.log, 0.4, 2.5),
        (log_unit_without, _math.log, np.log, 0.2, 1), (_math.log1p_unit, _math.log1p_unit, np.log1p, 0, 1),
        (log1p_without, _math.log1p, np.log1p, 0, 3)]  # fmt: skip


@pytest.mark.skipif(not JIT, reason="plain Python is too slow for a million points")
@pytest.mark.parametrize(("function", "promise", "true", "low", "high"), MANY, ids=name_of)
def test_a_million_points_of_float32(function, promise, true, low, high):
    """By NumPy in float64, whose errors do not count here: half an ulp more than there should be is seen."""
    x = np.unique(np.linspace(low, high, 2**20).astype(np.float32))
    want = true(x.astype(np.float64))
    unit = np.ldexp(1.0, np.maximum(np.frexp(want)[1] - 1, -126) - 23)
    found = abs(run(function, x) - want) / unit
    at, bound = x[found.argmax()], promised(promise, np.float32, False)
    assert found.max() <= bound, f"{name_of(promise)} at {at}: {found.max():.3f} ulp, promised {bound}"


@scalar
def lost(a, b):
    return _math.two_sum(a, a - a, b)[1]


@per_dtype
def test_sums_in_two_parts(dtype):
    """The low part is exactly what the rounded sum has lost."""
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=(2, COUNT)) * 10.0 ** rng.uniform(-6, 6, (2, COUNT))).astype(dtype)
    with mp.workdps(60):
        for x, y, low in zip(a, b, run(lost, a, b), strict=True):
            assert mp.mpf(float(x)) + mp.mpf(float(y)) == mp.mpf(float(x + y)) + mp.mpf(float(low))
    high, low = np.array([np.inf, -np.inf, 1], dtype), np.array([np.nan, np.nan, 2], dtype)
    np.testing.assert_array_equal(run(_math.joined, high, low), [np.inf, -np.inf, 3])


@per_dtype
def test_positive(dtype):
    x = np.array([-np.inf, -1, -0.0, 0.0, 1e-30, 2, np.inf, np.nan], dtype)
    np.testing.assert_array_equal(run(_math.positive, x), np.array([0, 0, 0, 0, 1e-30, 2, np.inf, 0], dtype))
