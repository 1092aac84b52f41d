"""What a newcomer tries, and the error that says how it is done; what is taken though it looks unusual."""

import re
import warnings

import numpy as np
import pytest

import fastloss as fl

Y, P = np.array([0.0, 1.0, 1.0]), np.array([0.2, 0.5, 0.9])
LABELS, Z = np.array([0, 1, 2]), 2 * np.eye(3)
CCE = fl.CategoricalCrossentropy(from_logits=True)


class Sparse:
    """As much of a matrix of SciPy as counts here."""

    def toarray(self):
        return np.eye(3)


class Bfloat16:
    """As much of a tensor of torch."""

    dtype = "torch.bfloat16"

    def __array__(self, dtype=None, copy=None):
        raise TypeError("Got unsupported ScalarType BFloat16")


@pytest.mark.parametrize(("call", "error", "said"), [
    # options in the wrong place
    (lambda: fl.MeanSquaredError(reduction="sum"), TypeError, "MeanSquaredError()(y_true, y_pred, reduction=...)"),
    (lambda: fl.bce(Y, P, from_logits=True), TypeError, "BinaryCrossentropy(from_logits=True)(y_true, y_pred)"),
    (lambda: fl.bce.loss(Y, P, gamma=2.0), TypeError, "no option 'gamma'"),
    (lambda: fl.bce.gradient(Y, P, label_smoothing=0.1), TypeError, "BinaryCrossentropy(label_smoothing=0.1)"),
    (lambda: fl.mse.gradient_hessian(Y, P, weights=Y), TypeError, "did you mean 'sample_weight'?"),
    (lambda: fl.BinaryCrossentropy(form_logits=True), TypeError, "did you mean 'from_logits'?"),
    (lambda: fl.MeanSquaredError(delta=1.0), TypeError, "no hyperparameter 'delta'; its only one is 'missing'$"),
    (lambda: fl.BinaryCrossentropy(Y, P), TypeError, "make the loss first, then call it: BinaryCrossentropy()("),
    (lambda: fl.MeanSquaredError([0.0], [1.0]), TypeError, "MeanSquaredError()(y_true, y_pred)"),
    (lambda: fl.Loss(), TypeError, "base class"),
    # shapes
    (lambda: fl.mse(Y, P[:, None]), ValueError, "numpy.reshape(y_true, (3, 1))"),
    (lambda: fl.mse(Y[:, None], P), ValueError, "numpy.reshape(y_true, (3,))"),
    (lambda: fl.mse(Y[:2], P), ValueError, "does not broadcast$"),
    # dtypes and types
    (lambda: fl.mse(P, LABELS), TypeError, "are y_true and y_pred swapped?"),
    (lambda: fl.mse(LABELS, LABELS), TypeError, ".astype(numpy.float32)$"),
    (lambda: CCE(LABELS.astype(bool), Z), TypeError, ".astype(int)"),
    (lambda: fl.mse(None, P), TypeError, "y_true is a NoneType, expected an array of numbers"),
    (lambda: fl.mse(Y, (x for x in P)), TypeError, "y_pred is a generator"),
    (lambda: fl.mse({"a": 1.0}, P), TypeError, "y_true is a dict"),
    (lambda: fl.mse(Y, [0.5, None, 0.5]), TypeError, "y_pred is an array of objects"),
    (lambda: fl.mse(Sparse(), P), TypeError, "y_true is a Sparse, expected an array of numbers; make it dense"),
    (lambda: fl.mse(Y, Bfloat16()), TypeError, "BFloat16), expected an array of numbers; convert it with .float()"),
    (lambda: fl.mse([[0.0, 1.0], [1.0]], P), ValueError, "y_true is a list that NumPy cannot read"),
    (lambda: fl.mse(Y, P, sample_weight={}), TypeError, "sample_weight is a dict"),
    # labels and probabilities
    (lambda: CCE(LABELS + 0.5, Z), ValueError, "y_true[0] is 0.5, expected a class in [0, 3), a whole number"),
    (lambda: CCE(LABELS * np.nan, Z), ValueError, "y_true[0] is nan"),
    (lambda: CCE(np.array([0, 1e300, 2]), Z), ValueError, "y_true[1] is 1e+300"),
    (lambda: CCE(np.array([0, -100, 2]), Z), ValueError, "; ignore_index=-100 leaves such examples out"),
    (lambda: CCE(np.array([0.0, -100, 2]), Z), ValueError, "; ignore_index=-100 leaves such examples out"),
    (lambda: fl.cce(LABELS, Z - 1), ValueError, "cannot come from softmax; for logits, from_logits=True"),
    (lambda: fl.cce(LABELS, Z), ValueError, "for logits, from_logits=True"),
    (lambda: fl.bce(Y, np.array([0, 1, 1 + 2**-52])), ValueError, "y_pred[2] is 1.0000000000000002, expected"),
    (lambda: fl.bce(Y.astype(np.float32), np.array([0, 1.1, 1], np.float32)), ValueError, "y_pred[1] is 1.10000002,"),
    (lambda: fl.bce(np.array([-1.0, 1.0]), Y[:2]), ValueError, "for labels of -1 and 1 pass (y + 1) / 2"),
    (lambda: fl.BinaryCrossentropy(ignore_index=-1)(np.array([255, 1]), Y[:2]), ValueError, "or ignore_index=-1$"),
    (lambda: CCE(np.array([0, 255, 2]), Z), ValueError, "; ignore_index=255 leaves such examples out"),
    (lambda: fl.squared_hinge(np.array([0, 1]), Y[:2]), ValueError, "for labels of 0 and 1 pass 2 * y - 1"),
    (lambda: fl.bce(Y, np.array([0, 1, 1 + 2**-52])), ValueError, "(epsilon=1e-7 clips what rounding has put beyond)"),
    (lambda: CCE(np.array(["a", "b", "c"]), Z), TypeError, "numpy.unique(labels, return_inverse=True)"),
    (lambda: fl.mse(np.array([1, 2.0], object), Y[:2]), TypeError, "; convert it with .astype(float)"),
    (lambda: fl.mse(Y, Y.astype(np.longdouble)), TypeError, "; convert it with .astype(numpy.float64)"),
    # shapes
    (lambda: fl.mse(np.zeros((2, 3)), np.zeros((3, 2))), ValueError, "does not broadcast, transpose one: y_true.T$"),
    (lambda: fl.mse(np.zeros((4, 2, 3)), np.zeros((2, 3, 4))), ValueError, "does not broadcast$"),
    (lambda: fl.mse(np.zeros(3), np.zeros((3, 1))), ValueError, "reshape one: numpy.reshape(y_true, (3, 1))"),
    (lambda: fl.bce(LABELS, np.full((3, 3), 0.5)), ValueError, "; for class indices use CategoricalCrossentropy"),
    (lambda: fl.cce(np.zeros((2, 4, 4), int), np.full((2, 3, 4, 4), 0.3)), ValueError, "such class indices fit axis=1"),
    (lambda: fl.BinaryCrossentropy(pos_weight=[3])(Y, Y), ValueError, "; for one weight pass pos_weight=3"),
    (lambda: fl.mse(Y, Y, out=np.zeros(3), reduction="none"), ValueError, "an ndarray, expected a pair of arrays: l"),
    (lambda: fl.mse.gradient_hessian(Y, Y, out=np.zeros(3)), ValueError, "a pair of arrays: gradient and Hessian"),
    (lambda: fl.bce.activate([[1, 0], [1]]), ValueError, "BinaryCrossentropy: z is a list that NumPy cannot read"),
    (lambda: fl.bce.activate(None), TypeError, "z is a NoneType, expected an array of numbers"),
    # class weights
    (lambda: fl.BinaryCrossentropy(pos_weight={1: 2.0}), ValueError, "for each label from 0 on; label 0 has none"),
    (lambda: fl.BinaryCrossentropy(pos_weight="3"), ValueError, "expected a number >= 0, or one per label"),
    (lambda: fl.BinaryCrossentropy(pos_weight=["1", "2"]), ValueError, "one finite nonnegative number per label"),
    (lambda: fl.BinaryCrossentropy(pos_weight=bytearray(b"abc")), ValueError, "nonnegative number per label"),
    (lambda: fl.BinaryCrossentropy(pos_weight=np.array([1j, 2])), ValueError, "nonnegative number per label"),
    (lambda: fl.BinaryFocalCrossentropy(gamma=np.inf), ValueError, "expected a finite number >= 0"),
    (lambda: fl.CategoricalCrossentropy(class_weight={0: 1.0, 2: 1.0}), ValueError, "class 1 has none"),
    (lambda: fl.CategoricalCrossentropy(class_weight="balanced"), ValueError, "numpy.bincount(labels)"),
])  # fmt: skip
def test_an_error_says_what_to_do(call, error, said):
    with pytest.raises(error) as caught:
        call()
    pattern = re.escape(said.removesuffix("$")) + ("$" if said.endswith("$") else "")
    assert re.search(pattern, str(caught.value))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, ">f4"])
def test_class_indices_may_be_whole_floats(dtype):
    """XGBoost and LightGBM hand them over: the same bits as of integers, with every option, from every method."""
    rng = np.random.default_rng(0)
    labels, z = rng.integers(0, 5, 70), rng.normal(size=(70, 5)).astype(np.float32)
    for options in ({}, {"class_weight": [1, 2, 3, 4, 1e300]}, {"ignore_index": 3}, {"label_smoothing": 0.1}):
        loss = fl.CategoricalCrossentropy(from_logits=True, **options)
        for _ in range(2):  # the second time by the fast path
            got, want = loss(labels.astype(dtype), z), loss(labels, z)
            assert got.loss == want.loss
            np.testing.assert_array_equal(got.gradient, want.gradient)
        hessian = loss.gradient_hessian(labels.astype(dtype), z).hessian
        np.testing.assert_array_equal(hessian, loss.gradient_hessian(labels, z).hessian)
        strided = np.repeat(labels.astype(dtype), 2)[::2]
        assert loss(strided, z).loss == want.loss


def test_numbers_without_dimensions_and_weights_by_class():
    assert fl.BinaryCrossentropy(label_smoothing=np.array(0.1)) == fl.BinaryCrossentropy(label_smoothing=0.1)
    assert fl.BinaryCrossentropy(from_logits=np.array(True)).from_logits is True
    assert fl.CategoricalCrossentropy(axis=np.array(1)).axis == 1
    weighted = fl.CategoricalCrossentropy(class_weight={1: 2.5, 0: 1, 2: np.float32(0.5)})
    assert weighted == fl.CategoricalCrossentropy(class_weight=[1.0, 2.5, 0.5])


@pytest.mark.parametrize("method", ["loss", "gradient", "loss_gradient", "gradient_hessian", "__call__"])
def test_a_warning_says_what_was_computed(method):
    call = getattr(fl.CategoricalCrossentropy(), method)
    with pytest.warns(UserWarning, match=r"shape \(3,\), which is one example of 3 classes; for 3 examples") as caught:
        call(np.array([0.0, 1.0, 0.0]), P)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match=r"shape \(3, 1\), which is one class, whose probability is 1"):
        call(np.array([0, 0, 0]), np.ones((3, 1)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        call(LABELS, np.full((3, 3), 1 / 3))
        call(np.array(1), P)  # one example, and its class


def test_sample_weight_may_be_the_third_argument():
    """As in Keras and scikit-learn."""
    w = np.array([1.0, 0, 2])
    for call in (fl.mse, fl.mse.loss, fl.mse.gradient, fl.mse.gradient_hessian):
        positional, named = call(Y, P, w), call(Y, P, sample_weight=w)
        np.testing.assert_equal(positional, named)
