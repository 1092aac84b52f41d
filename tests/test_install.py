"""Import, disk cache, read-only installations, threads named in a report, and what the compiled code holds."""

import os
import re
import shutil
import subprocess
import sys
import textwrap
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import fastloss as fl
from fastloss import _jit, _passes
from tests.support import CLASSES, VARIANTS, categorical, name_of, sample
from tests.test_threads import compiled, run

ROOT = Path(fl.__file__).parent


def test_import_brings_no_other_array_library():
    code = """
    import sys, numba, numpy
    before = set(sys.modules)
    import fastloss
    new = {m.split(".")[0] for m in set(sys.modules) - before}
    assert not new & {"torch", "cupy", "jax", "dask", "scipy", "sklearn", "pandas", "numba_cuda", "tensorflow"}, new
    """
    run(code)


def copy_of_the_package(folder: Path) -> Path:
    shutil.copytree(ROOT, folder / "fastloss", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


PRINT_LOSS = """
    import sys; sys.path.insert(0, {path!r})
    import numpy as np, fastloss as fl
    from fastloss import _jit, _passes
    assert fl.__file__.startswith({path!r})
    print(fl.mse.loss(np.array([1.0, 2.0]), np.array([1.0, 5.0])))
    kernel = _passes._block(fl.mse._maths(), np.float64, 0)
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
        ("_cpu/blocks.py", "lanes[j] = values[j] if", "lanes[j] = -values[j] if", "-3.0"),
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
def test_damaged_cache_files_cost_a_compilation(tmp_path):
    code = PRINT_LOSS.format(path=str(copy_of_the_package(tmp_path)))
    cache = tmp_path / "cache"
    assert run(code, NUMBA_CACHE_DIR=str(cache)).split() == ["4.5", "0"]
    for file in cache.rglob("*.nb?"):
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    assert run(code, NUMBA_CACHE_DIR=str(cache)).split() == ["4.5", "0"]


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


def test_show_versions(capsys):
    fl.show_versions()
    printed = capsys.readouterr().out
    for word in ("fastloss", "numpy", "numba", "llvmlite", "threads", "layer", "cuda", "kernel cache"):
        assert word in printed


@compiled
@pytest.mark.parametrize("cls", CLASSES, ids=name_of)
def test_no_double_precision_in_float32_loops(cls, monkeypatch):
    """The vectorised loops of a float32 kernel hold no vector of doubles, and there are vectors of floats."""
    monkeypatch.setattr(_jit, "cache_folder", lambda: None)  # code from the cache cannot be listed
    for loss in (v for v in VARIANTS if type(v) is cls and not categorical(v)):
        kernel = _passes._block.__wrapped__(loss._maths(), np.float32, 1)
        listing = kernel.run.inspect_llvm(kernel.run.signatures[0])
        assert re.search(r"<\d+ x float>", listing), f"{name_of(loss)} is not vectorised"
        doubles = [line for line in listing.splitlines() if re.search(r"<\d+ x double>", line) and "store" not in line]
        assert not doubles, doubles[:5]


@compiled
def test_a_loss_compiles_few_kernels(monkeypatch):
    """Layouts, weights' shapes and read-only flags share kernels: one for each set of outputs."""
    loss = fl.MeanAbsoluteError()
    before = _passes._block.cache_info().currsize
    y, p = sample(loss, (30, 4), np.float32)
    for array in (p, np.asfortranarray(p), p[::2].repeat(2, 0), p.astype(np.float16)):
        for reduction in ("mean", "none", "sum"):
            loss(y, array, reduction=reduction)
            loss.loss(y, array, reduction=reduction)
            loss.gradient(y, array, reduction=reduction)
            loss.gradient_hessian(y, array, reduction=reduction)
    assert _passes._block.cache_info().currsize - before <= 3


@compiled
def test_a_call_with_out_allocates_nothing_that_grows():
    for loss in VARIANTS:
        peaks = []
        for rows in (1 << 14, 1 << 16):
            y, p = sample(loss, (rows, 4), np.float32)
            out = np.empty_like(p)
            for order in "CF":
                q = np.asarray(p, order=order)
                loss(y, q, out=out)
                tracemalloc.start()
                loss(y, q, out=out)
                peaks.append(tracemalloc.get_traced_memory()[1])
                tracemalloc.stop()
        assert peaks[2] < peaks[0] + 50_000, name_of(loss)
        assert peaks[3] < peaks[1] + 500_000, name_of(loss)
