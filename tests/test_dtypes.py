"""Every dtype that arrays may have, as compiled code reads and writes it, bit for bit what NumPy makes of it."""

import ml_dtypes
import numpy as np
import pytest

from fastloss._cpu.dtypes import reader, writer
from tests.support import JIT, name_of

HALVES = [np.float16, ml_dtypes.bfloat16]
LABELS = [np.bool_, np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64, np.float32,
          np.float64, *HALVES]  # fmt: skip


def moved(function, source, target, step=1, pace=1):
    """Run a move from source[::step] to target[::pace]."""
    count = len(source[::step])
    addresses = [a.ctypes.data if JIT else a for a in (source, target)]
    with np.errstate(all="ignore"):
        function.run(addresses[0], step, addresses[1], pace, count)
    return target


def bits(array):
    """The bits, where every NaN counts as the same."""
    width = array.dtype.itemsize
    return np.where(array != array, 0, array.view(f"u{width}"))


def patterns(dtype, count):
    """Numbers of every size and sign: all bit patterns of a small dtype, a sample of those of a large one."""
    width = np.dtype(dtype).itemsize * 8
    if dtype is np.bool_:
        return np.array([True, False] * 9)
    if width <= 16:
        every = np.arange(2**width, dtype=f"u{width // 8}")
        return (every if JIT else every[:: 2 ** (width - 8)]).view(dtype)
    random = np.random.default_rng(0).integers(0, 2**width, count, dtype=f"u{width // 8}", endpoint=False)
    small = np.arange(-20, 20).astype(f"i{width // 8}").view(random.dtype)
    return np.concatenate([small, random, random >> np.array(width // 2, random.dtype)]).view(dtype)


@pytest.mark.parametrize("dtype", LABELS, ids=name_of)
@pytest.mark.parametrize("real", [np.float32, np.float64], ids=name_of)
def test_read(dtype, real):
    for count in (1, 7, 3000):
        source = patterns(dtype, count if JIT else 7)
        function = reader(np.dtype(dtype), real)
        with np.errstate(all="ignore"):
            want = source.astype(real)
        np.testing.assert_array_equal(bits(moved(function, source, np.empty_like(want))), bits(want))
        spaced = moved(function, source, np.zeros(len(source), real), 3, 2)
        np.testing.assert_array_equal(bits(spaced[: 2 * len(source[::3]) : 2]), bits(want[::3]))
        assert not spaced[1 : 2 * len(source[::3]) : 2].any()


@pytest.mark.parametrize(("real", "dtype"), [(np.float32, t) for t in (np.float32, np.float64, *HALVES)]
                         + [(np.float64, t) for t in (np.float32, np.float64)], ids=name_of)  # fmt: skip
def test_write(real, dtype):
    source = patterns(real, 20000 if JIT else 50)
    ties = (np.arange(0.0, 300, 0.0625) * 2.0**-20).astype(real)  # float16: halfway cases, subnormal ones too
    for values in (source, ties if JIT else ties[::100]):
        with np.errstate(all="ignore"):
            want = values.astype(dtype)
        got = moved(writer(real, np.dtype(dtype)), values, np.empty_like(want))
        np.testing.assert_array_equal(bits(got), bits(want))


def test_what_only_numpy_can_reach():
    swapped = np.dtype(np.float32).newbyteorder()
    assert reader(swapped, np.float32) is None
    assert writer(np.float32, swapped) is None
    assert reader(np.dtype(np.longdouble), np.float64) is None
    assert writer(np.float64, np.dtype(np.float16)) is None  # by way of float32 it would be rounded twice
