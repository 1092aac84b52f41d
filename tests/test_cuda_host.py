"""What a call does on the host before a kernel runs, with a driver that only records: needs no card."""

import importlib.util
import warnings

import ml_dtypes
import numpy as np
import pytest

import fastloss as fl
from tests.devices import SIMULATED
from tests.fake_gpu import install, ndarray

if importlib.util.find_spec("numba_cuda") is None or SIMULATED:
    pytest.skip("the real launch path, with numba-cuda: make test-cuda", allow_module_level=True)

BCE = fl.BinaryCrossentropy(from_logits=True)


@pytest.fixture
def driver(monkeypatch):
    fake = install(monkeypatch)
    yield fake
    for loss in (BCE, fl.mse):
        loss._description.plans.clear()


def names(driver):
    found = [launch[0] for launch in driver.launches]
    driver.launches.clear()
    return found


def arrays(shape=(1000, 10), dtype=np.float32):
    return ndarray(shape, dtype), ndarray(shape, dtype)


def test_a_call_is_two_silent_launches_with_the_right_arguments(driver):
    y, p = arrays()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):  # planned, and repeated
            value, grad = BCE(y, p)
            (name, blocks, threads, stream, integers, reals), (last, one, *_, closing, _) = driver.launches
            assert name.startswith("binary_crossentropy_logits")
            assert (blocks, threads, stream) == (-(-10_000 // 4096), 256, 77)
            assert integers[:2] == [y.data.ptr, p.data.ptr]
            assert integers[2:4] == [0, 0]  # neither weights nor losses
            assert integers[8] == 0  # nor weights of labels
            assert integers[4] == grad.data.ptr
            assert integers[9] == 10_000
            assert reals[0] == pytest.approx(1e-4)
            assert (last, one) == ("final", 1)
            assert closing[0] == integers[6]  # the sums of the blocks
            assert closing[2] == value.data.ptr
            assert grad.shape == p.shape
            assert value.shape == ()
            driver.launches.clear()


def test_bfloat16_of_cupy_is_that_of_ml_dtypes(driver):
    y, p = arrays(dtype=ml_dtypes.bfloat16)
    grad = BCE(y, p).gradient
    assert "bfloat16_bfloat16_bfloat16" in names(driver)[0]
    assert grad.dtype == ml_dtypes.bfloat16


def test_derivatives_alone_need_no_loss(driver):
    y, p = arrays()
    before = ndarray.top
    grad = BCE.gradient(y, p)
    assert grad.data.ptr == before
    assert ndarray.top == before + 40_448, "more than the gradient was taken"
    assert len(names(driver)) == 1
    BCE.gradient_hessian(y, p)
    assert len(names(driver)) == 1


def test_what_one_kernel_leaves_the_next_finds(driver):
    """The parts of one room: sums of weights, their total, the factor, sums of losses."""
    y, p = arrays()
    BCE(y, p, sample_weight=ndarray((1000,), np.float32))
    totals, total, main, last = [launch[4] for launch in driver.launches]
    sums_of_weights, sum_of_weights, factor, sums = totals[3], total[2], total[3], main[6]
    assert len({sums_of_weights, sum_of_weights, factor, sums}) == 4
    assert total[0] == sums_of_weights
    assert main[7] == factor
    assert last[0] == sums
    assert last[3] == sum_of_weights


def test_class_weights_are_copied_once(driver, monkeypatch):
    import cupy

    copies = []
    upload = cupy.asarray
    monkeypatch.setattr(cupy, "asarray", lambda values: copies.append(values) or upload(values))
    loss = fl.CategoricalCrossentropy(from_logits=True, class_weight=(1.5, 2.5, 0.25))
    for _ in range(3):
        loss(ndarray((7,), np.int64), ndarray((7, 3), np.float32))
    assert len(copies) == 1


def test_outputs_may_lie_between_other_elements_but_on_none(driver):
    top = 1 << 41
    y = ndarray((100, 2), np.float32)
    left = ndarray((100, 2), np.float32, top, strides=(16, 4))
    right = ndarray((100, 2), np.float32, top + 8, strides=(16, 4))
    fl.mse(y, left, out=right)
    fl.mse(y, left, out=left)
    with pytest.raises(ValueError, match="overlaps y_pred"):
        fl.mse(y, left, out=ndarray((100, 2), np.float32, top + 4, strides=(16, 4)))
    fl.mse(y, left, out=right)


def test_errors_come_before_anything_is_launched_or_taken(driver):
    y, p = arrays((4, 3))
    far, crooked = ndarray((4, 3), np.float32, device=1), ndarray((4, 3), np.float32, (1 << 42) + 2)
    many = ndarray((2,) * 9, np.float32, strides=tuple(4 * 3**k for k in range(9)))
    top = ndarray.top
    for error, words, call in (
        (TypeError, "y_true is on GPU 0, y_pred is on GPU 1", lambda: fl.mse(y, far)),
        (TypeError, "out", lambda: fl.mse(y, p, out=far)),
        (ValueError, "y_pred begins at an address", lambda: fl.mse(y, crooked)),
        (ValueError, "y_true has 9 axes", lambda: fl.mse(many, many)),
        (TypeError, "y_true is a builtins.float on the CPU", lambda: fl.mse(1.0, p)),
        (TypeError, "y_pred is a builtins.float on the CPU", lambda: fl.mse(y, 1.0)),
        (TypeError, "is a builtins.float on the CPU", lambda: fl.mse(y, p, out=1.0)),
    ):
        with pytest.raises(error, match=words) as caught:
            call()
        assert "MeanSquaredError" in str(caught.value)
    assert not driver.launches
    assert ndarray.top == top


def test_a_gpu_output_for_arrays_of_numpy(driver):
    x = np.ones((4, 3))
    for loss in (fl.mse, fl.CategoricalCrossentropy(from_logits=True)):
        with pytest.raises(TypeError, match=r"cupy\.ndarray on the GPU, y_true is a numpy\.ndarray on the CPU"):
            loss(x, x, out=ndarray((4, 3), np.float64))


class OnTheCPU:
    """As an array of JAX on the CPU: its class has the interface, and the array refuses it."""

    def __array__(self, dtype=None, copy=None):
        return np.ones((4, 3), np.float32)

    @property
    def __cuda_array_interface__(self):
        raise AttributeError("only on a GPU")


def test_a_class_that_may_be_on_either_is_asked_for_each_array():
    assert fl.mse(OnTheCPU(), OnTheCPU()).loss == 0.0
