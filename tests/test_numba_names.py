"""Private names of Numba: all are listed in one module, and without any of them the package computes, and warns."""

import ast
import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

import fastloss as fl
from fastloss._compile import private
from tests.devices import SIMULATED
from tests.test_threads import compiled, run

ROOT = Path(fl.__file__).parent
CUDA = [group for group in private.GROUPS if group.names[-1].startswith("numba.cuda.")]
CPU = [group for group in private.GROUPS if group not in CUDA]
LOSSES = """
    import sys, warnings
    import numba, numpy as np
    from tests.hidden import hide
    hide({name!r})

    def check(n):
        z = np.linspace(-4, 4, 3 * n)
        y = (np.arange(3 * n) % 5 < 2) * 1.0
        loss, grad = fl.BinaryCrossentropy(from_logits=True)(y, z)
        np.testing.assert_allclose(loss, (np.logaddexp(0, z) - y * z).mean(), rtol=1e-12)
        np.testing.assert_allclose(grad, (1 / (1 + np.exp(-z)) - y) / z.size, rtol=1e-9, atol=1e-18)
        z, k = z.reshape(3, n).T.copy(), np.arange(n) % 3
        p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
        loss, grad = fl.CategoricalCrossentropy(from_logits=True)(k, z)
        np.testing.assert_allclose(loss, -np.log(p[np.arange(n), k]).mean(), rtol=1e-12)
        np.testing.assert_allclose(grad, (p - np.eye(3)[k]) / n, rtol=1e-9, atol=1e-18)

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        import fastloss as fl
        assert "fastloss" in sys.modules
        check(40)
        check(50_000)
        assert numba.threading_layer() and numba.get_num_threads() == 2
        fl.show_versions()
    said = [str(w.message) for w in said if w.category is RuntimeWarning]
    assert len(said) == 1, said
    assert {name!r} in said[0] and "0.61.2 to" in said[0], said
"""
COMPILED_ANOTHER_WAY = [private.LOWERING, private.LITERALS, private.CACHE]


def names(groups):
    return [pytest.param(group, name, id=name) for group in groups for name in (*group.names, *group.late)]


def test_nothing_is_missing_here():
    assert all(CPU)


@compiled
@pytest.mark.long
@pytest.mark.parametrize(("group", "name"), names(CPU))
def test_without_a_name(group, name, tmp_path_factory):
    """Imported, computed by one thread and by two; kernels are shared by all names that leave them alone."""
    kind = COMPILED_ANOTHER_WAY.index(group) if group in COMPILED_ANOTHER_WAY else "same"
    folder = tmp_path_factory.getbasetemp() / f"kernels-{kind}"
    run(LOSSES.format(name=name), NUMBA_CACHE_DIR=str(folder), NUMBA_NUM_THREADS="2")


ON_A_GPU = """
    import types, warnings
    import numpy as np
    from tests.hidden import hide
    hide({name!r})
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        import fastloss as fl
        had = vars(np).pop("row_stack", None)  # as in NumPy 2.5
        from fastloss._compile.cuda import handle
        if had:
            np.row_stack = had
        from fastloss._compile.cuda_cache import attach_to
        from numba import cuda
        dispatcher = cuda.jit(lambda: None)
        attach_to(dispatcher, dispatcher.py_func)
        cufunc = types.SimpleNamespace(handle=7)
        kernel = types.SimpleNamespace(bind=lambda: None, _codelibrary=types.SimpleNamespace(get_cufunc=lambda: cufunc))
        if "_codelibrary" in {name!r}:
            del kernel._codelibrary
        assert handle(kernel) == {handle}
        assert ("Null" in type(vars(dispatcher)["_cache"]).__name__) == {uncached}
        assert fl.mse.loss(np.zeros(4), np.ones(4)) == 1.0
    said = [str(w.message) for w in said if w.category is RuntimeWarning]
    assert len(said) == 1, said
    assert {name!r} in said[0], said
"""


@compiled
@pytest.mark.long
@pytest.mark.skipif(importlib.util.find_spec("numba_cuda") is None or SIMULATED, reason="needs numba-cuda")
@pytest.mark.parametrize(("group", "name"), names(CUDA))
def test_without_a_name_of_numba_cuda(group, name):
    """As far as it goes without a card: what is not there is not used."""
    launched = 0 if group is private.CUDA_LAUNCH else 7
    uncached = group is private.CUDA_CACHE and name not in group.late
    run(ON_A_GPU.format(name=name, handle=launched, uncached=uncached))


@pytest.mark.skipif(importlib.util.find_spec("numba_cuda") is None or SIMULATED, reason="needs numba-cuda")
def test_a_launch_by_numba_itself(monkeypatch):
    from fastloss._cuda import launch

    seen = []

    class Dispatcher:
        def __getitem__(self, configuration):
            return lambda *arguments: seen.append((configuration, arguments))

    kernel = launch.Kernel("kernel", lambda: None, 3, 1, np.float32)
    monkeypatch.setattr(kernel, "handle", lambda device: 0)
    monkeypatch.setattr(kernel, "dispatcher", Dispatcher)
    launch.Launch(kernel, 5, 128, (launch.Address(1, 8), 40, launch.Address(0), 0.5))([1000, 2000], 0, 0)
    assert seen == [((5, 128, 0), (2008, 40, 1000, 0.5))]
    assert [type(value) for value in seen[0][1]] == [int, int, int, np.float32]


# --- no other private name ---------------------------------------------------------------------------------------

PUBLIC = {
    "numba": {
        "cfunc",
        "config",
        "cuda",
        "get_num_threads",
        "njit",
        "prange",
        "threading_layer",
        "types",
        "__version__",
    },
    "numba.core": {"cgutils"},
    "numba.extending": {"lower_builtin", "models", "register_model", "type_callable"},
    "numba_cuda": {"__version__"},
    "llvmlite": {"ir", "binding"},
    "llvmlite.binding": {"get_host_cpu_features", "get_host_cpu_name", "get_process_triple"},
}
"""What their documentation has, and the package uses."""
LISTED = {name for group in private.GROUPS for name in (*group.names, *group.late)}
SOURCES = sorted(ROOT.rglob("*.py"))


def taken(tree):
    """Every (module, name) of Numba and llvmlite that a source imports, reads as an attribute of one, or spells out."""
    modules = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                package, _, rest = alias.name.partition(".")
                modules[alias.asname or package] = alias.name if alias.asname else package
                if rest and package in ("numba", "numba_cuda", "llvmlite"):
                    yield tuple(alias.name.rsplit(".", 1))
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.name) for alias in node.names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (owner := ast.unparse(node.value).split("."))[0] in modules:
            yield ".".join([modules[owner[0]], *owner[1:]]), node.attr
        elif isinstance(node, ast.Constant) and re.fullmatch(r"(numba|llvmlite)\w*[.:][\w.:]+", str(node.value)):
            yield "a string", node.value


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_private_name_is_listed(path):
    for module, name in taken(ast.parse(path.read_text())):
        if module == "a string":
            assert path == Path(private.__file__), f"{name} is spelled out beside the list"
            assert name in LISTED, f"{name} is in no group of names"
        elif module.partition(".")[0] in ("numba", "numba_cuda", "llvmlite"):
            if module == "llvmlite.ir" or module.startswith("numba.config") or "(" in module:  # of a public value
                continue
            assert name in PUBLIC.get(module, ()), f"{module}.{name} is private: list it in {private.__name__}"


def test_the_range_that_is_tested_is_the_range_that_is_stated():
    root = ROOT.parent
    pins = [(root / "requirements" / file).read_text() for file in ("oldest.txt", "core.txt")]
    for version, pin in zip(private.TESTED, pins, strict=True):
        assert f"numba=={version}" in pin.split()
    assert f'"numba>={private.TESTED[0]}"' in (root / "pyproject.toml").read_text()
