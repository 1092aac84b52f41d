"""A call on the card against the same call on the CPU: every result in ulp, or bit for bit."""

import dataclasses

import ml_dtypes
import numpy as np

from tests.ptx import card
from tests.support import categorical

RESULTS = {"loss": ("loss",), "__call__": ("loss", "gradient"), "gradient": ("gradient",),
           "gradient_hessian": ("gradient", "Hessian")}  # fmt: skip
"""What a method returns."""


def short(loss):
    """A loss by what is not its default."""
    changed = {f.name: getattr(loss, f.name) for f in dataclasses.fields(loss) if getattr(loss, f.name) != f.default}
    shown = (f"{k}={v if not isinstance(v, tuple) or len(v) < 4 else '...'}" for k, v in changed.items())
    return f"{type(loss).__name__}({', '.join(shown)})"


def distance(got, want, scale=0.0):
    """In ulp of the wanted value, or of the scale if that is larger; infinite where one alone is NaN or infinite."""
    info = ml_dtypes.finfo(want.dtype)
    a, b = (np.asarray(x).astype(np.longdouble) for x in (got, want))
    size = np.maximum(np.maximum(np.abs(b), np.abs(scale)), float(info.smallest_normal))
    unit = np.exp2(np.floor(np.log2(np.where(np.isfinite(size), size, 1))) - info.nmant)
    far = np.where(np.isfinite(a) & np.isfinite(b), np.abs(a - b) / unit, np.inf)
    return np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, far).astype(float)


def close(what, got, want, bound, scale=0.0):
    """AssertionError where two arrays are further apart than so many ulp."""
    want = np.asarray(want)
    assert (got.shape, got.dtype) == (want.shape, want.dtype), what
    if got.size:
        far = distance(got, want, scale)
        i = np.unravel_index(int(far.argmax()), far.shape)
        index = list(map(int, i))
        assert far[i] <= bound, f"{what}{index} is {got[i]!r}, {want[i]!r} on the CPU: {far[i]:.3g} ulp, not {bound}"


def same(what, got, want):
    """Equal, NaN and all."""
    got, want = np.asarray(got), np.asarray(want)
    assert np.array_equal(got, want, equal_nan=want.dtype.kind in "fV"), f"{what}: {got!r}, expected {want!r}"


def terms(loss, y, p, gradient):
    """The size of the largest terms of gradient and Hessian of a categorical loss of logits, as in tests/reference.py,
    scaled as the gradient is: where they cancel, errors are counted in these."""
    z, want = (np.moveaxis(a.astype(float), loss.axis, -1) for a in (p, gradient))
    e = np.exp(z - z.max(-1, keepdims=True))
    ps, n, g = e / e.sum(-1, keepdims=True), z.shape[-1], getattr(loss, "gamma", 0.0)
    t = np.moveaxis(y, loss.axis, -1).astype(float) if y.ndim == p.ndim else (y[..., None] == np.arange(n)) * 1.0
    given = getattr(loss, "class_weight", None) or getattr(loss, "alpha", None) or 1.0
    t = np.asarray(given, float) * (t * (1 - loss.label_smoothing) + loss.label_smoothing / n)
    q, nll = np.maximum(1 - ps, 1e-300), -np.log(np.maximum(ps, 1e-300))
    slopes = t * q**g * (1 + g * ps * nll / q)
    bends = t * q**g * g * ps / q * np.maximum(np.maximum(np.abs((g - 1) * ps * nll / q), 2), nll)
    a, b = slopes.sum(-1, keepdims=True), bends.sum(-1, keepdims=True)
    factor = np.abs(want).max(-1, keepdims=True) / np.abs(ps * a - slopes).max(-1, keepdims=True)
    first = np.maximum(ps * a, slopes) * ((t != 0).sum(-1, keepdims=True) > 1)
    second = np.maximum(np.maximum(ps * q * a, ps * ps * b), np.abs(1 - 2 * ps) * bends)
    scaled = [np.nan_to_num(s * factor, posinf=0, neginf=0) for s in (first, second)]
    return [np.moveaxis(s, -1, loss.axis) for s in scaled]


def _sides(loss, method, y, p, options):
    """The largest of the two terms of a soft label's results, each for itself; None where labels are hard."""
    sides = None if categorical(loss) else loss._maths().sides
    if sides is None or sides.rest is None or (np.isin(y.astype(float), (0, 1)).all() and not loss.label_smoothing):
        return None
    hard = dataclasses.replace(loss, label_smoothing=0.0)
    found = [_results(hard, method, np.full_like(y, side), p, options) for side in (0, 1)]
    sizes = [{k: np.abs(np.nan_to_num(np.asarray(v).astype(float), posinf=0, neginf=0)) for k, v in side.items()}
             for side in found]  # fmt: skip
    return {k: np.maximum(sizes[0][k], sizes[1][k]) for k in sizes[0]}


def _results(loss, method, y, p, options):
    found = getattr(loss, method)(y, p, **options)
    return dict(zip(RESULTS[method], found if isinstance(found, tuple) else (found,), strict=True))


def check(loss, y, p, method="__call__", offsets=(0, 0, 0), bound=None, **options):
    """One call on the CPU and on the card, whose arrays (y_true, y_pred, weights) begin at these offsets in bytes.

    The bits of elementwise losses are the CPU's, but for soft labels, whose two sides the CPU adds after scaling; rows
    are 16 ulp from it, of the largest terms where these cancel. For predictions of 16 bits gradients and Hessians are
    1 ulp from it, losses 16 ulp of float32.
    """
    rows, of_16_bits = categorical(loss), p.dtype.itemsize == 2
    if bound is None:
        bound = 1.0 if of_16_bits else 16.0 if rows else 0.0
    shown = {k: f"{v.dtype}{list(v.shape)}" if isinstance(v, np.ndarray) else v for k, v in options.items()}
    what = f"{short(loss)}.{method}({y.dtype}{list(y.shape)}, {p.dtype}{list(p.shape)}, {shown}) at {offsets}"
    dy, dp = card.put(y, offsets[0]), card.put(p, offsets[1])
    there = {k: card.put(v, offsets[2]) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    want = _results(loss, method, y, p, options)
    try:
        got = {k: v.get() for k, v in _results(loss, method, dy, dp, there).items()}
    except Exception as error:
        error.add_note(what)
        raise
    sides = _sides(loss, method, y, p, options)
    for part, expected in want.items():
        expected, scale, limit = np.asarray(expected), 0.0, bound
        if part == "loss" and not expected.shape:  # of terms in the compute dtype, in another order
            real = np.float64 if p.dtype == np.float64 else np.float32
            total = 0.0 if np.isfinite(expected) else 1.0
            close(f"{what}: sum", got[part].astype(real), expected.astype(real), 64.0 if rows else 16.0, total)
            continue
        if sides is not None:
            scale, limit = sides[part], 16.0 if of_16_bits and part == "loss" else 4.0
        elif (rows or of_16_bits) and part == "loss":
            limit = 16.0
        elif rows and expected.size and loss.from_logits:
            scale = terms(loss, y, p, np.asarray(want["gradient"]))[part == "Hessian"]
        close(f"{what}: {part}", got[part], expected, limit, scale)
    for before, after in ((y, dy), (p, dp)):
        assert before.tobytes() == after.get().tobytes(), f"{what}: an input was changed"
