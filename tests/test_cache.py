"""Compiled kernels on disk: found again, never stale, never damaged, wherever the package was imported from."""

import compileall
import os
import py_compile
import shutil
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import numba
import pytest

import fastloss as fl
from fastloss._compile import cache as _cache
from tests.test_threads import compiled, run

pytestmark = pytest.mark.slow
ROOT = Path(fl.__file__).parent


def copy_of_the_package(folder: Path) -> Path:
    shutil.copytree(ROOT, folder / "fastloss", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


PRINT_LOSS = """
    import sys; sys.path.insert(0, {path!r})
    import numpy as np, fastloss as fl
    from fastloss._compile import jit
    from fastloss._cpu import elementwise_pass
    assert fl.__file__.startswith({path!r})
    print(fl.mse.loss(np.array([1.0, 2.0]), np.array([1.0, 5.0])))
    kernel = elementwise_pass.block_function(fl.mse._maths(), np.float64, 0)
    print(sum(kernel.run.stats.cache_hits.values()))
"""


@compiled
def test_a_second_process_finds_the_kernels(tmp_path, monkeypatch):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    code = PRINT_LOSS.format(path=str(copy_of_the_package(tmp_path)))
    assert run(code).split() == ["4.5", "0"]
    assert run(code).split() == ["4.5", "1"]


@compiled
def test_an_edit_never_gives_the_old_answer(tmp_path, monkeypatch):
    """Not of the file with the kernel, nor of one that it inlines; sizes and times of the files stay the same."""
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    path = copy_of_the_package(tmp_path)
    code = PRINT_LOSS.format(path=str(path))
    assert run(code).split()[0] == "4.5"
    for file, old, new, want in [
        ("losses/mean_squared_error.py", "return d * d,", "return d + d,", "3.0"),
        ("_cpu/sums.py", "lanes[j] = values[j] if", "lanes[j] = -values[j] if", "-3.0"),
    ]:
        target = path / "fastloss" / file
        text, stat = target.read_text(), target.stat()
        assert old in text
        target.write_text(text.replace(old, new))
        shutil.rmtree(target.parent / "__pycache__" / "x", ignore_errors=True)
        for stale in (target.parent / "__pycache__").glob(f"{target.stem}.*.pyc"):
            stale.unlink()  # Python's own cache goes by the time of the file, which is put back below
        os.utime(target, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        assert run(code).split() == [want, "0"]


@compiled
def test_a_read_only_installation(tmp_path, monkeypatch):
    """Nothing beside the package can be written: the user's cache folder serves, or none at all."""
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    path = copy_of_the_package(tmp_path)
    (path / "fastloss" / "__pycache__").write_text("a file where a folder would be made")
    home = tmp_path / "home"
    code = PRINT_LOSS.format(path=str(path))
    assert run(code, XDG_CACHE_HOME=str(home), PYTHONDONTWRITEBYTECODE="1").split() == ["4.5", "0"]
    assert run(code, XDG_CACHE_HOME=str(home), PYTHONDONTWRITEBYTECODE="1").split() == ["4.5", "1"]
    home_file = tmp_path / "file"
    home_file.write_text("")
    assert run(code, XDG_CACHE_HOME=str(home_file), PYTHONDONTWRITEBYTECODE="1").split() == ["4.5", "0"]


@compiled
def test_kernels_of_different_processes_do_not_mix(tmp_path):
    """Each is compiled first in a process of its own; loaded together, each still is itself."""
    snippets = [
        "fl.mse.loss(y, p)",
        "fl.poisson.loss(y, p)",
        "fl.SquaredHinge(from_logits=True).loss(y, p)",
        "fl.BinaryFocalCrossentropy(from_logits=True, gamma=1).loss(y, p)",
        "fl.BinaryFocalCrossentropy(from_logits=True).loss(y, p)",
        "fl.CategoricalCrossentropy(from_logits=True).loss(k, z)",
        "fl.CategoricalFocalCrossentropy(from_logits=True).loss(k, z)",
    ]
    data = "y = np.ones(5, np.float32); p = y * 3; z = np.arange(6.0).reshape(2, 3); k = np.array([1, 1])"
    start = f"import numpy as np, fastloss as fl; {data}"
    env = {"NUMBA_CACHE_DIR": str(tmp_path)}
    alone = [run(f"{start}; print({snippet})", **env).strip() for snippet in snippets]
    for order in (1, -1):
        together = run(f"{start}; print({', '.join(snippets[::order])})", **env).split()
        assert together == alone[::order]
    assert len(set(alone)) == len(snippets)


@compiled
def test_many_processes_start_at_once(tmp_path):
    code = PRINT_LOSS.format(path=str(copy_of_the_package(tmp_path)))
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    command = [sys.executable, "-c", textwrap.dedent(code)]
    running = [subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for process in running:
        assert process.communicate(timeout=300)[0].split()[0] == "4.5"
        assert process.returncode == 0


@compiled
@pytest.mark.parametrize("form", ["without sources", "zip", "zip without sources"])
def test_a_package_without_source_files(tmp_path, form):
    """What the import system loads counts: the second version never gets the first one's machine code."""
    env = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    for version, (old, new, want) in enumerate([("", "", "4.5"), ("return d * d,", "return d + d,", "3.0")]):
        folder = copy_of_the_package(tmp_path / str(version))
        edit(folder / "fastloss" / "losses" / "mean_squared_error.py", old, new)
        if "without" in form:
            compileall.compile_dir(folder, quiet=1, legacy=True)
            for file in folder.rglob("*.py"):
                file.unlink()
        if "zip" in form:
            archive = tmp_path / f"{version}.zip"
            with zipfile.ZipFile(archive, "w") as target:
                for file in folder.rglob("*.py*"):
                    target.write(file, file.relative_to(folder))
            folder = archive
        code = PRINT_LOSS.format(path=str(folder))
        assert run(code, **env).split() == [want, "0"]
        assert run(code, **env).split() == [want, "1"], "not found again"


@compiled
def test_compiled_files_that_are_not_checked_against_their_sources(tmp_path):
    """The sources say one thing, what is loaded another (PEP 552): what is loaded counts."""
    folder = copy_of_the_package(tmp_path)
    code, env = PRINT_LOSS.format(path=str(folder)), {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    loss = folder / "fastloss" / "losses" / "mean_squared_error.py"
    py_compile.compile(str(loss), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    edit(loss, "return d * d,", "return d + d,")
    assert run(code, **env).split() == ["4.5", "0"], "Python itself loads the file that was compiled before"
    shutil.rmtree(loss.parent / "__pycache__")
    assert run(code, **env).split() == ["3.0", "0"]


@compiled
def test_an_importer_that_says_nothing(tmp_path):
    """Where the code cannot be told, nothing is kept."""
    code = """
    import importlib.machinery
    import numpy as np, fastloss as fl
    get = importlib.machinery.SourceFileLoader.get_code
    def refuse(self, name):
        if name.startswith("fastloss"):
            raise ImportError
        return get(self, name)
    importlib.machinery.SourceFileLoader.get_code = refuse
    assert fl._compile.digest.digest() is None
    assert fl.mse.loss(np.zeros(2), np.ones(2)) == 1.0
    fl.show_versions()
    """
    assert "none: " in run(code)


HOOK = """
    import ast, importlib.machinery, sys
    class Loader(importlib.machinery.SourceFileLoader):
        def source_to_code(self, data, path, *, _optimize=-1):
            return compile(data.replace(b"return d * d,", b"return d + d,"), path, "exec", dont_inherit=True)
        def get_code(self, name):
            return self.source_to_code(self.get_data(self.get_filename(name)), self.get_filename(name))
    class Finder(importlib.machinery.PathFinder):
        @classmethod
        def find_spec(cls, name, path=None, target=None):
            spec = super().find_spec(name, path, target)
            if spec is not None and name.startswith("fastloss.losses."):
                spec.loader = Loader(name, spec.origin)
            return spec
    sys.meta_path.insert(0, Finder)
"""


@compiled
@pytest.mark.parametrize("order", [1, -1])
def test_a_hook_that_changes_the_code(tmp_path, order):
    """As type checkers and mutation testers do: a process with it and one without do not share kernels."""
    plain = PRINT_LOSS.format(path=str(copy_of_the_package(tmp_path)))
    for code, want in [(plain, "4.5"), (HOOK + plain, "3.0")][::order]:
        assert run(code, NUMBA_CACHE_DIR=str(tmp_path / "cache")).split() == [want, "0"]


@compiled
def test_a_compiled_file_that_is_older_than_its_source(tmp_path):
    """An edit that leaves size and time as they were: Python runs the old code, but not for ever."""
    folder = copy_of_the_package(tmp_path)
    code, env = PRINT_LOSS.format(path=str(folder)), {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    loss = folder / "fastloss" / "losses" / "mean_squared_error.py"
    state = loss.stat()
    py_compile.compile(str(loss))
    edit(loss, "return d * d,", "return d + d,")
    os.utime(loss, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert run(code, **env).split() == ["4.5", "0"], "Python itself loads the old code"
    shutil.rmtree(loss.parent / "__pycache__")
    assert run(code, **env).split() == ["3.0", "0"]


@compiled
def test_an_edit_between_import_and_first_use(tmp_path):
    """The code in memory is of one version, the files are of another: nothing is kept."""
    folder, cache = copy_of_the_package(tmp_path), tmp_path / "cache"
    code = PRINT_LOSS.format(path=str(folder)).replace(
        "print(fl.mse", f"open({str(folder / 'fastloss' / 'plot.py')!r}, 'a').write('# edited')\n    print(fl.mse"
    )
    assert run(code, NUMBA_CACHE_DIR=str(cache)).split() == ["4.5", "0"]
    assert not cache.exists() or not files(cache)


@compiled
def test_an_edit_after_the_first_use(tmp_path):
    """What was compiled before it is kept, what is compiled after it is not: its code may be of neither version."""
    folder, cache = copy_of_the_package(tmp_path), tmp_path / "cache"
    edited = f"open({str(folder / 'fastloss' / 'plot.py')!r}, 'a').write('# edited')"
    code = (
        PRINT_LOSS.format(path=str(folder))
        + f"""
    {edited}
    print(fl.mae.loss(np.array([1.0, 2.0]), np.array([1.0, 5.0])))
    """
    )
    assert run(code, NUMBA_CACHE_DIR=str(cache)).split() == ["4.5", "0", "1.5"]
    kept = [path.name for path in files(cache)]
    assert any("squared" in name for name in kept)
    assert not any("absolute" in name for name in kept)


def files(folder):
    return sorted((folder / "fastloss").glob("*.nbc"))


def test_a_damaged_or_renamed_file_is_not_loaded(tmp_path):
    """Any single bit: of the checksum, of the data; and the file of another kernel."""
    kept = _cache.KernelFiles(str(tmp_path), "kernel", "1")
    kept.save("key", {"code": bytes(range(256))})
    assert kept.load("key") == {"code": bytes(range(256))}
    assert kept.load("another key") is None
    path = Path(kept._path("key"))
    whole = path.read_bytes()
    for place in range(len(whole)):
        broken = bytearray(whole)
        broken[place] ^= 1 << place % 8
        path.write_bytes(broken)
        assert kept.load("key") is None, place
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        assert kept.load("key") is None
    Path(kept._path("another key")).write_bytes(whole)
    assert kept.load("another key") is None


def halved(data):
    return data[: len(data) // 2]


def flipped(data):
    place = len(data) // 2
    return data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :]


@compiled
@pytest.mark.parametrize("damage", [halved, flipped])
def test_a_damaged_file_costs_a_compilation(tmp_path, damage):
    code = PRINT_LOSS.format(path=str(copy_of_the_package(tmp_path)))
    cache = tmp_path / "cache"
    assert run(code, NUMBA_CACHE_DIR=str(cache)).split() == ["4.5", "0"]
    for file in files(cache):
        file.write_bytes(damage(file.read_bytes()))
    assert run(code, NUMBA_CACHE_DIR=str(cache)).split() == ["4.5", "0"]
    assert run(code, NUMBA_CACHE_DIR=str(cache)).split() == ["4.5", "1"], "the damaged file is still there"


def test_a_file_is_named_by_all_that_it_depends_on(tmp_path, monkeypatch):
    """Versions of Numba, and settings of its compiler, do not evict each other."""

    def path(versions="numba1", key="key"):
        return _cache.KernelFiles(str(tmp_path), "mse", versions)._path(key)

    def key_of():
        codegen = type("Codegen", (), {"magic_tuple": lambda self: ("x86", "zen")})()
        return repr(_cache.KernelCache.key("sig", codegen))

    assert len({path(), path("numba2"), path(key="other")}) == 3
    assert numba.__version__ in _cache.KernelCache.versions
    before = key_of()
    for switch in ("OPT", "LOOP_VECTORIZE", "BOUNDSCHECK"):
        with monkeypatch.context() as patch:
            patch.setattr(numba.config, switch, 77)
            assert key_of() != before, switch


def test_a_full_disk_or_a_folder_that_went_away(tmp_path, monkeypatch):
    kept = _cache.KernelFiles(str(tmp_path / "gone"), "kernel", "1")
    kept.save("key", 1)
    assert kept.load("key") is None
    kept = _cache.KernelFiles(str(tmp_path), "kernel", "1")
    monkeypatch.setattr(os, "replace", lambda a, b: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    kept.save("key", 1)
    assert not [*tmp_path.iterdir()], "a file is left behind"


@compiled
def test_no_two_processes_give_a_function_one_symbol(tmp_path):
    """Nor two children of one fork."""
    code = """
    import os, sys, numpy as np, fastloss as fl
    from fastloss._cpu.elementwise import weigh
    from fastloss._compile.jit import compiling
    for _ in range(2):
        if os.fork() == 0:
            with compiling():
                weigh.compile("(float32[::1], float32[::1], float32)")
            print([found.fndesc.mangled_name for found in weigh.overloads.values()][0], flush=True)
            os._exit(0)
        assert os.wait()[1] == 0
    """
    symbols = [symbol for _ in range(2) for symbol in run(code, NUMBA_CACHE_DIR=str(tmp_path)).split()]
    assert len({*symbols}) == len(symbols) == 4


@compiled
def test_kernels_of_several_processes_work_together(tmp_path, monkeypatch):
    """Each process numbers its functions anew: equal names with different code would be linked to one of the two."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    code = """
    import numpy as np, fastloss as fl
    z, y = np.array([[50, 0, -20], [1, 2, 3]], np.float32), np.array([0, 1])
    for smoothing in {smoothings}:
        print(fl.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing).loss(y, z, reduction="none")[1])
    """
    assert float(run(code.format(smoothings=[0.1]))) == pytest.approx(1.4076059, rel=1e-6)
    wide = code.replace("float32", "float64")
    assert float(run(wide.format(smoothings=[0.1]))) == pytest.approx(1.4076059, rel=1e-6)
    for _ in range(2):
        for value in run(code.format(smoothings=[0.1, 0.0]) + wide.format(smoothings=[0.1, 0.0])).split():
            assert float(value) == pytest.approx(1.4076059, rel=1e-6)


@compiled
def test_compiling_prints_nothing(tmp_path):
    """LLVM says on the standard error of a loop that it was told to vectorise and cannot."""
    code = """
        import numpy as np, fastloss as fl
        y, p = np.ones(9), np.full(9, 0.5)
        for loss in (fl.mse, fl.poisson, fl.bce, fl.BinaryCrossentropy(from_logits=True), fl.msle):
            loss(y, p), loss.gradient_hessian(y, p)
        for k in (np.zeros(3, int), np.eye(3)):
            fl.CategoricalFocalCrossentropy(from_logits=True)(k, p.reshape(3, 3))
    """
    found = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, check=True, text=True,
                           env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)})  # fmt: skip
    assert found.stderr + found.stdout == ""
