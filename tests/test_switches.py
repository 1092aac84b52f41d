"""Settings of Numba, in the environment and after the import: the same numbers, or a sentence."""

import pytest

from tests.test_threads import compiled, run

pytestmark = pytest.mark.slow
LOSSES = """
    import numpy as np, numba, fastloss as fl
    y, p = np.array([1.0, 0, 1]), np.array([0.9, 0.2, 0.7], np.float32)
    z = np.arange(60_000, dtype=np.float32).reshape(-1, 3) % 7
    k = np.arange(20_000) % 3
    def all_of_them():
        cce = fl.CategoricalCrossentropy(from_logits=True)
        return [fl.bce(y, p)[0], fl.mse(z, z * 2)[0], cce(k, z)[0], float(cce.activate(z)[0, 0])]
"""
SETTINGS = {"DISABLE_JIT": 1, "OPT": 0, "LOOP_VECTORIZE": 0, "CPU_NAME": "generic", "DEBUGINFO_DEFAULT": 1,
            "BOUNDSCHECK": 1, "ENABLE_CUDASIM": 1}  # fmt: skip
"""Those that change what is compiled, or whether it is."""


@pytest.fixture(scope="module")
def want():
    return run(LOSSES + "    print(all_of_them())")


@compiled
@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_that_changes_after_the_import(name, want):
    """What was compiled stays compiled, and what is compiled later is so too."""
    value = repr(SETTINGS[name])
    code = f"""{LOSSES}
    import fastloss._compile.jit
    numba.config.{name} = {value}
    first = all_of_them()
    assert first == all_of_them() and numba.config.{name} == {value}
    print(first)
    """
    assert run(code) == want


@compiled
@pytest.mark.parametrize("name", [name for name in SETTINGS if name not in ("DISABLE_JIT", "ENABLE_CUDASIM")])
def test_a_setting_of_the_environment(name, want):
    assert run(LOSSES + "    print(all_of_them())", **{f"NUMBA_{name}": str(SETTINGS[name])}) == want


@compiled
def test_plain_python_stays_plain(want):
    """NUMBA_DISABLE_JIT=1 at the import holds when it is taken back later."""
    code = f"""{LOSSES}
    z, k = z[:30], k[:30]
    first = all_of_them()
    numba.config.DISABLE_JIT = 0
    assert all_of_them() == first
    assert not hasattr(fl.mse._maths().point, "py_func")
    """
    run(code, NUMBA_DISABLE_JIT="1")


SIMULATED = """
    import numpy as np, numba, fastloss as fl
    {before}
    from numba import cuda
    there = cuda.to_device(np.zeros(3))
    {after}
    for call in (lambda: fl.mse(there, there), lambda: fl.mse.activate(there)):
        try:
            call()
        except RuntimeError as reason:
            assert "NUMBA_DISABLE_JIT=1" in str(reason), reason
        else:
            raise AssertionError("no error")
"""


@compiled
@pytest.mark.parametrize("when", ["environment", "before numba.cuda"])
def test_the_simulator_beside_compiled_code(when):
    """It runs Python functions, which compiled ones are not."""
    settings = {"NUMBA_ENABLE_CUDASIM": "1"} if when == "environment" else {}
    before = "" if settings else "numba.config.ENABLE_CUDASIM = 1"
    run(SIMULATED.format(before=before, after=""), **settings)


@compiled
def test_the_environment_changes_after_the_import(want, tmp_path):
    """Numba reads it again in the middle of a compilation."""
    code = (
        LOSSES
        + """
    import os
    os.environ["NUMBA_DISABLE_JIT"] = "1"
    print(all_of_them())
    """
    )
    assert run(code, NUMBA_CACHE_DIR=str(tmp_path)) == want
