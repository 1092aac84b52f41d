"""The same bits for any number of threads, and no process taken down by threads or fork."""

import os
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest

import fastloss as fl
from tests.support import JIT, VARIANTS, name_of, sample

every_loss = pytest.mark.parametrize("loss", VARIANTS, ids=name_of)
SIZE = (200_003, 4) if JIT else (203, 4)
compiled = pytest.mark.skipif(not JIT, reason="threads and forks matter to compiled kernels only")


def run(code: str, **env: str) -> str:
    """Run a snippet in a process of its own; fail with what it printed if it dies."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_sum_of_all_tasks_is_rounded_once():
    """Each block but one adds 1, which a sum of one float would lose, in the last task too."""
    p = np.zeros(1024 * 1000)
    p[::1024], p[996 * 1024] = 1, 2.0**27
    assert fl.mse.loss(np.zeros_like(p), p, reduction="sum") == float(2**54 + 999)


@every_loss
def test_bits_do_not_depend_on_threads(loss):
    y, p = sample(loss, SIZE, np.float32)
    available = numba.config.NUMBA_NUM_THREADS
    want = loss(y, p)
    try:
        for threads in {1, 2, available}:
            if threads > available:
                continue
            numba.set_num_threads(threads)
            for _ in range(2):
                got = loss(y, p)
                assert got.loss == want.loss
                np.testing.assert_array_equal(got.gradient, want.gradient)
            assert loss.loss(y, p) == want.loss
    finally:
        numba.set_num_threads(available)


@every_loss
def test_bits_of_a_memory_map(loss, tmp_path):
    y, p = sample(loss, SIZE, np.float32)
    np.save(tmp_path / "p.npy", p)
    mapped = np.load(tmp_path / "p.npy", mmap_mode="r")
    want, got = loss(y, p), loss(y, mapped)
    assert got.loss == want.loss
    np.testing.assert_array_equal(got.gradient, want.gradient)


GUARDED = """
    import ctypes, mmap, sys
    import numpy as np
    import fastloss as fl
    from tests.support import VARIANTS, categorical, sample

    libc, page = ctypes.CDLL(None, use_errno=True), mmap.PAGESIZE

    def guarded(array):
        size, room = array.nbytes, -(-array.nbytes // page) * page
        memory = mmap.mmap(-1, room + page)
        end = ctypes.addressof(ctypes.c_char.from_buffer(memory)) + room
        assert libc.mprotect(ctypes.c_void_p(end), page, 0) == 0, ctypes.get_errno()  # no access
        found = np.frombuffer(memory, array.dtype, array.size, room - size).reshape(array.shape)
        found[...] = array
        return found

    def check(loss, shape, soft=False):
        y, p = sample(loss, shape, np.float32, soft=soft)
        ends = guarded(y), guarded(p), guarded(np.empty_like(p)), guarded(np.empty_like(p))
        got, want = loss(*ends[:2], out=ends[2]), loss(y, p)
        assert got.loss == want.loss and np.array_equal(got.gradient, want.gradient)
        loss.gradient_hessian(*ends[:2], out=ends[2:])

    for loss in VARIANTS:
        if not categorical(loss):
            for shape in ((1,), (5,), (1000,), (20011,)):
                check(loss, shape)
            continue
        for classes in (2, 3, 10, 16, 17, 33, 64, 100, 300):
            for rows in (1, 16, 129, 700):
                check(loss, (rows, classes))
                check(loss, (rows, classes), soft=True)
                if rows > 16:
                    check(type(loss)(from_logits=loss.from_logits, label_smoothing=0.1), (rows, classes))
                    check(type(loss)(from_logits=loss.from_logits, axis=0), (rows, classes), soft=True)
    print("fine")
"""


@compiled
@pytest.mark.skipif(sys.platform != "linux", reason="mprotect of the C library is called as Linux has it")
def test_no_read_goes_beyond_an_array():
    """Arrays that end where their memory does: an access beyond would end the process."""
    assert "fine" in run(GUARDED)


CALLS = """
    import numpy as np, fastloss as fl
    z = np.random.default_rng(0).normal(size=(100_000, 3)).astype(np.float32)
    y = (z > 0).astype(np.uint8)
    loss = fl.BinaryCrossentropy(from_logits=True)
    want = loss(y, z)
    def check(_=None):
        got = loss(y, z)
        assert got.loss == want.loss and (got.gradient == want.gradient).all()
        return 1
"""


@compiled
@pytest.mark.parametrize("layer", ["omp", "workqueue", "default"])
def test_concurrent_calls(layer):
    code = (
        CALLS
        + """
    from concurrent.futures import ThreadPoolExecutor
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(check, range(64))) == 64
    """
    )
    run(code, NUMBA_THREADING_LAYER=layer, NUMBA_NUM_THREADS="2")


@compiled
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
@pytest.mark.parametrize("layer", ["omp", "workqueue", "default"])
def test_a_forked_child_survives(layer):
    """The parent has made a parallel call; the child makes its own, gets the same bits and ends in peace."""
    code = (
        CALLS
        + """
    import os, warnings
    warnings.simplefilter("ignore")  # Python 3.12 warns of forking with threads; that is what is tested
    for _ in range(2):
        child = os.fork()
        if child == 0:
            check()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        check()
    """
    )
    run(code, NUMBA_THREADING_LAYER=layer, NUMBA_NUM_THREADS="2")


def test_two_threads_share_one_loss_object():
    loss = fl.MeanSquaredError()
    y, p = sample(loss, SIZE, np.float64)
    want = loss(y, p)
    with ThreadPoolExecutor(4) as pool:
        for got in pool.map(lambda _: loss(y, p), range(8)):
            assert got.loss == want.loss


@compiled
def test_workqueue_beside_the_parallel_functions_of_others():
    """Numba's workqueue ends the process when two threads run parallel loops at once."""
    code = (
        CALLS
        + """
    import threading, numba

    @numba.njit(parallel=True, nogil=True)
    def other(x):
        total = 0.0
        for i in numba.prange(x.size):
            total += x[i] ** 0.5
        return total

    x = np.ones(300_000)
    other(x)
    stop = []

    def work():
        while not stop:
            other(x)

    thread = threading.Thread(target=work)
    thread.start()
    for _ in range(300):
        check()
    stop.append(1)
    thread.join()
    """
    )
    run(code, NUMBA_THREADING_LAYER="workqueue", NUMBA_NUM_THREADS="2")


@compiled
def test_workqueue_uses_all_threads_where_no_other_thread_runs():
    code = """
    import threading
    import fastloss as fl
    from fastloss._cpu.launch import may_run_parallel
    assert may_run_parallel()
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    assert not may_run_parallel()
    end.set()
    thread.join()
    assert may_run_parallel()
    """
    run(code, NUMBA_THREADING_LAYER="workqueue", NUMBA_NUM_THREADS="2")


LARGE = """
    import os
    import numpy as np
    import fastloss as fl
    fl.mse(np.zeros(200_000), np.ones(200_000))
    import numba
    print(numba.threading_layer(), {k: v for k, v in os.environ.items() if k in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")})
"""


@compiled
@pytest.mark.parametrize("given", [{}, {"GOMP_SPINCOUNT": "77"}, {"OMP_WAIT_POLICY": "ACTIVE"}], ids=str)
def test_workers_of_openmp_soon_sleep(given, tmp_path):
    """OpenMP is told so as it is loaded, unless the user has said it, and the environment is as before."""
    environment = {k: v for k, v in os.environ.items() if k not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    environment |= {"OMP_DISPLAY_ENV": "VERBOSE", "NUMBA_NUM_THREADS": "2", **given}
    command = [sys.executable, "-c", textwrap.dedent(LARGE)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    layer, _, left = done.stdout.partition(" ")
    assert left.strip() == str(given), done.stderr
    if layer != "omp" or "GOMP_SPINCOUNT" not in done.stderr:
        pytest.skip("Numba does not use GNU OpenMP here")
    spins = next(line for line in done.stderr.splitlines() if "GOMP_SPINCOUNT" in line)
    want = given.get("GOMP_SPINCOUNT", "30000000000" if given else "10000")
    assert want in spins


@pytest.fixture
def calls(monkeypatch):
    """Calls at times that the test sets, after which nothing is known of earlier ones."""
    from fastloss._compile import threads

    now = {"wall": 1000.0, "busy": 0.0}
    monkeypatch.setattr(threads.time, "perf_counter", lambda: now["wall"])
    monkeypatch.setattr(threads.time, "thread_time", lambda: now["busy"])
    monkeypatch.setattr(threads, "_Calls", type("_Calls", (), dict(vars(threads._Calls))))
    for name, value in {"last": 0.0, "elements": 0, "per_element": 0.0, "trial": False, "alone": False, "patience": 1,
                        "left": 0}.items():  # fmt: skip
        setattr(threads._Calls, name, value)

    def call(elements, together=(0.0, 0.0), alone=(0.0, 0.0), pause=1.0):
        """Whether it runs on several threads; (wall time, that of this thread) with them and without."""
        now["wall"] += pause

        def run(parallel):
            wall, busy = together if parallel else alone
            now["wall"], now["busy"] = now["wall"] + wall, now["busy"] + busy
            return parallel

        return threads.on_threads(elements, run)

    return call


def test_workers_that_sleep_are_woken_for_many_elements_only(calls):
    assert not calls(16383)
    assert not calls(16384), "nobody was woken yet"
    assert calls(16384, pause=1e-4), "called again at once"
    assert not calls(131071, pause=2e-4)
    assert calls(131072)


WAITS, SERVED, SERIAL = (4e-3, 1e-4), (2e-4, 1.5e-4), (3e-4, 3e-4)


def test_threads_that_find_no_cores_are_left_alone_for_a_while(calls):
    def some(n, elements=10**6, **times):
        return [calls(elements, **({"together": WAITS, "alone": SERIAL} | times)) for _ in range(n)]

    assert some(1) == [True], "it waits for 3.9 ms"
    assert some(1) == [False], "one thread is tried, and is faster"
    assert some(1) == [False]
    assert calls(10**7, together=(1e-3, 9e-4)), "far larger ones gain all the same"
    assert calls(10**5) is False, "and smaller ones do not concern it"
    assert some(2) == [True, False], "it is asked again,"
    assert some(2) == [False, False], "and left alone longer"
    assert some(2) == [True, False]
    assert some(4) == [False] * 4
    assert some(5, together=SERVED) == [True] * 5, "its threads have cores again"


def test_threads_that_wait_and_are_faster_all_the_same(calls):
    slow = {"together": WAITS, "alone": (9e-3, 9e-3)}
    found = [calls(10**6, **slow) for _ in range(40)]
    assert found[:3] == [True, False, True]
    assert found.count(False) <= 6, "one thread is tried ever more seldom"


@compiled
@pytest.mark.parametrize("layer", ["tbb", "no such layer"])
def test_a_threading_layer_that_is_not_there(layer):
    """One thread computes, and a warning says so once."""
    if layer == "tbb":
        try:
            from numba.np.ufunc import tbbpool  # noqa: F401
        except ImportError:
            pass
        else:
            pytest.skip("TBB is installed")
    code = (
        "    import warnings\n    warnings.simplefilter('error')\n"
        + CALLS.replace("want = loss(y, z)", "want = loss(y[:5], z[:5])")
        + """
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        want = loss(y, z)
        check()
    assert [w.category for w in said] == [RuntimeWarning], said
    assert "one thread" in str(said[0].message)
    fl.show_versions()
    """
    )
    assert "layer none" in run(code, NUMBA_THREADING_LAYER=layer, NUMBA_NUM_THREADS="2")
