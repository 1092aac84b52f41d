"""A forked child computes, whatever its parent was doing: with pools of threads, with locks, with a GPU."""

import importlib.util
import os
import sys

import pytest

from tests.test_threads import CALLS, compiled, run

pytestmark = [
    compiled,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform"),
    pytest.mark.filterwarnings("ignore"),
]

START = """
    import os, signal, sys, threading, time, warnings
    warnings.simplefilter("ignore")  # Python 3.12 warns of forking with threads; that is what is tested

    def child_ends(work, seconds=60):
        child = os.fork()
        if child == 0:
            try:
                work()
                os._exit(0)
            finally:
                os._exit(1)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found, status = os.waitpid(child, os.WNOHANG)
            if found:
                assert status == 0, f"the child ended with {status}"
                return
            time.sleep(0.01)
        os.kill(child, signal.SIGKILL)
        raise AssertionError("the child hangs")
"""
OPENMP = """
    import ctypes
    try:
        openmp = ctypes.CDLL("libgomp.so.1")
    except OSError:
        sys.exit(77)
    seen = set()
    region = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: seen.add(threading.get_native_id()))
    openmp.GOMP_parallel(region, None, 2, 0)  # as torch or LightGBM would: two threads run it, one stays in the pool
    assert len(seen) == 2
"""
LARGE = """
    def work():
        import numpy as np, fastloss as fl
        assert fl.mse.loss(np.zeros(200_000), np.ones(200_000)) == 1.0
"""


@pytest.mark.parametrize("imported", ["before", "after"])
def test_another_library_used_openmp(imported):
    """GNU OpenMP is one for the process: its pool has no threads in a child, whoever started it."""
    if importlib.util.find_spec("numba.np.ufunc.omppool") is None:
        pytest.skip("this Numba has no OpenMP")
    first = "import fastloss" if imported == "before" else ""
    code = f"{START}\n{OPENMP}\n{LARGE}\n    {first}\n    child_ends(work)\n    print('fine')"
    try:
        assert "fine" in run(code)
    except AssertionError as reason:
        if str(reason).startswith("exit 77"):
            pytest.skip("there is no libgomp.so.1 here")
        raise


def test_a_child_that_inherits_no_pool_uses_all_threads():
    code = f"""{START}
    def work():
        from fastloss._cpu import launch
        assert launch.may_run_parallel()
    import fastloss
    from fastloss._compile.forks import _openmp_is_loaded
    if not _openmp_is_loaded():
        child_ends(work)
    print('fine')
    """
    assert "fine" in run(code, NUMBA_NUM_THREADS="2")


def test_another_thread_compiles():
    """Numba's lock is held by a thread that the child does not have; the child loads its kernel under that lock."""
    code = f"""{START}
    import numba
    import numpy as np
    import fastloss as fl

    def compile_much():
        for k in range(40):
            numba.njit(lambda x: (x[x > k].sum() + np.sort(x)[k]) / np.median(x)).compile("float64(float64[::1])")

    def work():
        assert fl.mse.loss(np.zeros(10), np.ones(10)) == 1.0

    thread = threading.Thread(target=compile_much, daemon=True)
    thread.start()
    for _ in range(6):
        time.sleep(0.15)
        child_ends(work, 30)
    assert thread.is_alive(), "nothing was compiled meanwhile"
    print('fine', flush=True)
    os._exit(0)
    """
    assert "fine" in run(code)


@pytest.mark.parametrize("number", range(3))
def test_a_fork_waits_for_each_lock(number):
    """Of the compiler, of starting threads, of LLVM: none is held by a thread that the child does not have."""
    code = f"""{START}
    from fastloss._compile import forks as _forks
    assert len(_forks._LOCKS) == 3, "Numba or llvmlite has renamed a lock"
    held, released = threading.Event(), []

    def hold():
        with _forks._LOCKS[{number}]:
            held.set()
            time.sleep(0.5)
            released.append(True)

    def work():
        assert released
        import numpy as np, fastloss as fl
        assert fl.mse.loss(np.zeros(10), np.ones(10)) == 1.0

    threading.Thread(target=hold).start()
    held.wait()
    child_ends(work)
    child_ends(work)  # and gives them back in the parent
    work()
    print('fine')
    """
    assert "fine" in run(code)


def test_the_grandchild_of_a_parallel_parent():
    code = f"""{START}{CALLS}
    check()
    child_ends(lambda: (check(), child_ends(check)))
    check()
    print('fine')
    """
    assert "fine" in run(code, NUMBA_NUM_THREADS="2")


def test_a_pool_of_processes():
    code = f"""{CALLS}
    import multiprocessing, warnings
    warnings.simplefilter("ignore")
    check()
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map_async(check, range(8)).get(60) == [1] * 8
    print('fine')
    """
    assert "fine" in run(code, NUMBA_NUM_THREADS="2")


@pytest.mark.skipif(importlib.util.find_spec("numba_cuda") is None, reason="needs numba-cuda")
def test_a_gpu_in_a_forked_child_is_an_error():
    code = f"""{START}
    import fastloss._cuda.launch as launch

    def work():
        try:
            launch.driver()
        except RuntimeError as reason:
            assert "spawn" in str(reason)
        else:
            raise AssertionError("no error")

    child_ends(work)
    print('fine')
    """
    assert "fine" in run(code)


@pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")
def test_a_program_that_was_started_is_not_forked():
    assert "False" in run("from fastloss._compile.forks import _is_forked; print(_is_forked())")


@pytest.mark.parametrize("number", range(3))
def test_an_interrupt_while_a_fork_waits(number):
    """Python forks all the same when a hook is interrupted; both processes go on."""
    code = f"""{START}
    import numpy as np
    import fastloss as fl
    from fastloss._compile import forks as _forks

    def hold():
        with _forks._LOCKS[{number}]:
            held.set()
            time.sleep(1)

    def work():
        assert fl.mse.loss(np.zeros(10), np.ones(10)) == 1.0

    held = threading.Event()
    threading.Thread(target=hold).start()
    held.wait()
    threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    try:
        child_ends(work)
    except KeyboardInterrupt:
        pass
    done = threading.Thread(target=work, daemon=True)
    done.start()
    done.join(60)
    assert not done.is_alive(), "a lock is still taken"
    child_ends(work)
    print('fine')
    """
    assert "fine" in run(code)


def test_a_fork_by_a_program_in_c():
    """It tells Python afterwards, and only in the child, as servers that embed Python do."""
    code = f"""{START}
    import ctypes
    import numpy as np
    import fastloss as fl
    y, p = np.zeros(200_000), np.ones(200_000)
    fl.mse.loss(y, p)
    child = ctypes.PyDLL(None).fork()
    if child == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
        os._exit(0 if fl.mse.loss(y, p) == 1.0 and fl.mae.loss(y, p) == 1.0 else 1)
    assert os.waitpid(child, 0)[1] == 0
    print('fine')
    """
    assert "fine" in run(code, NUMBA_NUM_THREADS="2")
