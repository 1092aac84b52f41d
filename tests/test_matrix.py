"""The whole Hessian of a row: against arithmetic of many digits, and against the diagonal that every loss has."""

import mpmath
import numpy as np
import pytest

import fastloss as fl
from tests.support import JIT

LOSSES = [
    fl.CategoricalCrossentropy(from_logits=True),
    fl.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1, class_weight=(1.0, 0.5, 3.0)),
    fl.CategoricalFocalCrossentropy(from_logits=True),
    fl.CategoricalFocalCrossentropy(from_logits=True, gamma=1.3, alpha=(0.2, 1.0, 0.7), label_smoothing=0.2),
]
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=str)
ROWS = [[0, 0, 0], [1, -2, 0.5], [30, 0, -30], [-700, 0, -5], [0, -60, -90], [5, 5.5, 4], [800, 1, 800.5], [-3, 100, 2]]


def targets_of(loss, label):
    smoothing, factors = loss.label_smoothing, getattr(loss, "class_weight", None) or getattr(loss, "alpha", None)
    smooth = [mpmath.mpf(k == label) * (1 - smoothing) + mpmath.mpf(smoothing) / 3 for k in range(3)]
    return [t * f for t, f in zip(smooth, factors or (1, 1, 1), strict=True)]


def reference(loss, row, label):
    """The Hessian, and the largest of the terms of which each element is the sum."""
    gamma = getattr(loss, "gamma", 0.0)
    t, exps = targets_of(loss, label), [mpmath.exp(mpmath.mpf(x)) for x in row]
    p = [e / mpmath.fsum(exps) for e in exps]

    def parts(p):  # s = -dl/dlog p and b = p^2 d2l/dp2 - s, of l = -(1-p)^gamma log p
        q, nll = 1 - p, -mpmath.log(p)
        slope = q**gamma + gamma * p * q ** (gamma - 1) * nll
        second = q**gamma / p**2 + 2 * gamma * q ** (gamma - 1) / p + gamma * (gamma - 1) * q ** (gamma - 2) * nll
        return slope, p**2 * second - slope

    s, b = zip(*[parts(x) for x in p], strict=True)
    slopes, bends = [x * y for x, y in zip(t, s, strict=True)], [x * y for x, y in zip(t, b, strict=True)]
    a, c = mpmath.fsum(slopes), mpmath.fsum(bends)
    found, largest = np.empty((3, 3), object), np.empty((3, 3), object)
    for i in range(3):
        for j in range(3):
            same = (slopes[i] - slopes[i], p[i] * (1 - p[i]) * a, (1 - 2 * p[i]) * bends[i], p[i] ** 2 * c)
            other = (p[i] * p[j] * c, -p[i] * p[j] * a, -p[j] * bends[i], -p[i] * bends[j])
            terms = same if i == j else other
            found[i, j], largest[i, j] = mpmath.fsum(terms), max(map(abs, terms))
    return found, largest


@every_loss
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_is_exact_in_the_tails(loss, dtype):
    z = np.array(ROWS, dtype)
    for label in range(3):
        got = loss.gradient_hessian_matrix(np.full(len(z), label), z, reduction="sum")
        with mpmath.workdps(900):
            for row, h in zip(z, got.hessian, strict=True):
                want, largest = reference(loss, row.tolist(), label)
                for i in range(3):
                    for j in range(3):
                        unit = max(float(largest[i, j]) * np.finfo(dtype).eps, np.finfo(dtype).tiny)
                        assert abs(mpmath.mpf(float(h[i, j])) - want[i, j]) <= 24 * unit, (row, label, i, j)


@every_loss
@pytest.mark.parametrize("dense", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "sum", "sum_over_batch_size", "none"])
def test_its_diagonal_and_gradient_are_those_of_the_loss(loss, dense, reduction):
    rng = np.random.default_rng(0)
    z, w = rng.normal(size=(40, 3)) * 4, rng.random(40)
    y = rng.dirichlet(np.ones(3), 40) if dense else rng.integers(0, 3, 40)
    got, want = (f(y, z, w, reduction=reduction) for f in (loss.gradient_hessian_matrix, loss.gradient_hessian))
    np.testing.assert_array_equal(got.gradient, want.gradient)
    np.testing.assert_allclose(np.einsum("...ii->...i", got.hessian), want.hessian, rtol=1e-11, atol=1e-16)
    np.testing.assert_array_equal(got.hessian, got.hessian.transpose(0, 2, 1))
    # a shift of all logits changes nothing
    np.testing.assert_allclose(got.hessian.sum(-1), 0, atol=1e-14 * abs(got.hessian).max())


def test_large_arrays_on_any_axis_in_any_dtype():
    loss, rng = fl.CategoricalCrossentropy(from_logits=True, axis=1, ignore_index=-1), np.random.default_rng(1)
    z, y = rng.normal(size=(3, 5, 2000 if JIT else 20)), rng.integers(-1, 5, (3, 2000 if JIT else 20))
    p = np.moveaxis(loss.activate(z), 1, -1)
    want = np.eye(5) * p[..., None] - p[..., None] * p[..., None, :]
    want[y == -1] = 0
    got = loss.gradient_hessian_matrix(y, z)
    np.testing.assert_allclose(got.hessian, want / (y != -1).sum(), atol=1e-17)
    assert got.gradient.shape == z.shape
    half = loss.gradient_hessian_matrix(y, np.asfortranarray(z.astype(np.float16)), reduction="sum").hessian
    assert half.dtype == np.float16
    np.testing.assert_allclose(half, want, atol=2e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_add_up_to_0_where_one_class_is_sure(dtype):
    focal = fl.CategoricalFocalCrossentropy(from_logits=True)
    for size in (8, 12) if dtype == np.float32 else (8, 18, 20, 40):
        h = focal.gradient_hessian_matrix(np.array([0]), np.array([[size, -size]], dtype), reduction="sum").hessian[0]
        assert h[0, 0] > 0
        np.testing.assert_allclose(h[0, 1], -h[0, 0], rtol=1e-5 if dtype == np.float32 else 1e-13)
        np.testing.assert_allclose(h[1, 1], h[0, 0], rtol=1e-5 if dtype == np.float32 else 1e-13)


def test_probabilities_have_a_diagonal():
    p = np.array([[0.2, 0.8], [0.5, 0.5]])
    got = fl.cce.gradient_hessian_matrix(np.array([0, 1]), p, reduction="sum").hessian
    np.testing.assert_allclose(got, [[[25, 0], [0, 0]], [[0, 0], [0, 4]]])


def test_rows_that_do_not_count_and_rows_of_nan():
    loss, z = LOSSES[0], np.array([[np.nan, 0], [np.nan, 0], [np.inf, 0], [np.inf, np.inf], [-np.inf, 0], [1, 2]])
    y, w = np.zeros(6, int), np.array([0.0, 1, 1, 1, 1, 0])
    got = loss.gradient_hessian_matrix(y, z, w, reduction="sum").hessian
    assert not got[0].any()
    assert not got[5].any()
    assert np.isnan(got[[1, 3]]).all()
    assert not got[[2, 4]].any()
    masked = np.ma.array(np.zeros((2, 2)), mask=[[1, 0], [0, 0]])
    got = loss.gradient_hessian_matrix(np.zeros(2, int), masked).hessian
    np.testing.assert_array_equal(got, [np.zeros((2, 2)), [[0.25, -0.25], [-0.25, 0.25]]])
    assert loss.gradient_hessian_matrix(np.zeros(0, int), np.zeros((0, 4))).hessian.shape == (0, 4, 4)


def test_errors_are_those_of_every_call():
    with pytest.raises(ValueError, match=r"CategoricalCrossentropy: y_true\[1\] is 7, expected a class in \[0, 2\)"):
        LOSSES[0].gradient_hessian_matrix(np.array([0, 7]), np.zeros((2, 2)))
    with pytest.raises(ValueError, match="reduction is 'total'"):
        LOSSES[0].gradient_hessian_matrix(np.array([0, 1]), np.zeros((2, 2)), reduction="total")
