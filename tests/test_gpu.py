"""What only a card can show: streams, host threads, more than 2^31 elements, slices, reads that stay inside arrays."""

import os
import shutil
import subprocess
import sys
import threading

import numpy as np
import pytest

import fastloss as fl
from tests.devices import SIMULATED, WHY_NOT, libraries

LIBRARIES = [] if SIMULATED else libraries()
if not LIBRARIES:
    pytest.skip(f"{WHY_NOT}; the simulator has no streams", allow_module_level=True)
pytestmark = pytest.mark.gpu


def library(name):
    found = [entry for entry in LIBRARIES if entry.name == name]
    if not found:
        pytest.skip(f"{name} is not installed, or sees no GPU")
    return found[0]


def test_a_kernel_waits_for_its_stream():
    """On a stream that is still busy, the kernel sees what is written there before it."""
    library("cupy")
    import cupy

    n = 1 << 24
    slow = cupy.RawKernel(
        """extern "C" __global__ void slow(float* x, int n) {
            long long end = clock64() + 200000000LL;
            while (clock64() < end);
            for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) x[i] = 3.0f;
        }""",
        "slow",
    )
    stream = cupy.cuda.Stream(non_blocking=True)
    p, y = cupy.zeros(n, cupy.float32), cupy.ones(n, cupy.float32)
    fl.mse(y, p)
    cupy.cuda.Device().synchronize()
    with stream:
        slow((64,), (256,), (p, np.int32(n)))
        value, grad = fl.mse(y, p)
        assert not stream.done, "the call waited for the device"
    stream.synchronize()
    assert float(value) == 4.0
    assert float(grad[0]) == pytest.approx(4.0 / n)


def test_torch_streams():
    library("torch")
    import torch

    stream = torch.cuda.Stream()
    p, y = torch.zeros(1 << 24, device="cuda"), torch.ones(1 << 24, device="cuda")
    fl.mse(y, p)
    torch.cuda.synchronize()
    with torch.cuda.stream(stream):
        torch.cuda._sleep(200_000_000)
        p.fill_(3.0)
        value, _ = fl.mse(y, p)
        assert not stream.query(), "the call waited for the device"
    stream.synchronize()
    assert value.item() == 4.0


def test_two_host_threads_on_two_streams():
    library("cupy")
    import cupy

    loss = fl.CategoricalCrossentropy(from_logits=True)
    z = np.random.default_rng(0).normal(size=(5000, 33)).astype(np.float32)
    y = np.arange(5000) % 33
    want, wrong = loss(y, z), []

    def work():
        with cupy.cuda.Stream(non_blocking=True) as stream:
            there = cupy.asarray(y), cupy.asarray(z)
            for _ in range(50):
                value, grad = loss(*there)
                stream.synchronize()
                if abs(float(value) - want.loss) > 1e-5 or float(abs(grad - cupy.asarray(want.gradient)).max()) > 1e-8:
                    wrong.append(float(value))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_more_elements_than_an_int32_counts():
    library("torch")
    import torch

    n = (1 << 31) + 4097
    if torch.cuda.mem_get_info()[0] < 5 * n:
        pytest.skip("needs 11 GB of free memory on the device")
    p = torch.zeros(n, dtype=torch.float16, device="cuda")
    y = torch.zeros(n, dtype=torch.uint8, device="cuda")
    p[-1], y[-1] = 3.0, 1
    value, grad = fl.mse(y, p, reduction="sum", out=p)
    assert value.item() == 4.0
    assert grad[-1].item() == 4.0
    assert not grad[:-1].any()


def test_more_logits_than_an_int32_counts():
    library("torch")
    import torch

    rows, classes = (1 << 16) + 1, 1 << 15
    if torch.cuda.mem_get_info()[0] < 5 * rows * classes:
        pytest.skip("needs 11 GB of free memory on the device")
    z = torch.zeros((rows, classes), dtype=torch.bfloat16, device="cuda")
    y = torch.zeros(rows, dtype=torch.int8, device="cuda")
    z[-1, -1], y[-1] = 100.0, 1
    value, grad = fl.CategoricalCrossentropy(from_logits=True)(y, z, reduction="sum", out=z)
    assert value.item() == pytest.approx((rows - 1) * np.log(classes) + 100, rel=1e-6)
    assert grad[-1, -1].item() == 1
    assert grad[-1, 1].item() == -1
    assert not grad[-1, 2:-1].any()
    assert (grad[:-1, 0] == -1).all()  # 1 / 2^15 - 1, rounded
    assert (grad[:-1, 1:] == 2.0**-15).all()


VIEWS = {
    "a slice": lambda a: a[3:7],
    "every second": lambda a: a[::2],
    "a corner": lambda a: a[1:, 1:],
    "a column less": lambda a: a[:, :-1],
    "every third column": lambda a: a[:, ::3],
    "transposed": lambda a: a.T,
    "backwards": lambda a: a[::-1, ::-1],
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("entry", LIBRARIES, ids=lambda entry: entry.name)
def test_views_that_the_library_makes(entry, view):
    """Slices begin at any element, strided ones skip some: read, and written in place, where they lie."""
    if view == "backwards" and not entry.backwards:
        pytest.skip(f"{entry.name} has no negative strides")
    if view == "transposed" and entry.name == "numba":
        pytest.skip("numba copies to transpose")
    look, rng = VIEWS[view], np.random.default_rng(0)
    z, y = rng.normal(size=(21, 23)).astype(np.float32), (rng.random((21, 23)) < 0.5).astype(np.float32)
    for loss in (fl.BinaryCrossentropy(from_logits=True), fl.CategoricalCrossentropy(from_logits=True)):
        logits, labels = entry.put(z), entry.put(y)
        want, got = loss(look(y), look(z)), loss(look(labels), look(logits))
        # Where p and y cancel, errors are counted in ulp of the larger of the two, here y over the number of losses.
        count = look(y).size if loss.activation == "sigmoid" else len(look(y))
        close = {"rtol": 2e-6, "atol": 4 * np.spacing(np.float32(1 / count))}
        assert float(entry.get(got.loss)) == pytest.approx(want.loss, rel=1e-6)
        np.testing.assert_allclose(entry.get(got.gradient), want.gradient, **close)
        loss(look(labels), look(logits), out=look(logits))
        after = z.copy()
        look(after)[...] = want.gradient
        np.testing.assert_allclose(entry.get(logits), after, **close)


def test_slices():
    for entry in LIBRARIES:
        x = entry.put(np.arange(1000, dtype=np.float32))
        y = entry.put(np.zeros(1000, np.float32))
        for start, stop in ((1, 999), (3, 4), (7, 777)):
            value, grad = fl.mse(y[start:stop], x[start:stop], reduction="sum")
            want = np.arange(1000.0)[start:stop]
            assert float(entry.get(value)) == pytest.approx((want**2).sum(), rel=1e-6)
            np.testing.assert_array_equal(entry.get(grad), 2 * want)


@pytest.mark.skipif(shutil.which("compute-sanitizer") is None, reason="compute-sanitizer is not on the path")
@pytest.mark.parametrize("tool", ["memcheck", "racecheck", "synccheck"])
def test_the_sanitizer_sees_nothing(tool):
    """Of every kind of kernel, with labels out of range."""
    command = ["compute-sanitizer", "--tool", tool, "--error-exitcode=9", sys.executable, "-m", "tests.sanitized"]
    done = subprocess.run(command, env=os.environ, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
