"""The reference of every loss: the textbook formula in mpmath, its derivatives by differences at 1400 digits.

Nothing here is clever and nothing is shared with the library. A new loss needs a Reference in REFERENCES, under the
name of its class; every suite finds it there.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import mpmath as mp

from tests import formulas
from tests.inputs import COUNTS, LABELS, REAL, SIGNS, SIZES, Domain
from tests.likelihoods import (
    LEAST,
    binary,
    binary_clamped,
    binary_scale,
    categorical,
    categorical_clamped,
    categorical_scale,
    epsilon,
    focal_binary,
    focal_binary_clamped,
    focal_binary_scale,
    xlogy,
)

DIGITS = 420


def none(loss, y, x):
    return 0, 0, 0


class Reference(NamedTuple):
    """What the tests know of a loss by themselves."""

    value: Callable[..., Any]
    """value(loss, y, x): the loss of a target and a prediction as mpmath numbers, rows of them for classes."""
    plain: Callable[..., Any]
    """The same of arrays in NumPy, with both derivatives: see `tests.formulas`."""
    bounds: tuple[int, int, int]
    """The bounds of loss, gradient and Hessian in ulp, from predictions."""
    logits: tuple[int, int, int] | None = None
    """The same from logits."""
    domain: Domain | None = REAL
    """Where it is tested; None for a loss of classes."""
    scale: Callable[..., Any] = none
    """scale(loss, y, x): the size of the largest of the terms that cancel in loss, gradient and Hessian, 0 where none
    do: errors are counted in ulp of the true value or of that."""
    clamped: Callable[..., Any] | None = None
    """clamped(loss, y, x): gradient and Hessian from predictions, of a loss with clamps or kinks."""
    corners: tuple[float, ...] = ()
    """Predictions at which a derivative jumps, for a target of 1."""
    options: tuple[dict[str, float], ...] = ({},)
    """Hyperparameters whose errors in ulp are tested."""


# --- losses of elements ------------------------------------------------------------------------------------------


def squared(loss, y, p):
    return (y - p) ** 2


def absolute(loss, y, p):
    return abs(y - p)


def absolute_derivatives(loss, y, p):
    return mp.sign(p - y), mp.mpf(0)


def logarithmic(loss, y, p):
    return (mp.log(y + 1) - mp.log(p + 1)) ** 2


def logarithmic_scale(loss, y, p):
    return 0, 0, max(2, abs(2 * mp.log((1 + p) / (1 + y)))) / (1 + p) ** 2


def poisson(loss, y, x):
    return mp.exp(x) - y * x if loss.from_logits else x - xlogy(y, x + epsilon(loss))


def poisson_scale(loss, y, x):
    if loss.from_logits:
        return max(mp.exp(x), abs(y * x)), max(mp.exp(x), y), 0
    u = x + epsilon(loss)
    return max(x, abs(xlogy(y, u))), max(1, y / max(u, LEAST)), 0


def poisson_clamped(loss, y, p):
    u = max(p + epsilon(loss), LEAST)
    return (p + epsilon(loss) - y) / u, y / u**2


def hinge(loss, y, x):
    return max(mp.mpf(0), 1 - y * (mp.tanh(x) if loss.from_logits else x)) ** 2


def hinge_scale(loss, y, x):
    t = mp.tanh(x)
    return 0, 0, (8 * (1 - t * t) * (1 - y * t) if loss.from_logits else 0)


def hinge_derivatives(loss, y, p):
    m = max(mp.mpf(0), 1 - y * p)
    return -2 * y * m, mp.mpf(2 if m > 0 else 0)


# --- the table ---------------------------------------------------------------------------------------------------

GAMMAS = tuple({"gamma": g} for g in (0.0, 0.5, 1.0, 2.0, 3.7))
REFERENCES = {
    "MeanSquaredError": Reference(squared, formulas.squared, bounds=(2, 1, 0)),
    "MeanAbsoluteError": Reference(absolute, formulas.absolute, bounds=(1, 0, 0), clamped=absolute_derivatives,
                                   corners=(1.0,)),
    "MeanSquaredLogarithmicError": Reference(logarithmic, formulas.logarithmic, bounds=(6, 5, 6), domain=SIZES,
                                             scale=logarithmic_scale),
    "Poisson": Reference(poisson, formulas.poisson, bounds=(3, 3, 3), logits=(2, 2, 1), domain=COUNTS,
                         scale=poisson_scale, clamped=poisson_clamped, options=({}, {"epsilon": 1e-7})),
    "SquaredHinge": Reference(hinge, formulas.hinge, bounds=(2, 1, 0), logits=(7, 9, 10), domain=SIGNS,
                              scale=hinge_scale, clamped=hinge_derivatives, corners=(1.0,)),
    "BinaryCrossentropy": Reference(binary, formulas.binary, bounds=(3, 3, 4), logits=(4, 4, 6), domain=LABELS,
                                    scale=binary_scale, clamped=binary_clamped,
                                    options=({}, {"pos_weight": 3.0, "label_smoothing": 0.25})),
    "BinaryFocalCrossentropy": Reference(focal_binary, formulas.focal, bounds=(10, 12, 14), logits=(16, 20, 24),
                                         domain=LABELS, scale=focal_binary_scale, clamped=focal_binary_clamped,
                                         options=(*GAMMAS, {"alpha": 0.25}, {"label_smoothing": 0.25, "alpha": 0.25})),
    "CategoricalCrossentropy": Reference(categorical, formulas.rows, bounds=(3, 2, 4), logits=(5, 8, 10), domain=None,
                                         scale=categorical_scale, clamped=categorical_clamped,
                                         options=({}, {"label_smoothing": 0.25})),
    "CategoricalFocalCrossentropy": Reference(categorical, formulas.rows, bounds=(10, 12, 14), logits=(20, 28, 28),
                                              domain=None, scale=categorical_scale, clamped=categorical_clamped,
                                              options=GAMMAS),
}  # fmt: skip


def reference_of(loss):
    name = type(loss).__name__
    assert name in REFERENCES, f"{name} has no reference: add a Reference for it to REFERENCES in tests/reference.py"
    return REFERENCES[name]


def bounds_of(loss):
    """The bounds in ulp of loss, gradient and Hessian."""
    own, logits = reference_of(loss), getattr(loss, "from_logits", False)
    found = own.logits if logits else own.bounds
    assert found is not None, (f"{type(loss).__name__} has no bounds in ulp from logits: add logits=(loss, gradient, "
                               "Hessian) to its Reference in tests/reference.py")  # fmt: skip
    return found


def truth(loss, y, x):
    """Loss, gradient and Hessian at one point, and the scale of each; lists by class where x is a row."""
    own = reference_of(loss)
    with mp.workdps(DIGITS):
        value, scale = own.value(loss, y, x), own.scale(loss, y, x)
        if own.clamped is not None and not getattr(loss, "from_logits", False):
            return (value, *own.clamped(loss, y, x)), scale
    if not isinstance(x, list):
        return (value, *differences(lambda t: own.value(loss, y, t), x)), scale
    pairs = [differences(lambda t, j=j: own.value(loss, y, [*x[:j], t, *x[j + 1 :]]), x[j]) for j in range(len(x))]
    return (value, [g for g, _ in pairs], [h for _, h in pairs]), scale


def differences(f, x):
    """First and second derivative: 1 - p of 1e-304 and a step of 1e-200 leave hundreds of good digits of 1400."""
    with mp.workdps(1400):
        h = mp.mpf(10) ** -200
        up, mid, down = f(x + h), f(x), f(x - h)
        return (up - down) / (2 * h), (up - 2 * mid + down) / (h * h)
