"""What the pages of the losses say of other libraries: the same numbers from the library itself.

`make test-others` installs them; what is not there is skipped.
"""

import os

import numpy as np
import pytest

import fastloss as fl

os.environ.setdefault("KERAS_BACKEND", "jax")
RNG = np.random.default_rng(0)
SIZE = 40
REAL, GUESS = RNG.normal(size=(2, SIZE))
YES = RNG.integers(0, 2, SIZE).astype(np.float64)
P = RNG.uniform(0.01, 0.99, SIZE)
SHARES = RNG.uniform(0, 1, SIZE)
P[:4], YES[:4] = [0, 0, 1, 1], [0, 1, 0, 1]  # the ends, right and wrong
Z = RNG.normal(0, 3, SIZE)
COUNTS, RATES = RNG.poisson(2.0, SIZE).astype(np.float64), np.exp(Z)
COUNTS[0], RATES[0] = 3, 1e-8  # where an epsilon shows
LABELS, ROWS = RNG.integers(0, 5, SIZE), RNG.normal(0, 2, (SIZE, 5))
ONE_HOT, SOFT = np.eye(5)[LABELS], RNG.dirichlet(np.ones(5), SIZE)
WEIGHTS = np.array([1.0, 2.0, 0.5, 3.0, 1.0])


def library(name):
    return pytest.importorskip(name, reason=f"{name}, which is compared, is not installed")


def close(ours, theirs, rtol=1e-12, atol=1e-14):
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=rtol, atol=atol)


# --- torch -------------------------------------------------------------------------------------------------------


def of_torch(function, prediction):
    """Loss and gradient of a torch function."""
    torch = library("torch")
    p = torch.tensor(prediction, requires_grad=True)
    value = function(torch, torch.nn.functional, p)
    value.sum().backward()
    return value.detach().numpy(), p.grad.numpy()


def tensors(*arrays):
    torch = library("torch")
    return [torch.tensor(array) for array in arrays]


TORCH = {
    "mse": (fl.mse, REAL, GUESS, lambda t, F, p: F.mse_loss(p, *tensors(REAL))),
    "mae": (fl.mae, REAL, np.where(YES, REAL, GUESS), lambda t, F, p: F.l1_loss(p, *tensors(REAL))),
    "bce": (fl.bce, YES, P, lambda t, F, p: F.binary_cross_entropy(p, *tensors(YES))),
    "bce logits": (fl.BinaryCrossentropy(from_logits=True, pos_weight=3.0), YES, Z,
                   lambda t, F, z: F.binary_cross_entropy_with_logits(z, *tensors(YES), pos_weight=t.tensor(3.0))),
    "weighted indices": (fl.CategoricalCrossentropy(from_logits=True, class_weight=tuple(WEIGHTS)), LABELS, ROWS,
                         lambda t, F, z: F.cross_entropy(z, *tensors(LABELS, WEIGHTS))),
    "smoothed": (fl.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1), LABELS, ROWS,
                 lambda t, F, z: F.cross_entropy(z, *tensors(LABELS), label_smoothing=0.1)),
    "ignored": (fl.CategoricalCrossentropy(from_logits=True, ignore_index=3), LABELS, ROWS,
                lambda t, F, z: F.cross_entropy(z, *tensors(LABELS), ignore_index=3)),
    "soft": (fl.CategoricalCrossentropy(from_logits=True), SOFT, ROWS,
             lambda t, F, z: F.cross_entropy(z, *tensors(SOFT))),
    "poisson logits": (fl.Poisson(from_logits=True), COUNTS, Z,
                       lambda t, F, z: F.poisson_nll_loss(z, *tensors(COUNTS))),
    "poisson": (fl.Poisson(epsilon=1e-8), COUNTS, RATES,
                lambda t, F, p: F.poisson_nll_loss(p, *tensors(COUNTS), log_input=False)),
}  # fmt: skip


@pytest.mark.parametrize("case", TORCH)
def test_torch(case):
    loss, y, p, function = TORCH[case]
    value, gradient = of_torch(function, p)
    close(loss(y, p).loss, value)
    close(loss(y, p).gradient, gradient, rtol=1e-8)  # torch's 1e-12, the least divisor of BCE, is a float32


def test_torch_divides_by_the_rows_where_labels_are_one_hot():
    loss = fl.CategoricalCrossentropy(from_logits=True, class_weight=tuple(WEIGHTS))
    value, gradient = of_torch(lambda t, F, z: F.cross_entropy(z, *tensors(ONE_HOT, WEIGHTS)), ROWS)
    ours = loss(ONE_HOT, ROWS, reduction="sum_over_batch_size")
    close(ours.loss, value)
    close(ours.gradient, gradient)


def test_torch_halves_the_squared_margin_of_two_logits():
    two = ROWS[:, :2]
    value, _ = of_torch(lambda t, F, z: F.multi_margin_loss(z, t.tensor(YES.astype(int)), p=2, reduction="none"), two)
    close(fl.squared_hinge.loss(2 * YES - 1, two[:, 1] - two[:, 0], reduction="none") / 2, value)


def test_torch_in_the_tail():
    z, no = np.array([-17.0], np.float32), np.array([0.0], np.float32)
    function = "binary_cross_entropy_with_logits"
    assert of_torch(lambda t, F, z: getattr(F, function)(z, *tensors(no)), z)[0] == 0
    assert of_torch(lambda t, F, z: getattr(F, function)(z, *tensors(no + 1)), -z)[1] == 0
    assert fl.BinaryCrossentropy(from_logits=True).loss(no, z) == pytest.approx(4.1399e-08, rel=1e-4)


# --- Keras -------------------------------------------------------------------------------------------------------

SQUARE = P[:35].reshape(7, 5)  # rows that do not add to 1
KERAS = {
    "MeanSquaredError": (fl.mse, REAL, GUESS, {}),
    "MeanAbsoluteError": (fl.mae, REAL, GUESS, {}),
    "MeanSquaredLogarithmicError": (fl.msle, COUNTS, RATES, {}),
    "Poisson": (fl.Poisson(epsilon=1e-7), COUNTS, RATES, {}),
    "SquaredHinge": (fl.squared_hinge, 2 * YES - 1, Z, {}),
    "BinaryCrossentropy": (fl.BinaryCrossentropy(epsilon=1e-7), YES, P, {}),
    "BinaryCrossentropy from logits": (fl.BinaryCrossentropy(from_logits=True), YES, Z, {"from_logits": True}),
    "BinaryCrossentropy smoothed": (fl.BinaryCrossentropy(from_logits=True, label_smoothing=0.1), YES, Z,
                                    {"from_logits": True, "label_smoothing": 0.1}),
    "BinaryFocalCrossentropy": (fl.BinaryFocalCrossentropy(epsilon=1e-7), YES, P, {}),
    "BinaryFocalCrossentropy balanced": (fl.BinaryFocalCrossentropy(epsilon=1e-7, alpha=0.25), YES, P,
                                         {"apply_class_balancing": True}),
    "BinaryFocalCrossentropy of shares": (fl.BinaryFocalCrossentropy(from_logits=True), SHARES, Z,
                                          {"from_logits": True}),
    "BinaryFocalCrossentropy smoothed": (fl.BinaryFocalCrossentropy(from_logits=True, label_smoothing=0.1), YES, Z,
                                         {"from_logits": True, "label_smoothing": 0.1}),
    "CategoricalCrossentropy": (fl.CategoricalCrossentropy(epsilon=1e-7), ONE_HOT[:7],
                                SQUARE / SQUARE.sum(axis=1, keepdims=True), {}),
    "CategoricalCrossentropy of any rows": (fl.CategoricalCrossentropy(epsilon=1e-7), ONE_HOT[:7], SQUARE, {}),
    "CategoricalCrossentropy from logits": (fl.CategoricalCrossentropy(from_logits=True), SOFT, ROWS,
                                            {"from_logits": True}),
    "CategoricalCrossentropy smoothed": (fl.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1), ONE_HOT,
                                         ROWS, {"from_logits": True, "label_smoothing": 0.1}),
    "SparseCategoricalCrossentropy": (fl.CategoricalCrossentropy(from_logits=True), LABELS, ROWS,
                                      {"from_logits": True}),
    "CategoricalFocalCrossentropy": (fl.CategoricalFocalCrossentropy(alpha=0.25, epsilon=1e-7), ONE_HOT[:7], SQUARE,
                                     {}),
}  # fmt: skip


@pytest.mark.parametrize("case", KERAS)
def test_keras(case):
    keras = library("keras")
    loss, y, p, options = KERAS[case]
    theirs = getattr(keras.losses, case.split()[0])(**options, dtype="float32")
    if p is SQUARE:  # Keras divides each row by its sum
        p = p / p.sum(axis=1, keepdims=True)
    p = p.astype(np.float32)
    y = y if case.startswith("Sparse") else y.astype(np.float32)
    ours = loss.loss(y, p, reduction="sum_over_batch_size")
    close(ours, theirs(y, KERAS[case][2].astype(np.float32)), rtol=3e-6)


def test_keras_guesses_at_labels_of_the_hinge():
    keras = library("keras")
    p = Z.astype(np.float32)
    theirs = keras.losses.SquaredHinge()
    close(fl.squared_hinge.loss(2 * YES - 1, p), theirs(YES, p), rtol=3e-6)
    labels = np.where(np.arange(SIZE) == 0, -1, YES)  # one of them -1, and every 0 means 0
    close(np.mean(np.maximum(0, 1 - labels * p) ** 2), theirs(labels, p), rtol=3e-6)


def test_keras_cuts_negative_values_off_before_the_logarithm():
    keras = library("keras")
    y, p = np.array([3.0, 0.0], np.float32), np.array([2.5, -0.5], np.float32)
    theirs = keras.losses.MeanSquaredLogarithmicError()(y, p)
    close(fl.msle.loss(np.maximum(y, 1e-7), np.maximum(p, np.float32(1e-7))), theirs, rtol=3e-6)


# --- optax -------------------------------------------------------------------------------------------------------

OPTAX = {
    "mse": (fl.mse, REAL, GUESS, lambda o, y, p: o.squared_error(p, y)),
    "half": (fl.mse, REAL, GUESS, lambda o, y, p: 2 * o.l2_loss(p, y)),
    "bce": (fl.BinaryCrossentropy(from_logits=True), YES, Z, lambda o, y, z: o.sigmoid_binary_cross_entropy(z, y)),
    "focal": (fl.BinaryFocalCrossentropy(from_logits=True), YES, Z, lambda o, y, z: o.sigmoid_focal_loss(z, y)),
    "balanced focal": (fl.BinaryFocalCrossentropy(from_logits=True, alpha=0.25), YES, Z,
                       lambda o, y, z: o.sigmoid_focal_loss(z, y, alpha=0.25)),
    "soft focal": (fl.BinaryFocalCrossentropy(from_logits=True, alpha=0.25), SHARES, Z,
                   lambda o, y, z: o.sigmoid_focal_loss(z, y, alpha=0.25)),
    "one-hot": (fl.CategoricalCrossentropy(from_logits=True), ONE_HOT, ROWS,
                lambda o, y, z: o.softmax_cross_entropy(z, y)),
    "indices": (fl.CategoricalCrossentropy(from_logits=True), LABELS, ROWS,
                lambda o, y, z: o.softmax_cross_entropy_with_integer_labels(z, y)),
    "smoothed": (fl.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1), ONE_HOT, ROWS,
                 lambda o, y, z: o.softmax_cross_entropy(z, o.smooth_labels(y, 0.1))),
}  # fmt: skip


@pytest.mark.parametrize("case", OPTAX)
def test_optax(case):
    optax = library("optax")
    loss, y, p, function = OPTAX[case]
    y, p = (array if array is LABELS else array.astype(np.float32) for array in (y, p))
    close(loss.loss(y, p, reduction="none"), function(optax.losses, y, p), rtol=2e-5, atol=1e-6)


def test_optax_has_no_squared_hinge_and_makes_nan_of_infinity():
    optax = library("optax")
    close(optax.losses.hinge_loss(Z, 2 * YES - 1), np.maximum(0, 1 - Z * (2 * YES - 1)), rtol=1e-5, atol=1e-6)
    one, infinity = np.ones(1, np.float32), np.array([np.inf], np.float32)
    assert np.isnan(optax.losses.sigmoid_binary_cross_entropy(infinity, one)[0])


# --- scikit-learn ------------------------------------------------------------------------------------------------

SKLEARN = {
    "HalfSquaredError": (fl.mse, REAL, GUESS, 2),
    "HalfPoissonLoss": (fl.Poisson(from_logits=True), COUNTS, Z, 1),
    "HalfBinomialLoss": (fl.BinaryCrossentropy(from_logits=True), YES, Z, 1),
}  # fmt: skip


@pytest.mark.parametrize("case", SKLEARN)
def test_scikit_learn(case):
    library("sklearn")
    import sklearn._loss.loss as theirs

    loss, y, p, factor = SKLEARN[case]
    value, gradient = getattr(theirs, case)().loss_gradient(y, p)
    ours = loss(y, p, reduction="none")
    close(ours.loss, factor * value)
    close(ours.gradient, factor * gradient)


def test_scikit_learn_of_classes():
    library("sklearn")
    from sklearn._loss import HalfMultinomialLoss

    theirs, weights = HalfMultinomialLoss(n_classes=5), P + 0.1
    ours = fl.CategoricalCrossentropy(from_logits=True)
    close(ours.loss(LABELS, ROWS, sample_weight=weights), theirs(LABELS.astype(float), ROWS, sample_weight=weights))
    close(ours.gradient(LABELS, ROWS, reduction="sum"), theirs.gradient(LABELS.astype(float), ROWS))


def test_scikit_learn_where_it_differs():
    library("sklearn")
    from sklearn._loss import HalfBinomialLoss
    from sklearn._loss.loss import AbsoluteError

    y, p = np.array([1.0, 2.0, 0.0]), np.array([1.0, 4.0, -1.0])
    gradient, hessian = AbsoluteError().gradient_hessian(y, p)
    assert gradient.tolist() == [-1, 1, -1]
    assert hessian.tolist() == [1, 1, 1]
    assert np.isnan(HalfBinomialLoss().loss(np.array([1.0]), np.array([np.inf])))[0]


def test_metrics_of_scikit_learn():
    metrics = library("sklearn.metrics")
    close(fl.mse.loss(REAL, GUESS), metrics.mean_squared_error(REAL, GUESS))
    close(fl.mae.loss(REAL, GUESS), metrics.mean_absolute_error(REAL, GUESS))
    close(fl.msle.loss(COUNTS, RATES), metrics.mean_squared_log_error(COUNTS, RATES))
    close(2 * (fl.poisson.loss(COUNTS, RATES) - fl.poisson.loss(COUNTS, COUNTS)),
          metrics.mean_poisson_deviance(COUNTS, RATES))  # fmt: skip
    close(fl.BinaryCrossentropy(epsilon=2.0**-52).loss(YES, P), metrics.log_loss(YES, P))


# --- JAX and XGBoost ---------------------------------------------------------------------------------------------


def test_jax_takes_the_right_side_of_a_corner():
    jax = library("jax")
    p = REAL.astype(np.float32)
    assert (jax.grad(lambda q: jax.numpy.abs(q - p).sum())(p) == 1).all()


def halves(loss):
    def objective(y, p):
        gradient, hessian = loss.gradient_hessian(y, p, reduction="sum")
        return gradient / 2, hessian / 2

    return objective


@pytest.mark.parametrize(("name", "objective"), [
    ("reg:squarederror", halves(fl.mse)),
    ("reg:squaredlogerror", halves(fl.msle)),
    ("binary:logistic", lambda y, z: fl.BinaryCrossentropy(from_logits=True).gradient_hessian(y, z, reduction="sum")),
])  # fmt: skip
def test_xgboost(name, objective):
    """The same trees, from its own objective and from ours."""
    xgboost = library("xgboost")
    labels = YES if name == "binary:logistic" else COUNTS
    start = 0.5 if name == "binary:logistic" else 1.0  # a probability there, of which XGBoost takes the logit
    options = {"n_estimators": 20, "max_depth": 3, "learning_rate": 0.3, "n_jobs": 1}
    theirs = xgboost.XGBRegressor(objective=name, base_score=start, **options).fit(ROWS, labels)
    ours = xgboost.XGBRegressor(objective=objective, base_score=start - 0.5 * (labels is YES), **options)
    scores = ours.fit(ROWS, labels).predict(ROWS)
    close(scores, theirs.predict(ROWS, output_margin=True), rtol=1e-4, atol=1e-4)
