"""Every loss, gradient and Hessian against mpmath over the whole range, within the bounds of this table."""

import mpmath as mp
import numpy as np
import pytest

import fastloss as fl
from tests.devices import SIMULATED
from tests.reference import DIGITS, truth, twin_of
from tests.support import JIT, categorical, name_of, ulps

# loss: bounds in ulp for (loss, gradient, Hessian) in float32 and float64
BOUNDS = {
    "MeanSquaredError": (2, 1, 0),
    "MeanAbsoluteError": (1, 0, 0),
    "MeanSquaredLogarithmicError": (6, 5, 6),
    "Poisson": (3, 3, 3),
    "Poisson_logits": (2, 2, 1),
    "SquaredHinge": (2, 1, 0),
    "SquaredHinge_logits": (7, 9, 10),
    "BinaryCrossentropy": (3, 3, 4),
    "BinaryCrossentropy_logits": (4, 4, 6),
    "BinaryFocalCrossentropy": (10, 12, 14),
    "BinaryFocalCrossentropy_logits": (16, 20, 24),
    "CategoricalCrossentropy": (3, 2, 4),
    "CategoricalCrossentropy_logits": (5, 8, 10),
    "CategoricalFocalCrossentropy": (10, 12, 14),
    "CategoricalFocalCrossentropy_logits": (20, 28, 28),
}

MANY, SOME = 20000, 300
"""Points or elements of the test of many, and how many of those whose terms may cancel are looked at one by one."""
GAMMAS = [0.0, 0.5, 1.0, 2.0, 3.7]


def exact(value, dtype):
    """A hyperparameter as the kernel has it: in the compute dtype."""
    return float(dtype(value))


def cases(dtype):
    rounded = [exact(g, dtype) for g in GAMMAS]
    yield fl.MeanSquaredError()
    yield fl.MeanAbsoluteError()
    yield fl.MeanSquaredLogarithmicError()
    yield from (fl.Poisson(), fl.Poisson(epsilon=exact(1e-7, dtype)), fl.Poisson(from_logits=True))
    yield from (fl.SquaredHinge(), fl.SquaredHinge(from_logits=True))
    yield from (fl.BinaryCrossentropy(), fl.BinaryCrossentropy(from_logits=True))
    yield fl.BinaryCrossentropy(pos_weight=3.0, label_smoothing=0.25)
    yield fl.BinaryCrossentropy(from_logits=True, pos_weight=3.0, label_smoothing=0.25)
    for logits in (False, True):
        yield from (fl.BinaryFocalCrossentropy(from_logits=logits, gamma=g) for g in rounded)
        yield fl.BinaryFocalCrossentropy(from_logits=logits, alpha=0.25)
        yield fl.CategoricalCrossentropy(from_logits=logits)
        yield fl.CategoricalCrossentropy(from_logits=logits, label_smoothing=0.25)
        yield from (fl.CategoricalFocalCrossentropy(from_logits=logits, gamma=g) for g in rounded)


CASES = [(loss, dtype) for dtype in (np.float32, np.float64) for loss in cases(dtype)]


def case_id(value):
    if isinstance(value, fl.Loss):
        changed = {f: v for f, v in vars(value).items() if f != "from_logits" and v != type(value)().__dict__[f]}
        return "-".join([name_of(value), *(f"{k}={v:.3g}" for k, v in changed.items())])
    return name_of(value)


def far(dtype):
    return 100.0 if dtype is np.float32 else 700.0


def logits(dtype, rng, count):
    near, wide = rng.normal(size=count) * 2, rng.uniform(-far(dtype), far(dtype), size=count)
    edges = [0.0, 1e-30, -1e-30, 1e-3, -1e-3, 17.0, -17.0, 88.0, -88.0, far(dtype), -far(dtype)]
    return np.concatenate([near, wide, edges])


def probabilities(rng, count):
    tail = 10.0 ** rng.uniform(-38, 0, size=count)
    edges = [0.0, 1.0, 0.5, 1e-38, 1e-42, 1e-12, 1e-7, 1 - 1e-7, 1 - 2.0**-24]
    return np.concatenate([rng.uniform(size=count), tail, 1 - tail[: count // 2], edges])


def points(loss, dtype, count):
    """Targets and predictions over the whole range of an elementwise loss."""
    rng = np.random.default_rng(7)
    name = name_of(loss)
    if name.startswith("Binary"):
        x = logits(dtype, rng, count) if loss.from_logits else probabilities(rng, count)
        y = rng.choice([0.0, 1.0, 1.0, 0.0, 0.3], size=x.size)
    elif name.startswith("SquaredHinge"):
        x = logits(dtype, rng, count)
        y = rng.choice([-1.0, 1.0], size=x.size)
    elif name == "Poisson_logits":
        x = np.minimum(logits(dtype, rng, count), 88.0 if dtype is np.float32 else 700.0)
        y = rng.choice([0.0, 1.0, 2.0, 7.0, 123.0], size=x.size)
    elif name == "Poisson":
        x = np.concatenate([10.0 ** rng.uniform(-38, 6, size=2 * count), [0.0, 1.0, 1e-12, 1e-42]])
        y = rng.choice([0.0, 1.0, 2.0, 7.0, 123.0], size=x.size)
    elif name == "MeanSquaredLogarithmicError":
        y = np.concatenate([10.0 ** rng.uniform(-8, 9, size=2 * count), rng.uniform(-0.999, 0, size=count)])
        ratio = np.concatenate(
            [1 + 10.0 ** rng.uniform(-16, -1, size=count), 10.0 ** rng.uniform(-9, 9, size=2 * count)]
        )
        x = np.concatenate([np.where(y > 0, y * ratio, (1 + y) * ratio - 1), [1e30, 3e38, 0.0]])
        x = np.maximum(x, np.nextafter(dtype(-1), dtype(0)))
        y = np.concatenate([y, [-0.999999, -0.999999, 0.0]])
    else:
        x = np.concatenate([rng.normal(size=count), 10.0 ** rng.uniform(-18, 18, size=count)])
        y = x * (1 + rng.choice([0.0, 1e-7, 1e-3, 1.0, -5.0], size=x.size))
    return y.astype(dtype), x.astype(dtype)


def rows(loss, dtype, count, classes=4):
    """Target classes and rows over the whole range of a categorical loss."""
    rng = np.random.default_rng(7)
    if not loss.from_logits:
        p = probabilities(rng, count * 2)
        p = p[: p.size // classes * classes].reshape(-1, classes)
        return rng.integers(0, classes, size=len(p)), p.astype(dtype)
    z = rng.normal(size=(3 * count, classes))
    z[count : 2 * count] = rng.uniform(-far(dtype), far(dtype), size=(count, classes))
    y = rng.integers(0, classes, size=len(z))
    z[2 * count + np.arange(count), y[2 * count :]] += rng.uniform(5, 90, size=count)  # the true class has p near 1
    z[::7] += rng.choice([1e3, -1e3, 3e4])
    return y, z.astype(dtype)


@pytest.mark.parametrize(("loss", "dtype"), CASES, ids=case_id)
def test_errors_in_ulp(loss, dtype):
    """Loss, gradient and Hessian of single elements stay within the bounds."""
    count = 10 if categorical(loss) else (50 if JIT else 12)
    count = (3 if categorical(loss) else 6) if SIMULATED else count
    assert name_of(loss) in BOUNDS, f"{name_of(loss)} has no bounds"
    y, x = (rows if categorical(loss) else points)(loss, dtype, count)
    worst = [0.0, 0.0, 0.0]
    losses, grads = loss(y, x, reduction="none")
    grads_too, hesses = loss.gradient_hessian(y, x, reduction="none")
    np.testing.assert_array_equal(grads, grads_too)
    for i in range(len(x)):
        if categorical(loss):
            target = [mp.mpf(int(k == y[i])) for k in range(x.shape[1])]
            (value, grad, hess), (vs, gs, hs) = truth(loss, target, [mp.mpf(float(t)) for t in x[i]])
        else:
            (value, grad, hess), (vs, gs, hs) = truth(loss, mp.mpf(float(y[i])), mp.mpf(float(x[i])))
            grad, hess, gs, hs = [grad], [hess], [gs], [hs]
        found = [
            ulps(losses[i], value, vs, dtype),
            max(map(ulps, np.atleast_1d(grads[i]), grad, gs, [dtype] * len(grad))),
            max(map(ulps, np.atleast_1d(hesses[i]), hess, hs, [dtype] * len(hess))),
        ]
        for k, (error, bound) in enumerate(zip(found, BOUNDS[name_of(loss)], strict=True)):
            what = ("loss", "gradient", "Hessian")[k]
            assert error <= bound, f"{what} at y={y[i]!r}, x={x[i]!r}: {error:.2f} ulp, bound {bound}"
            worst[k] = max(worst[k], error)
    print(f"{case_id(loss):60} {dtype.__name__} " + " ".join(f"{w:6.2f}" for w in worst))


def single_ulps(got, size, want):
    """The errors of float32 results in ulp of size, and at least of the least normal."""
    unit = 2.0 ** (np.maximum(np.frexp(size)[1] - 1, -126) - 23)
    beyond = np.where(size > np.finfo(np.float32).max, np.isinf(got), False)
    return np.where(beyond, 0, abs(got.astype(np.float64) - want) / unit)


def scale_at(loss, y, x):
    """The scales of loss, gradient and Hessian at one point or row."""
    target = [mp.mpf(int(k == y)) for k in range(len(x))] if categorical(loss) else mp.mpf(float(y))
    with mp.workdps(DIGITS):
        return twin_of(loss).scale(loss, target, list(map(mp.mpf, x.tolist())) if x.ndim else mp.mpf(float(x)))


def worst_of_many(loss, count, classes):
    """The largest errors of loss, gradient and Hessian in float32, measured by float64, and where they are."""
    y, x = rows(loss, np.float32, count // classes, classes) if classes else points(loss, np.float32, count)
    wide, label = x.astype(np.float64), y if classes else y.astype(np.float64)
    results = (*loss(y, x, reduction="none"), loss.gradient_hessian(y, x, reduction="none").hessian)
    truths = (*loss(label, wide, reduction="none"), loss.gradient_hessian(label, wide, reduction="none").hessian)
    worst = []
    for k, (got, want) in enumerate(zip(results, truths, strict=True)):
        np.testing.assert_array_equal(np.isnan(got), np.isnan(want), err_msg=f"y={y!r}, x={x!r}")
        errors = np.nan_to_num(single_ulps(got, abs(want), want))
        if classes and k and loss.from_logits:
            p = loss.activate(wide)
            errors[(p < 2.0**-126) | (p[np.arange(len(y)), y] < 2.0**-126)[:, None]] = 0  # that has lost digits
        doubtful = np.argwhere(errors > BOUNDS[name_of(loss)][k])
        errors[tuple(doubtful.T)] = 0
        some = doubtful[:: len(doubtful) // SOME + 1]  # where terms cancel it is their size that counts
        for place in map(tuple, some):
            scale = scale_at(loss, y[place[0]], x[place[0]])[k]
            scale = float(scale[place[1]] if classes and k else scale)
            errors[place] = single_ulps(got[place], max(scale, abs(want[place])), want[place])
        place = np.unravel_index(errors.argmax(), errors.shape)
        worst.append((float(errors[place]), f"y={y[place[0]]!r}, x={x[place[0]]!r}, {place}"))
    return worst


@pytest.mark.skipif(SIMULATED or not JIT, reason="many points, for compiled kernels")
@pytest.mark.parametrize("loss", [*cases(np.float32)], ids=case_id)
def test_errors_of_many_points_in_ulp(loss):
    """The bounds hold at many points of float32, measured by float64, whose errors the test above bounds."""
    for classes in (2, 4, 10, 100, 300) if categorical(loss) else (0,):
        for k, (error, at) in enumerate(worst_of_many(loss, MANY, classes)):
            what, bound = ("loss", "gradient", "Hessian")[k], BOUNDS[name_of(loss)][k]
            assert error <= bound, f"{what} at {at}: {error:.2f} ulp, bound {bound}"
