"""`python -m fastloss`."""

import io
import os
import subprocess
import sys

import pytest

import fastloss as fl
from fastloss.__main__ import losses, main
from fastloss._choose import LOSSES


def test_versions(capsys):
    assert main(["show-versions"]) == 0
    assert fl.__version__ in capsys.readouterr().out


def test_choose_by_options(capsys):
    assert main(["choose", "--task", "single-label classification", "--activation", "tanh"]) == 0
    out = capsys.readouterr().out
    assert "loss = fastloss.CategoricalCrossentropy()" in out
    assert "one of several classes" in out
    assert out.startswith("warning: tanh gives values in")
    assert main(["choose", "multiclass", "Tanh"]) == 0
    assert capsys.readouterr().out == out
    assert main(["choose", "multiclass", "--activation", "tanh"]) == 0
    assert capsys.readouterr().out == out


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    "answers", ["count regression\nexp\n", "5\n4\n", "count regresion\n5\n9\nExp\n", "Counts\nEXP\n"]
)
def test_choose_at_a_terminal(answers, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", Terminal(answers))
    assert main(["choose"]) == 0
    out = capsys.readouterr().out
    assert "What is to be learned?" in out
    assert "loss = fastloss.Poisson()" in out
    assert out.count("; expected one of") + out.count("? expected one of") == answers.count("\n") - 2  # it asks again
    assert "warning" not in out


def test_choose_at_a_terminal_that_says_nothing(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", Terminal(""))
    assert main(["choose"]) == 0
    assert capsys.readouterr().out.count("loss = ") == len(LOSSES)


def test_choose_without_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert main(["choose"]) == 0
    assert capsys.readouterr().out.count("loss = ") == len(LOSSES)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_choose_on_any_terminal(encoding):
    command = [sys.executable, "-m", "fastloss", "choose", "--task", "count regression", "--activation", "tanh"]
    done = subprocess.run(command, capture_output=True, check=True, env=os.environ | {"PYTHONIOENCODING": encoding})
    minus = "−" if encoding == "utf-8" else "-"
    assert f"tanh gives values in [{minus}1, 1], which Poisson cannot take; use exp" in done.stdout.decode(encoding)


def test_choose_that_is_interrupted(capsys, monkeypatch):
    def interrupted(question):
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", Terminal(""))
    monkeypatch.setattr("builtins.input", interrupted)
    assert main(["choose"]) == 130


@pytest.mark.parametrize("arguments", [["choose", "--task", "ranking"], ["plot", "x.png", "rank"],
                                       ["plot", "x.png", "focal", "mse"]])  # fmt: skip
def test_errors(arguments, capsys):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "expected one" in captured.err


@pytest.mark.parametrize("names", [[], ["bce"], ["mse", "mae"], ["focal"], ["margin"]], ids=" ".join)
def test_plot(names, tmp_path):
    matplotlib = pytest.importorskip("matplotlib", reason="Matplotlib, which draws, is not installed")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    assert main(["plot", str(tmp_path / "out.png"), *names]) == 0
    assert not plt.get_fignums()
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("file", ["mse", "", "-", "folder/", "losses.xyz"])
def test_plot_wants_a_file(file, capsys, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib", reason="Matplotlib, which draws, is not installed")
    monkeypatch.chdir(tmp_path)
    assert main(["plot", file, "mse"]) == 2
    assert f"the file is {file!r}, expected one that ends in ." in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["BCE", "BinaryCrossentropy", "Binary_Crossentropy"])
def test_plot_by_other_names(name, tmp_path):
    pytest.importorskip("matplotlib", reason="Matplotlib, which draws, is not installed")
    assert main(["plot", str(tmp_path / "a.svg"), name]) == 0
    assert (tmp_path / "a.svg").exists()


def test_what_was_meant(capsys):
    assert main(["plot", "x.png", "bceee"]) == 2
    assert "no picture of bceee; did you mean bce? expected" in capsys.readouterr().err
    assert main(["choose", "binary", "--task", "counts"]) == 2
    assert "'binary' and 'counts' are given for the same" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"fastloss {fl.__version__}\n"


def test_names():
    assert {"mse", "bce", "squared_hinge"} <= losses().keys()


def test_as_a_module():
    done = subprocess.run([sys.executable, "-m", "fastloss", "--help"], capture_output=True, text=True, check=True)
    assert "choose" in done.stdout
    assert "examples:" in done.stdout
