"""Bad input: the type of the error, and a message with the loss, the argument, what came and what was expected."""

import numpy as np
import pytest

import fastloss as fl
from tests.devices import NoSuchArrayError, usable
from tests.support import JIT, VARIANTS, categorical, name_of, sample

every_loss = pytest.mark.parametrize("loss", VARIANTS, ids=name_of)


cpu = pytest.mark.cpu


def message(error: type[Exception], *words: str, call):
    with pytest.raises((error, NoSuchArrayError)) as caught:
        call()
    if caught.type is NoSuchArrayError:  # what nobody can pass
        return
    for word in words:
        assert word in str(caught.value), str(caught.value)


def test_the_message_of_the_contract():
    with pytest.raises(ValueError, match="broadcast") as caught:
        fl.mse(np.zeros(3), np.zeros(1000))
    assert str(caught.value) == (
        "MeanSquaredError: y_true has shape (3,), y_pred has shape (1000,); fastloss does not broadcast"
    )


@every_loss
def test_arguments(loss):
    y, p = sample(loss, (5, 4))
    name = type(loss).__name__
    before = np.full_like(p, 7)
    bad = [
        (ValueError, ["y_true", "shape"], lambda: loss(y[:3], p, out=before)),
        (ValueError, ["reduction", "'average'", "'mean'"], lambda: loss(y, p, reduction="average", out=before)),
        (TypeError, ["y_pred", "int64", "float32"], lambda: loss(y, p.astype(int), out=before)),
        (TypeError, ["y_pred", "complex128"], lambda: loss(y, p.astype(complex), out=before)),
        (TypeError, ["y_true"], lambda: loss(y.astype(str), p, out=before)),
        (TypeError, ["y_true"], lambda: loss(y.astype(complex), p, out=before)),
        (ValueError, ["sample_weight", "(7,)"], lambda: loss(y, p, sample_weight=np.ones(7), out=before)),
        (ValueError, ["sample_weight"], lambda: loss(y, p, sample_weight=np.ones((5, 4, 1, 1)), out=before)),
        (TypeError, ["sample_weight"], lambda: loss(y, p, sample_weight="heavy", out=before)),
        (ValueError, ["out", "(4, 5)", "(5, 4)"], lambda: loss(y, p, out=before.T)),
        (TypeError, ["out", "int64"], lambda: loss(y, p, out=before.astype(int))),
        (TypeError, ["out", "list"], lambda: loss(y, p, out=[[0.0] * 4] * 5)),
        (ValueError, ["out", "pair"], lambda: loss(y, p, reduction="none", out=before)),
        (ValueError, ["out", "pair"], lambda: loss.gradient_hessian(y, p, out=before)),
        (ValueError, ["out"], lambda: loss.loss(y, p, out=before)),
    ]
    for error, words, call in bad:
        message(error, name, *words, call=call)
    assert (before == 7).all(), "written before the error"


@every_loss
def test_read_only_and_overlapping_outputs(loss):
    y, p = sample(loss, (6, 4))
    name = type(loss).__name__
    locked = np.empty_like(p)
    locked.flags.writeable = False
    message(ValueError, name, "out", "read-only", call=lambda: loss(y, p, out=locked))
    memory = np.zeros((9, 4))
    memory[:6] = p
    message(ValueError, name, "overlaps y_pred", call=lambda: loss(y, memory[:6], out=memory[3:]))
    message(ValueError, name, "overlaps y_pred", call=lambda: loss(y[::-1], memory[:6], out=memory[5::-1]))
    same = np.empty_like(p)
    message(ValueError, name, "overlaps out", call=lambda: loss.gradient_hessian(y, p, out=(same, same)))
    if not categorical(loss):
        message(ValueError, name, "overlaps y_true", call=lambda: loss(y, p, out=y))
        w = np.ones_like(p)
        message(ValueError, name, "overlaps sample_weight", call=lambda: loss(y, p, sample_weight=w, out=w))
        message(ValueError, name, "overlaps y_true", call=lambda: loss(p, p, out=p))
        message(ValueError, name, "overlaps y_true", call=lambda: loss(memory[1:7], memory[:6], out=memory[:6]))
    halves = np.zeros((6, 8))
    halves[:, ::2] = p
    loss(y, halves[:, ::2], out=halves[:, 1::2])  # interleaved, but not overlapping


VALUES = [
    (fl.MeanSquaredLogarithmicError(), -1.0, 0.5, "y_true"),
    (fl.MeanSquaredLogarithmicError(), 0.5, -1.5, "y_pred"),
    (fl.Poisson(), -1.0, 0.5, "y_true"),
    (fl.Poisson(), 1.0, -0.5, "y_pred"),
    (fl.Poisson(from_logits=True), -1.0, 0.5, "y_true"),
    (fl.SquaredHinge(), 0.0, 0.5, "y_true"),
    (fl.SquaredHinge(from_logits=True), 2.0, 0.5, "y_true"),
    (fl.BinaryCrossentropy(), 1.5, 0.5, "y_true"),
    (fl.BinaryCrossentropy(), 1.0, 1.2, "y_pred"),
    (fl.BinaryCrossentropy(), 1.0, -0.1, "y_pred"),
    (fl.BinaryCrossentropy(from_logits=True), -0.5, 0.5, "y_true"),
    (fl.BinaryFocalCrossentropy(), 2.0, 0.5, "y_true"),
    (fl.BinaryFocalCrossentropy(), 1.0, 1.5, "y_pred"),
    (fl.BinaryFocalCrossentropy(from_logits=True), 3.0, 0.5, "y_true"),
]


@cpu  # on a device such a value gives NaN
@pytest.mark.parametrize(("loss", "label", "prediction", "argument"), VALUES, ids=name_of)
@pytest.mark.parametrize("size", [7, 100_000 if JIT else 3000])
def test_values_outside_the_domain(loss, label, prediction, argument, size):
    """The first offending index and its value, in place too."""
    y, p = (a.ravel() for a in sample(loss, (size, 1), np.float32))
    first = size // 2
    for at in (first, first + 1, size - 1):
        y[at], p[at] = label, prediction
    value = label if argument == "y_true" else prediction
    words = (type(loss).__name__, f"{argument}[{first}]", f"{np.float32(value):.9g}", "expected")
    message(ValueError, *words, call=lambda: loss(y, p))
    message(ValueError, *words, call=lambda: loss.loss(y[::-1].copy()[::-1], p))
    message(ValueError, *words, call=lambda: loss.gradient_hessian(y, p))
    message(ValueError, *words, call=lambda: loss(y, p, out=p))


@cpu
@every_loss
def test_negative_weights(loss):
    y, p = sample(loss, (6, 4))
    for w in (np.array([1, 1, -2.0, 1, -3, 1]), np.array([1, 1, -2.0, 1, -3, 1], np.float16)):
        message(
            ValueError, type(loss).__name__, "sample_weight", "2", "-2", call=lambda w=w: loss(y, p, sample_weight=w)
        )


@every_loss
def test_a_negative_weight(loss):
    y, p = sample(loss, (6, 4))
    message(ValueError, "sample_weight", "-1", call=lambda: loss(y, p, sample_weight=-1.0))


both_categorical = pytest.mark.parametrize("cls", [fl.CategoricalCrossentropy, fl.CategoricalFocalCrossentropy])


@cpu
@both_categorical
def test_classes(cls):
    z = np.zeros((5, 3))
    name = cls.__name__
    loss = cls(from_logits=True)
    for label in (3, -1):
        y = np.array([0, 1, label, 2, label])
        message(ValueError, name, "y_true[2]", str(label), "[0, 3)", call=lambda y=y: loss(y, z))
        message(ValueError, name, "y_true[2]", call=lambda y=y: loss(y, np.asfortranarray(z)[::-1][::-1]))
    p = np.full((5, 3), 1 / 3)
    p[3, 1] = -0.25
    message(ValueError, name, "y_pred[3, 1]", "-0.25", "softmax", call=lambda: cls()(np.zeros(5, int), p))
    message(ValueError, name, "y_pred[1, 3]", "softmax", call=lambda: cls(axis=0)(np.zeros(5, int), p.T.copy()))
    p[3, 1] = 1.5
    message(ValueError, name, "y_pred[3, 1]", "1.5", "logits", call=lambda: cls()(np.eye(5, 3), p))


@both_categorical
def test_targets_of_classes(cls):
    z, name = np.zeros((5, 3)), cls.__name__
    kept = cls(from_logits=True, ignore_index=-1)
    kept(np.array([0, 1, -1, 2, -1]), z)
    message(ValueError, name, "ignore_index", call=lambda: kept(np.eye(5, 3), z))
    message(TypeError, name, ".astype(int)", call=lambda: cls(from_logits=True)(np.zeros(5, bool), z))
    message(ValueError, name, "axis", call=lambda: cls(axis=2)(np.zeros(5, int), z))


def test_hyperparameters():
    bad = [
        (ValueError, "label_smoothing", lambda: fl.BinaryCrossentropy(label_smoothing=1.0)),
        (ValueError, "label_smoothing", lambda: fl.CategoricalCrossentropy(label_smoothing=-0.1)),
        (ValueError, "label_smoothing", lambda: fl.BinaryCrossentropy(label_smoothing=float("nan"))),
        (ValueError, "label_smoothing", lambda: fl.BinaryCrossentropy(label_smoothing="a little")),
        (ValueError, "gamma", lambda: fl.BinaryFocalCrossentropy(gamma=-1)),
        (ValueError, "gamma", lambda: fl.CategoricalFocalCrossentropy(gamma=float("inf"))),
        (ValueError, "alpha", lambda: fl.BinaryFocalCrossentropy(alpha=1.5)),
        (ValueError, "alpha", lambda: fl.CategoricalFocalCrossentropy(alpha=[0.5, -1])),
        (ValueError, "class_weight", lambda: fl.CategoricalCrossentropy(class_weight=[[1.0]])),
        (ValueError, "pos_weight", lambda: fl.BinaryCrossentropy(pos_weight=-1)),
        (ValueError, "epsilon", lambda: fl.BinaryCrossentropy(epsilon=0.7)),
        (ValueError, "from_logits=True", lambda: fl.Poisson(epsilon=1e-7, from_logits=True)),
        (ValueError, "from_logits", lambda: fl.SquaredHinge(from_logits="yes")),
        (ValueError, "axis", lambda: fl.CategoricalCrossentropy(axis=1.0)),
        (ValueError, "ignore_index", lambda: fl.CategoricalCrossentropy(ignore_index=1.5)),
        (ValueError, "ignore_index", lambda: fl.CategoricalCrossentropy(ignore_index=2**70)),
        (ValueError, "gamma", lambda: fl.BinaryFocalCrossentropy(gamma=10**400)),
        (ValueError, "class_weight", lambda: fl.CategoricalCrossentropy(class_weight=["a"])),
        (ValueError, "class_weight", lambda: fl.CategoricalCrossentropy(class_weight=[[1], [2, 3]])),
    ]
    for error, word, call in bad:
        message(error, word, "expected", call=call)
    z, y = np.zeros((2, 3)), np.zeros(2, int)
    message(ValueError, "alpha", "2 values", "3 classes",
            call=lambda: fl.CategoricalFocalCrossentropy(alpha=[1, 2], from_logits=True)(y, z))  # fmt: skip
    message(ValueError, "class_weight", "2 values",
            call=lambda: fl.CategoricalCrossentropy(class_weight=[1, 2], from_logits=True)(y, z))  # fmt: skip
    assert fl.CategoricalCrossentropy(class_weight=np.array([1, 2])).class_weight == (1.0, 2.0)
    assert hash(fl.CategoricalFocalCrossentropy(alpha=[1, 2])) == hash(
        fl.CategoricalFocalCrossentropy(alpha=(1.0, 2.0))
    )


class Copies:
    """A container whose __array__ gives copies, so that what is written there is lost."""

    def __init__(self):
        self.held = np.zeros(3)

    def __array__(self, dtype=None, copy=None):
        return self.held.copy()


@cpu
def test_outputs_that_cannot_be_written():
    x = np.zeros(3)
    message(TypeError, "MeanSquaredError", "out", "Copies", call=lambda: fl.mse(x, x + 1, out=Copies()))
    message(ValueError, "reduction", call=lambda: fl.mse(x, x, reduction=np.array(["mean", "sum"])))


def test_activations_speak_of_z():
    message(TypeError, "BinaryCrossentropy", "z has dtype", call=lambda: fl.bce.activate(np.array([1, 2])))
    memory = np.zeros(5)
    message(ValueError, "overlaps z", call=lambda: fl.bce.activate(memory[:3], out=memory[1:4]))
    assert fl.mse.activate(np.array([1e300]), out=np.zeros(1, np.float32))[0] == np.inf


def test_no_classes():
    message(ValueError, "y_pred", "no class", call=lambda: fl.cce.loss(np.zeros(3, int), np.zeros((3, 0))))


class Device:
    """What looks like an array on a GPU."""

    __cuda_array_interface__ = None
    shape = (3,)


@cpu
def test_arrays_on_a_gpu_and_on_the_cpu_do_not_mix():
    x = np.zeros(3)
    message(TypeError, "MeanSquaredError", "y_pred", "GPU", call=lambda: fl.mse(x, Device()))
    message(TypeError, "y_pred", "y_true", "CPU", "one device", call=lambda: fl.mse(x, Device()))
    message(TypeError, "sample_weight", "CPU", call=lambda: fl.mse(Device(), Device(), sample_weight=x))


@cpu
@pytest.mark.skipif(usable(), reason="CUDA can be used here")
def test_a_gpu_array_where_cuda_cannot_be_used():
    for call in (lambda: fl.mse(Device(), Device()), lambda: fl.mse.activate(Device())):
        message(RuntimeError, "MeanSquaredError", "GPU", "pip install fastloss[cuda]", call=call)
