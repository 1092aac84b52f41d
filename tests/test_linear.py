"""Linear models: against finite differences, and against the same sums written down with all logits."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import log_softmax, logsumexp

import fastloss as fl
from fastloss.linear import LinearObjective, linear_cross_entropy
from tests.support import JIT

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
YES, KIND, COUNT = RNG.integers(0, 2, 60), RNG.integers(0, 3, 60), RNG.poisson(2.0, 60)
TARGETS, W = RNG.dirichlet(np.ones(3), 60), RNG.uniform(0.1, 2, 60)
CASES = [
    (fl.BinaryCrossentropy(from_logits=True), YES),
    (fl.BinaryCrossentropy(from_logits=True, pos_weight=2.0), np.stack([YES, 1 - YES], axis=1)),
    (fl.BinaryFocalCrossentropy(from_logits=True), YES),
    (fl.Poisson(from_logits=True), COUNT),
    (fl.mse, COUNT.astype(float)),
    (fl.CategoricalCrossentropy(from_logits=True), KIND),
    (fl.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1, class_weight=(1, 2, 3)), KIND),
    (fl.CategoricalCrossentropy(from_logits=True, ignore_index=1), KIND),
    (fl.CategoricalCrossentropy(from_logits=True), TARGETS),
    (fl.CategoricalFocalCrossentropy(from_logits=True), KIND),
]
every_case = pytest.mark.parametrize(("loss", "y"), CASES, ids=str)
settings = pytest.mark.parametrize("options", [{}, {"sample_weight": W, "l2": 0.3}, {"fit_intercept": False}], ids=str)


def objective_of(loss, y, options, x=X):
    return LinearObjective(loss, x, y, **options)


@every_case
@settings
def test_the_value_and_its_derivatives(loss, y, options):
    objective = objective_of(loss, y, options)
    w, v = RNG.normal(size=(2, objective.size))
    value, gradient = objective.value_and_gradient(w)
    coef, intercept = objective.coefficients(w)
    want = loss.loss(y, X @ coef + intercept, options.get("sample_weight")) + options.get("l2", 0) / 2 * (coef**2).sum()
    assert value == pytest.approx(want, rel=1e-12)
    step = 1e-6
    before, after = (objective.value_and_gradient(w + s * step * v) for s in (-1, 1))
    assert gradient @ v == pytest.approx((after[0] - before[0]) / (2 * step), rel=1e-6, abs=1e-8)
    product = objective.hessian_product(w, v)
    np.testing.assert_allclose(product, (after[1] - before[1]) / (2 * step), rtol=1e-5, atol=1e-7)


@every_case
def test_sparse_matrices_and_float32(loss, y):
    w = RNG.normal(size=objective_of(loss, y, {}).size)
    want, thin = objective_of(loss, y, {}).value_and_gradient(w), X * (X > 0.5)
    got = objective_of(loss, y, {}, X.astype(np.float32)).value_and_gradient(w)
    assert got[1].dtype == np.float64
    np.testing.assert_allclose(got[1], want[1], rtol=1e-4, atol=1e-5)
    dense, few = (objective_of(loss, y, {}, x) for x in (thin, sparse.csr_array(thin)))
    np.testing.assert_allclose(few.value_and_gradient(w)[1], dense.value_and_gradient(w)[1], rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(few.hessian_product(w, w), dense.hessian_product(w, w), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("method", ["L-BFGS-B", "trust-ncg", "Newton-CG"])
def test_solvers_of_scipy(method):
    objective = LinearObjective(fl.CategoricalCrossentropy(from_logits=True), X, KIND, l2=0.1)
    more = {} if method == "L-BFGS-B" else {"hessp": objective.hessian_product}
    found = minimize(objective.value_and_gradient, np.zeros(objective.size), jac=True, method=method, tol=1e-10, **more)
    assert abs(objective.value_and_gradient(found.x)[1]).max() < 1e-5


@pytest.mark.parametrize(("arguments", "said"), [
    ((fl.MeanSquaredError, X, YES), r"loss is .*; pass MeanSquaredError\(\)"),
    ((fl.mse, X[0], YES), r"X has shape \(4,\), expected a matrix"),
    ((fl.mse, X.astype(int), YES), "X has dtype int64, expected float32 or float64"),
    ((fl.mse, X, YES[:5]), r"y has shape \(5,\), X has 60 rows; expected \(60,\)"),
    ((fl.mse, X, YES, None, -1.0), "l2 is -1.0, expected a number >= 0"),
    ((fl.bce, X, YES), r"BinaryCrossentropy takes probabilities, .* BinaryCrossentropy\(from_logits=True\)"),
    ((fl.CategoricalCrossentropy(from_logits=True), X, KIND.astype(str)), "y has dtype <U.*numpy.unique"),
    ((fl.CategoricalCrossentropy(from_logits=True, axis=0), X, KIND), "axis of Categorical.* is 0, expected -1"),
], ids=lambda value: value if isinstance(value, str) else "")  # fmt: skip
def test_what_an_objective_refuses(arguments, said):
    with pytest.raises((TypeError, ValueError), match=f"LinearObjective: {said}"):
        LinearObjective(*arguments)


def test_errors_of_calls():
    objective = LinearObjective(CASES[0][0], X, YES)
    with pytest.raises(ValueError, match=r"LinearObjective: w has shape \(3,\), expected \(5,\)"):
        objective.value_and_gradient(np.zeros(3))
    with pytest.raises(ValueError, match="BinaryCrossentropy: y_true"):
        LinearObjective(CASES[0][0], X, 3 * YES).value_and_gradient(np.ones(5))
    again = pickle.loads(pickle.dumps(objective))
    assert again.value_and_gradient(np.ones(5))[0] == objective.value_and_gradient(np.ones(5))[0]


@every_case
def test_what_is_masked_does_not_count(loss, y):
    kept = np.arange(len(y)) % 3 > 0
    mask = np.broadcast_to(~kept.reshape(-1, *[1] * (y.ndim - 1)), y.shape)
    whole, some = objective_of(loss, np.ma.masked_array(y, mask), {}), objective_of(loss, y[kept], {}, X[kept])
    w = RNG.normal(size=some.size)
    for a, b in zip(whole.value_and_gradient(w), some.value_and_gradient(w), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(whole.hessian_product(w, w), some.hessian_product(w, w), rtol=1e-9, atol=1e-13)


# --- without the logits ------------------------------------------------------------------------------------------


def whole(x, w, b, labels, weight=None, factors=None, ignored=None, smoothing=0.0, z_loss=0.0, mean=True):
    """The same in float64 with all logits."""
    x, w = x.astype(float), w.astype(float)
    z, classes = x @ w + (0 if b is None else b), w.shape[1]
    factors = np.ones(classes) if factors is None else np.array(factors)
    counts = np.ones(len(x)) if weight is None else weight
    counts = np.where(labels == ignored, 0, counts)
    safe = np.where(labels == ignored, 0, labels)
    t = (np.eye(classes)[safe] * (1 - smoothing) + smoothing / classes) * factors
    mass, p, size = counts * factors[safe], np.exp(log_softmax(z, axis=1)), logsumexp(z, axis=1)
    total = mass.sum() if mean else 1.0
    value = (counts * -(t * log_softmax(z, axis=1)).sum(1)).sum() + z_loss * (mass * size**2).sum()
    slope = counts[:, None] * (t.sum(1, keepdims=True) * p - t) + (2 * z_loss * mass * size)[:, None] * p
    slope /= total
    return value / total, slope @ w.T, x.T @ slope, slope.sum(0)


OPTIONS = [
    {}, {"weight": W}, {"factors": (1, 2, 3, 4, 5), "weight": W}, {"ignored": 2}, {"smoothing": 0.1}, {"z_loss": 0.1},
    {"z_loss": 0.2, "factors": (1, 2, 3, 4, 5), "ignored": 1, "smoothing": 0.1, "weight": W}, {"mean": False},
]  # fmt: skip
NAMES = {"weight": "sample_weight", "factors": "class_weight", "ignored": "ignore_index",
         "smoothing": "label_smoothing", "z_loss": "z_loss"}  # fmt: skip


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("block_rows", [None, 7])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_is_the_sum_with_all_logits(options, block_rows, dtype):
    weights, b, labels = RNG.normal(size=(4, 5)).astype(dtype), RNG.normal(size=5).astype(dtype), RNG.integers(0, 5, 60)
    given = {NAMES[k]: v for k, v in options.items() if k in NAMES}
    given["reduction"] = "mean" if options.get("mean", True) else "sum"
    x = X.astype(dtype)
    for bias in (b, None):
        got = linear_cross_entropy(x, weights, bias, labels, block_rows=block_rows, **given)
        want = whole(x, weights, bias, labels, **options)
        for a, c in zip(got, want, strict=True):
            if a is not None:
                np.testing.assert_allclose(
                    a, c, rtol=2e-5 if dtype == np.float32 else 1e-11, atol=1e-6 * np.abs(c).max()
                )
        assert (got.grad_b is None) == (bias is None)
        assert got.grad_X.dtype == got.grad_W.dtype == dtype


def test_no_rows_and_none_that_count():
    got = linear_cross_entropy(np.zeros((0, 3)), np.ones((3, 4)), None, np.zeros(0, int))
    assert got.loss == 0
    assert not got.grad_W.any()
    got = linear_cross_entropy(np.ones((2, 3)), np.ones((3, 4)), None, np.full(2, -1), ignore_index=-1, z_loss=0.1)
    assert got.loss == 0
    assert not got.grad_W.any()
    assert not got.grad_X.any()


@pytest.mark.skipif(not JIT, reason="the memory of compiled code")
def test_the_logits_are_never_there():
    import tracemalloc

    x, weights, labels = np.ones((4096, 8), np.float32), np.zeros((8, 2000), np.float32), np.zeros(4096, int)
    linear_cross_entropy(x, weights, None, labels, block_rows=256)
    tracemalloc.start()
    linear_cross_entropy(x, weights, None, labels, block_rows=256)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 0.2 * 4 * 4096 * 2000


@pytest.mark.parametrize(("change", "said"), [
    ({"W": np.zeros((3, 5))}, r"W has shape \(3, 5\) .* expected \(4, classes\)"),
    ({"W": np.zeros((4, 5), np.float32)}, "W has shape .* dtype float32, X .* float64"),
    ({"X": X.astype(np.float16)}, "X has dtype float16, expected float32 or float64"),
    ({"b": np.zeros(4)}, r"b has shape \(4,\), expected \(5,\) or None"),
    ({"labels": np.zeros(60)}, "labels have shape .* dtype float64, expected integers"),
    ({"labels": np.zeros(6, int)}, r"labels have shape \(6,\)"),
    ({"reduction": "none"}, "reduction is 'none', expected 'mean' or 'sum'"),
    ({"z_loss": -1}, "z_loss is -1, expected a number >= 0"),
    ({"class_weight": (1, 2)}, "class_weight has 2 values, W has 5 columns"),
    ({"sample_weight": np.ones(3)}, r"sample_weight has shape \(3,\), expected \(60,\)"),
    ({"block_rows": 0}, "block_rows is 0, expected a number of rows"),
], ids=lambda value: value if isinstance(value, str) else "")  # fmt: skip
def test_what_it_refuses(change, said):
    given = {"X": X, "W": np.zeros((4, 5)), "b": None, "labels": np.zeros(60, int)} | change
    with pytest.raises((TypeError, ValueError), match=f"linear_cross_entropy: {said}"):
        linear_cross_entropy(**given)


def test_a_label_out_of_range_is_named():
    labels = np.zeros(60, int)
    labels[50] = 9
    with pytest.raises(ValueError, match=r"linear_cross_entropy: labels\[50\] is 9, expected a class in \[0, 5\)"):
        linear_cross_entropy(X, np.zeros((4, 5)), None, labels, block_rows=20)
    linear_cross_entropy(X, np.zeros((4, 5)), None, labels, np.arange(60) < 50)
    with pytest.raises(ValueError, match=r"linear_cross_entropy: sample_weight\[3\] is -1.0"):
        linear_cross_entropy(X, np.zeros((4, 5)), None, KIND, -1.0 * (np.arange(60) == 3))


def test_masked_labels_and_weights_of_one_number():
    weights = RNG.normal(size=(4, 3))
    masked, ignored = (linear_cross_entropy(X, weights, None, KIND if k else np.ma.masked_equal(KIND, 2), z_loss=0.1,
                                            ignore_index=2 if k else None) for k in (0, 1))  # fmt: skip
    for a, b in zip(masked[:3], ignored[:3], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    once, twice = (linear_cross_entropy(X, weights, None, KIND.tolist(), w, reduction="sum") for w in (None, 2.0))
    np.testing.assert_allclose(twice.grad_W, 2 * once.grad_W)
