"""The CUDA kernels against the CPU's: on a card, or in the simulator, which any machine has.

What holds for every loss wherever it is computed, the bounds against mpmath among it, is in the generic tests.
"""

import dataclasses

import ml_dtypes
import numpy as np
import pytest

import fastloss as fl
from tests.devices import SIMULATED, WHY_NOT, libraries
from tests.support import VARIANTS, categorical, name_of, pairs, sample

LIBRARIES = libraries()
if not LIBRARIES:
    pytest.skip(WHY_NOT, allow_module_level=True)
pytestmark = [pytest.mark.filterwarnings("ignore::RuntimeWarning")] + ([] if SIMULATED else [pytest.mark.gpu])

every_loss = pytest.mark.parametrize("loss", VARIANTS, ids=name_of)
every_library = pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.name)
REDUCTIONS = ["mean", "sum", "sum_over_batch_size", "none"]
SHAPE = (9, 5) if SIMULATED else (2300, 7)


def put(library, value):
    return library.put(value) if isinstance(value, np.ndarray) else value


def get(library, value):
    """Results as NumPy arrays or floats."""
    if isinstance(value, tuple):
        return tuple(get(library, v) for v in value)
    result = library.get(value)
    return float(result) if result.shape == () else result


def close(got, want, dtype=None, terms=0.5):
    """Equal up to some rounding: sums have another order on the device, and where terms of opposite sign cancel, the
    error is one of the terms."""
    dtype = np.asarray(want).dtype if dtype is None else dtype
    eps = float(ml_dtypes.finfo(dtype).eps) if np.dtype(dtype).kind in "fV" else 2.0**-52
    wide = [np.asarray(a).astype(np.float64) for a in (got, want)]
    np.testing.assert_allclose(
        *wide, rtol=16 * eps, atol=terms * eps * np.max(np.abs(np.append(wide[1][np.isfinite(wide[1])], 0.0)))
    )


def both(library, loss, y, p, dtype=np.float32, **options):
    """The loss on the CPU and on the device, by every method."""
    there = {k: put(library, v) for k, v in options.items()}
    dy, dp = put(library, y), put(library, p)
    want, got = loss(y, p, **options), loss(dy, dp, **there)
    assert isinstance(got, fl.LossGradient)
    assert type(got.loss) is type(got.gradient) is type(dp)
    assert got.gradient.shape == p.shape
    close(get(library, got.loss), want.loss, dtype)
    close(get(library, got.gradient), want.gradient)
    close(get(library, loss.loss(dy, dp, **there)), want.loss, dtype)
    np.testing.assert_array_equal(get(library, loss.gradient(dy, dp, **there)), get(library, got.gradient))
    pair = loss.gradient_hessian(dy, dp, **there)
    np.testing.assert_array_equal(get(library, pair.gradient), get(library, got.gradient))
    close(get(library, pair.hessian), loss.gradient_hessian(y, p, **options).hessian, terms=4)
    return got


@every_library
@every_loss
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=name_of)
def test_against_the_cpu(library, loss, dtype):
    y, p = sample(loss, SHAPE, dtype)
    both(library, loss, y, p, dtype)


@every_library
@every_loss
def test_half_precision(library, loss):
    for half in [np.float16] + [ml_dtypes.bfloat16] * library.bfloat16:
        for shape in (SHAPE, (SHAPE[0], 16)):  # whole vectors or not
            y, p = sample(loss, shape, np.float32)
            got = loss(put(library, y), put(library, p.astype(half)))
            want = loss(y, p.astype(half))
            close(get(library, got.loss), want.loss, np.float32)
            assert get(library, got.gradient).dtype == half
            close(get(library, got.gradient), want.gradient)


@every_library
@pytest.mark.parametrize(("loss", "reduction", "weight"),
                         pairs(VARIANTS, REDUCTIONS, ["none", "number", "zero", "rows", "columns", "all", "wide"]),
                         ids=str)  # fmt: skip
def test_reductions_and_weights(library, loss, reduction, weight):
    y, p = sample(loss, (3, 2, 5), np.float32)
    shape = (3, 2) if categorical(loss) else (3, 2, 5)
    rng = np.random.default_rng(1)
    w = {"none": None, "number": 2.5, "zero": 0.0, "rows": rng.random((3, 1), np.float32),
         "columns": rng.random((1, 2), np.float32), "all": rng.random(shape, np.float32),
         "wide": rng.integers(0, 3, 3)}[weight]  # fmt: skip
    if weight == "all":
        w.flat[::3] = 0
        p[w == 0] = np.nan
    both(library, loss, y, p, reduction=reduction, **({} if w is None else {"sample_weight": w}))


@every_library
@pytest.mark.parametrize("number", [True, np.True_, np.False_, 2, np.int64(3), np.float32(2.5), 1e300], ids=repr)
def test_numbers_of_every_type_are_weights(library, number):
    y, p = sample(fl.mse, (5,), np.float32)
    for reduction in ("mean", "sum") if number < 1e30 else ("mean",):
        both(library, fl.mse, y, p, reduction=reduction, sample_weight=number)


def options():
    yield fl.BinaryCrossentropy(from_logits=True, pos_weight=3.0, label_smoothing=0.1)
    yield fl.BinaryCrossentropy(epsilon=1e-3)
    yield fl.Poisson(epsilon=1e-3)
    for gamma in (0.0, 0.5, 1.0, 3.7):
        for logits in (False, True):
            yield fl.BinaryFocalCrossentropy(gamma=gamma, alpha=0.3, from_logits=logits)
            yield fl.CategoricalFocalCrossentropy(gamma=gamma, alpha=(0.1, 0.2, 0.3, 0.4), from_logits=logits, axis=1)
    for logits in (False, True):
        yield fl.CategoricalCrossentropy(from_logits=logits, class_weight=(1.0, 2.0, 0.0, 0.5), axis=1)
        yield fl.CategoricalCrossentropy(from_logits=logits, class_weight=(1, 2, 3, 4), label_smoothing=0.1, axis=1)
        yield fl.CategoricalCrossentropy(from_logits=logits, ignore_index=2, axis=1)
        yield fl.CategoricalCrossentropy(from_logits=logits, ignore_index=-1, class_weight=(1, 2, 3, 4), axis=0)
        yield fl.CategoricalFocalCrossentropy(from_logits=logits, label_smoothing=0.1, axis=0)


@every_library
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_targets_that_do_not_count_and_weights_of_labels(library, reduction):
    shape = (9, 5)
    left_out = np.random.default_rng(3).random(shape) < 0.3
    for loss in (fl.BinaryCrossentropy(from_logits=True, pos_weight=(1, 2, 0.5, 3, 4), ignore_index=-100),
                 fl.BinaryFocalCrossentropy(ignore_index=-100), fl.MeanSquaredError(missing="ignore"),
                 fl.BinaryCrossentropy(missing="ignore", ignore_index=-100)):  # fmt: skip
        y, p = sample(loss, shape, np.float32, soft=True)
        y[left_out] = -100 if hasattr(loss, "ignore_index") else np.nan
        p[left_out] = np.nan
        both(library, loss, y, p, reduction=reduction)
        both(library, loss, y, p, reduction=reduction, sample_weight=np.arange(9.0, dtype=np.float32))
        if loss.missing is None:
            hard = np.where(left_out, -100, y > 0.5).astype(np.int8)
            both(library, loss, hard, p, reduction=reduction)
        both(library, loss, np.full_like(y, np.nan if loss.missing else -100), p, reduction=reduction)


@every_library
@pytest.mark.parametrize("loss", [*options()], ids=repr)
def test_options(library, loss):
    if not categorical(loss):
        y, p = sample(loss, (5, 4), np.float64, soft=True)
        both(library, loss, y, p, np.float64)
        return
    last = dataclasses.replace(loss, axis=-1)
    y, p = sample(last, (3, 2, 4), np.float64)
    if loss.ignore_index is not None:
        y[::2] = loss.ignore_index
    p = np.ascontiguousarray(np.moveaxis(p, -1, loss.axis))
    both(library, loss, y, p, np.float64)
    w = np.linspace(0, 2, y.size).reshape(y.shape)
    both(library, loss, y, p, np.float64, sample_weight=w)
    if loss.ignore_index is None:
        soft, _ = sample(last, (3, 2, 4), np.float64, soft=True)
        both(library, loss, np.ascontiguousarray(np.moveaxis(soft, -1, loss.axis)), p, np.float64, sample_weight=w)


LENGTHS = [(1, 1), (3, 2), (3, 16), (2, 100), (1, 1030), (2, 3, 33), (4, 33)]
if not SIMULATED:
    LENGTHS += [(3, 128256), (70000, 10), (300, 1000), (9, 21, 40, 40)]


@every_library
@pytest.mark.parametrize("shape", LENGTHS, ids=str)
@pytest.mark.parametrize("logits", [False, True])
def test_rows_of_every_length(library, shape, logits):
    for loss in (
        fl.CategoricalCrossentropy(from_logits=logits),
        fl.CategoricalCrossentropy(from_logits=logits, axis=1),
    ):
        y, p = sample(fl.CategoricalCrossentropy(from_logits=logits), shape, np.float32)
        if loss.axis == 1:
            y = np.zeros(tuple(np.delete(shape, 1)), np.int64)
        both(library, loss, y, p)


LABELS = [np.bool_, np.int16, np.uint16, np.uint32, np.uint64]
"""Those that the generic tests leave out, and the extremes."""


@every_library
@pytest.mark.parametrize("label", LABELS, ids=name_of)
def test_labels_of_every_dtype(library, label):
    z = np.random.default_rng(0).normal(size=(8, 5)).astype(np.float32)
    y = (z > 0).astype(label)
    both(library, fl.BinaryCrossentropy(from_logits=True), y, z)
    both(library, fl.MeanSquaredError(), y, z)
    hot = np.eye(5)[np.arange(8) % 5].astype(label)
    both(library, fl.CategoricalCrossentropy(from_logits=True, class_weight=(1, 2, 3, 4, 5)), hot, z)
    if np.issubdtype(label, np.integer):
        both(library, fl.CategoricalCrossentropy(from_logits=True), (np.arange(8) % 5).astype(label), z)


@every_library
def test_infinite_and_missing_logits(library):
    inf, nan = np.inf, np.nan
    z = np.array([[inf, 0, 1], [-inf, 0, 1], [-inf, -inf, 2], [-inf] * 3, [inf, inf, 0], [nan, 0, 1], [inf, nan, 0],
                  [100, -100, 0], [3e38, -3e38, 0], [1e-40, 0, 0]], np.float32)  # fmt: skip
    for true in range(3):
        y = np.full(len(z), true)
        for loss in (fl.CategoricalCrossentropy(from_logits=True), fl.CategoricalFocalCrossentropy(from_logits=True)):
            for smooth in (0.0, 0.1):
                # where 3e38 and -3e38 have targets both, the device adds their difference, inf; the CPU need not
                x = z if smooth == 0 else z / 3
                both(library, dataclasses.replace(loss, label_smoothing=smooth), y, x, reduction="none")
    x = np.array([inf, -inf, nan, 100, -100, 0, -17, 3e38, -3e38, 1e-40], np.float32)
    for y in (0.0, 1.0, 0.5):
        labels = np.full_like(x, y)
        both(library, fl.BinaryCrossentropy(from_logits=True), labels, x, reduction="none")
        both(library, fl.BinaryFocalCrossentropy(from_logits=True), labels, x, reduction="none")
    p = np.array([0, 1, 0.5, 1e-42, 1 - 2.0**-24], np.float32)
    for y in (0.0, 1.0, 0.5):
        both(library, fl.BinaryCrossentropy(), np.full_like(p, y), p, reduction="none")


@every_library
def test_values_out_of_the_domain_are_nan_where_they_are(library):
    bad = {
        fl.BinaryCrossentropy(): ([1, 2, 0, 1], [0.5, 0.5, 1.2, 0.5]),
        fl.BinaryCrossentropy(from_logits=True): ([1, 2, -1, 1], [0.5, 0.5, 1.2, 0.5]),
        fl.MeanSquaredLogarithmicError(): ([1, -2, 3, 1], [0.5, 0.5, -1, 0.5]),
        fl.Poisson(): ([1, -1, 3, 1], [0.5, 0.5, -1, 0.5]),
        fl.SquaredHinge(): ([1, 0, 2, -1], [0.5, 0.5, -1, 0.5]),
    }
    for loss, arrays in bad.items():
        y, p = (np.array(a, np.float32) for a in arrays)
        losses, grad = get(library, loss(put(library, y), put(library, p), reduction="none"))
        np.testing.assert_array_equal(np.isnan(losses), [False, True, True, False])
        np.testing.assert_array_equal(np.isnan(grad), [False, True, True, False])
        assert np.isnan(get(library, loss.loss(put(library, y), put(library, p))))
    z = np.random.default_rng(0).random((5, 3), np.float32)
    for kind in (np.int8, np.int64, np.uint64):
        far = {np.int8: [-1, 3, 127], np.int64: [-1, 3, 2**40], np.uint64: [2**64 - 1, 3, 2**63]}[kind]
        y = np.array([1, *far, 2], kind)
        for logits in (True, False):
            loss = fl.CategoricalCrossentropy(from_logits=logits, class_weight=(1, 2, 3))
            losses, grad = get(library, loss(put(library, y), put(library, z), reduction="none"))
            np.testing.assert_array_equal(np.isnan(losses), [False, True, True, True, False])
            np.testing.assert_array_equal(np.isnan(grad).all(1), [False, True, True, True, False])
    w = np.array([1, -1, 1, 1, 1], np.float32)
    losses, _ = get(library, loss(put(library, np.zeros(5, np.int64)), put(library, z), sample_weight=put(library, w),
                                  reduction="none"))  # fmt: skip
    np.testing.assert_array_equal(np.isnan(losses), w < 0)


@every_library
def test_the_largest_unsigned_label_is_not_ignored(library):
    """Its bits are those of -1."""
    loss = fl.CategoricalCrossentropy(from_logits=True, ignore_index=-1)
    y = put(library, np.array([1, 2**64 - 1], np.uint64))
    losses = get(library, loss.loss(y, put(library, np.zeros((2, 3), np.float32)), reduction="none"))
    np.testing.assert_array_equal(np.isnan(losses), [False, True])


@every_library
def test_dense_targets_outside_are_nan_where_they_are(library):
    y = np.array([[1, 0, 0], [1.5, 0, 0], [0, -0.5, 1], [0, 0, 1]], np.float32)
    for logits in (True, False):
        loss = fl.CategoricalCrossentropy(from_logits=logits)
        losses, grad = get(library, loss(put(library, y), put(library, np.full_like(y, 0.5)), reduction="none"))
        np.testing.assert_array_equal(np.isnan(losses), [False, True, True, False])
        np.testing.assert_array_equal(np.isnan(grad).any(1), [False, True, True, False])


@every_library
def test_the_same_bits_each_time(library):
    for loss in (fl.BinaryCrossentropy(from_logits=True), fl.CategoricalCrossentropy(from_logits=True)):
        y, p = sample(loss, (5, 9) if SIMULATED else (60, 3300), np.float32)
        arrays = put(library, y), put(library, p)
        first = get(library, loss(*arrays))
        for _ in range(3):
            again = get(library, loss(*arrays))
            assert again[0] == first[0]
            np.testing.assert_array_equal(again[1], first[1])


@every_library
def test_arrays_on_a_gpu_and_on_the_cpu_do_not_mix(library):
    x = np.ones((4, 3), np.float32)
    there = put(library, x)

    def message(error, *words, call):
        with pytest.raises(error) as caught:
            call()
        for word in ("MeanSquaredError", *words):
            assert word in str(caught.value), str(caught.value)

    message(TypeError, "y_pred", "GPU", "y_true", "CPU", call=lambda: fl.mse(x, there))
    message(TypeError, "y_true", "GPU", "y_pred", "CPU", call=lambda: fl.mse(there, x))
    message(TypeError, "out", "CPU", call=lambda: fl.mse(there, there, out=x))
    message(TypeError, "sample_weight", "CPU", call=lambda: fl.mse(there, there, sample_weight=np.ones(4)))


@every_library
@pytest.mark.parametrize("logits", [False, True])
def test_nothing_to_average_hides_any_value(library, logits):
    """No class of weight, or no target: loss and gradient are 0, NaN or not, as on the CPU."""
    loss = fl.CategoricalCrossentropy(from_logits=logits, class_weight=(0, 1, 1))
    p = np.full((4, 3), np.nan, np.float32)
    for y in (np.zeros(4, np.int64), np.zeros((4, 3), np.float32)):
        got = loss(put(library, y), put(library, p))
        assert get(library, got.loss) == loss(y, p).loss == 0.0
        assert not get(library, got.gradient).any()
        assert not get(library, loss.gradient_hessian(put(library, y), put(library, p)).hessian).any()


@pytest.mark.skipif(not SIMULATED, reason="such arrays cannot be made by all libraries")
def test_arrays_that_cannot_be_used():
    from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

    x = np.ones((4, 3), np.float32)
    locked = x.copy()
    locked.flags.writeable = False
    crooked = np.zeros(49, np.uint8)[1:].view(np.float32).reshape(4, 3)
    there = FakeCUDAArray(x)
    with pytest.raises(ValueError, match=r"MeanSquaredError: out \(gradient\) is read-only"):
        fl.mse(there, FakeCUDAArray(x.copy()), out=FakeCUDAArray(locked))
    with pytest.raises(ValueError, match="MeanSquaredError: y_pred begins at an address"):
        fl.mse(there, FakeCUDAArray(crooked))
    many = np.zeros((2,) * 10, np.float32)
    swapped = FakeCUDAArray(many.transpose(*range(8, -1, -1), 9))
    with pytest.raises(ValueError, match="MeanSquaredError: y_true has 10 axes"):
        fl.mse(swapped, swapped)
    few = FakeCUDAArray(many.transpose(1, 0, *range(2, 10)))  # ten axes, of which three lie apart
    assert fl.mse(few, FakeCUDAArray(many)).loss.copy_to_host() == 0.0


@pytest.mark.skipif(not SIMULATED, reason="runs under compute-sanitizer: test_gpu.py")
def test_what_the_sanitizer_is_shown():
    from tests.sanitized import run

    assert run(LIBRARIES[0]) > 100


@every_library
def test_whole_hessians_are_computed_on_the_cpu(library):
    arrays = library.put(np.zeros(2, np.int64)), library.put(np.zeros((2, 2)))
    with pytest.raises(TypeError, match=r"CategoricalCrossentropy: .* expects arrays on the CPU"):
        fl.CategoricalCrossentropy(from_logits=True).gradient_hessian_matrix(*arrays)
