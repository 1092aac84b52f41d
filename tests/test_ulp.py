"""Every loss, gradient and Hessian against mpmath over the whole range, within the bounds of its reference."""

import dataclasses

import mpmath as mp
import numpy as np
import pytest

import fastloss as fl
from tests.devices import SIMULATED
from tests.inputs import far, probabilities
from tests.reference import DIGITS, REFERENCES, bounds_of, reference_of, truth
from tests.support import JIT, VARIANTS, categorical, name_of, ulps

MANY, SOME = 20000, 300
"""Points or elements of the test of many, and how many of those whose terms may cancel are looked at one by one."""


def exact(value, dtype):
    """A hyperparameter as the kernel has it: in the compute dtype."""
    return float(dtype(value))


def cases(dtype):
    """Every loss with the hyperparameters that its reference names; the test says where there is no reference."""
    for loss in VARIANTS:
        reference = REFERENCES.get(type(loss).__name__)
        for option in reference.options if reference else ({},):
            if not (getattr(loss, "from_logits", False) and "epsilon" in option):
                yield dataclasses.replace(loss, **{name: exact(value, dtype) for name, value in option.items()})


CASES = [(loss, dtype) for dtype in (np.float32, np.float64) for loss in cases(dtype)]


def case_id(value):
    if isinstance(value, fl.Loss):
        changed = {f: v for f, v in vars(value).items() if f != "from_logits" and v != type(value)().__dict__[f]}
        return "-".join([name_of(value), *(f"{k}={v:.3g}" for k, v in changed.items())])
    return name_of(value)


def points(loss, dtype, count):
    """Targets and predictions over the whole range of an elementwise loss."""
    whole, logits = reference_of(loss).domain.whole, getattr(loss, "from_logits", False)
    y, x = whole(np.random.default_rng(7), count, dtype, logits)
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
        for k, (error, bound) in enumerate(zip(found, bounds_of(loss), strict=True)):
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
        return reference_of(loss).scale(loss, target, list(map(mp.mpf, x.tolist())) if x.ndim else mp.mpf(float(x)))


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
        doubtful = np.argwhere(errors > bounds_of(loss)[k])
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
            what, bound = ("loss", "gradient", "Hessian")[k], bounds_of(loss)[k]
            assert error <= bound, f"{what} at {at}: {error:.2f} ulp, bound {bound}"
