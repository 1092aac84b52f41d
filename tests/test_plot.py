"""The pictures: what they show, not how many pixels."""

import subprocess
import sys

import numpy as np
import pytest

import fastloss as fl
from fastloss._choose import name_of as name_in_text
from tests import plain
from tests.reference import reference_of
from tests.support import CLASSES, VARIANTS, categorical, name_of

matplotlib = pytest.importorskip("matplotlib", reason="Matplotlib, which draws, is not installed")
matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

from fastloss import plot  # noqa: E402


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def curves(axes):
    return {line.get_label(): line.get_xydata().T for line in axes.get_lines()}


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def labelled(axes):
    return bool(axes.get_xlabel()) and bool(axes.get_ylabel())


def title(loss):
    return name_in_text(type(loss)) + (", minus its minimum" if loss.least else "")


def test_losses():
    axes = plot.plot_losses()
    shown = curves(axes)
    assert {fl.MeanSquaredError, fl.Poisson} <= {type(loss) for loss in plot.REGRESSION}
    assert fl.BinaryCrossentropy not in {type(loss) for loss in plot.REGRESSION}
    assert legend(axes) == [title(loss) for loss in plot.REGRESSION]
    assert labelled(axes)
    for loss in plot.REGRESSION:
        x, values = shown[title(loss)]
        textbook, at_one = (plain.elementwise(loss, np.ones_like(p), p).loss for p in (x, np.ones(1)))
        np.testing.assert_allclose(values, textbook - (at_one if loss.least else 0), atol=1e-12, err_msg=title(loss))
        nearest = np.argmin(abs(x - 1))
        assert abs(values[nearest]) <= 1.01 * abs(x[nearest] - 1) + 1e-12, f"{title(loss)} is not 0 where the two agree"
    assert shown["mean squared error"][0].min() < 0


@pytest.mark.parametrize("draw", [
    lambda: plot.plot_losses(fl.mse), lambda: plot.plot_losses("mse"), lambda: plot.plot_losses(3),
    lambda: plot.plot_losses(target=np.nan), lambda: plot.plot_losses(target="1"), lambda: plot.plot_focal("12"),
    lambda: plot.plot_loss(fl.mse, True), lambda: plot.plot_margin(fl.mse), lambda: plot.plot_losses(target=np.ones(2)),
    lambda: plot.plot_loss(fl.BinaryCrossentropy(pos_weight=[1, 2])), lambda: plot.plot_focal([[1.0], [2.0]]),
])  # fmt: skip
def test_what_cannot_be_drawn(draw):
    with pytest.raises((TypeError, ValueError), match=r"(losses|target|gammas|ax|pos_weight) (is|has) .*expected"):
        draw()
    assert not plt.get_fignums(), "an empty figure is left"


def test_targets_that_are_left_out_are_drawn():
    for loss in (fl.BinaryCrossentropy(ignore_index=1), fl.BinaryCrossentropy(missing="ignore")):
        np.testing.assert_array_equal(curves(plot.plot_loss(loss))["loss"], curves(plot.plot_loss(fl.bce))["loss"])
    assert curves(plot.plot_focal(2)).keys() == {"γ = 2"}


@pytest.mark.parametrize("target", [0.5, 2.0, 0.0, 3, np.float32(1)])
def test_another_target(target):
    axes = plot.plot_losses(target=target)
    assert axes.get_xlabel() == f"prediction, for a target of {target:g}"
    for label, (x, values) in curves(axes).items():
        assert values.min() == pytest.approx(0, abs=2e-2), label
        assert x[values.argmin()] == pytest.approx(target, abs=2e-2), label
    with pytest.raises(ValueError, match="y_true"):
        plot.plot_losses([fl.bce], target=2.0)


def test_margin():
    axes = plot.plot_margin()
    shown = curves(axes)
    m = np.linspace(-3, 3, len(shown["hinge"][0]))
    bits = np.log1p(np.exp(-m)) / np.log(2)
    want = {"0-1": (m <= 0) * 1.0, "hinge": np.maximum(0, 1 - m), "squared hinge": np.maximum(0, 1 - m) ** 2,
            "cross-entropy (bits)": bits, "focal, γ = 2 (bits)": bits / (1 + np.exp(m)) ** 2}  # fmt: skip
    assert legend(axes) == [*want]
    assert labelled(axes)
    for name, values in want.items():
        np.testing.assert_allclose(shown[name], [m, values], atol=1e-12)
    for name in ("0-1", "hinge", "squared hinge", "cross-entropy (bits)"):
        assert np.interp(0, *shown[name]) == pytest.approx(1)


def test_chosen_losses():
    axes = plot.plot_losses([fl.mae, fl.BinaryCrossentropy(from_logits=True)])
    assert legend(axes) == ["mean absolute error", "binary cross-entropy, from logits"]
    with pytest.raises(ValueError, match=r"CategoricalCrossentropy.*several classes"):
        plot.plot_losses([fl.cce])


def test_errors_say_what_was_expected():
    with pytest.raises(ValueError, match="losses is empty"):
        plot.plot_losses([])
    with pytest.raises(ValueError, match="gammas is empty"):
        plot.plot_focal(())
    for draw in (plot.plot_loss, lambda loss: plot.plot_losses(iter([fl.mse, loss]))):
        with pytest.raises(TypeError, match=r"MeanSquaredError'>, expected a Loss, such as fastloss\.mse"):
            draw(fl.MeanSquaredError)
    assert not plt.get_fignums()


def test_the_axis_says_what_it_is():
    logits = fl.BinaryCrossentropy(from_logits=True)
    for losses, what in (
        ([fl.mae], "prediction, for a target of 1"),
        ([logits], "logit, for a target of 1"),
        ([logits, fl.squared_hinge], "prediction or logit, for a target of 1"),
    ):
        axes = plot.plot_losses(losses)
        assert axes.get_xlabel() == what
        for x, _ in curves(axes).values():
            assert axes.get_xlim() == pytest.approx((x[0], x[-1]), abs=0.01), "a part of the axis is empty"
    (_, values), _ = curves(axes).values()
    np.testing.assert_allclose(values, np.log1p(np.exp(-np.linspace(-3, 3, values.size))), atol=1e-12)


def test_losses_of_one_class_are_told_apart():
    axes = plot.plot_losses([fl.BinaryFocalCrossentropy(gamma=g, from_logits=True) for g in (2.0, 5.0)])
    assert legend(axes) == [f"binary focal cross-entropy, from logits{rest}" for rest in ("", ", gamma=5.0")]
    for loss in (fl.Poisson(from_logits=True), fl.Poisson(epsilon=1e-7)):  # what is above the least, in each form
        (curve,) = curves(plot.plot_losses([loss])).values()
        assert curve[1].min() == pytest.approx(0, abs=1e-4)


def test_no_two_lines_look_alike():
    lines = plot.plot_losses([*plot.REGRESSION, *plot.REGRESSION, fl.mse]).get_lines()
    # Line2D scales the dashes but keeps no name for them
    assert len({(line.get_color(), str(line._unscaled_dash_pattern)) for line in lines}) == len(lines)


def test_focal():
    gammas = (0, 0.5, 1, 2, 5)
    axes = plot.plot_focal()
    assert legend(axes) == ["γ = 0 (cross-entropy)", *(f"γ = {g:g}" for g in gammas[1:])]
    assert labelled(axes)
    for gamma, (p, values) in zip(gammas, curves(axes).values(), strict=True):
        np.testing.assert_allclose(values, -((1 - p) ** gamma) * np.log(p), atol=1e-12)
    assert axes.texts[0].get_text().startswith("well-classified")
    (region,) = axes.patches
    assert region.get_x() == pytest.approx(0.6)
    with pytest.raises(ValueError, match="gamma"):
        plot.plot_focal((-1,))
    assert legend(plot.plot_focal(np.array([0.0, 3.0]))) == ["γ = 0 (cross-entropy)", "γ = 3"]


def at_a_corner(loss, x):
    """Where differences of neighbouring points are no derivative."""
    corners = () if getattr(loss, "from_logits", False) else reference_of(loss).corners
    return np.any([np.isclose(x, corner, atol=0.02) for corner in corners], axis=0) | np.zeros(x.shape, bool)


@pytest.mark.parametrize("loss", VARIANTS, ids=name_of)
def test_one_loss(loss):
    axes = plot.plot_loss(loss)
    shown = curves(axes)
    no = {"sigmoid": ["loss, target 0"], "tanh": ["loss, target −1"]}.get(loss.activation, [])
    assert legend(axes) == ["loss", "gradient", "Hessian", *no]
    for label in no:
        x, values = shown[label]
        want = plain.elementwise(loss, np.full_like(x, float(label.split()[-1].replace("−", "-"))), x).loss
        np.testing.assert_allclose(values, want, atol=1e-12)
    assert labelled(axes)
    assert ("logit" in axes.get_xlabel()) == getattr(loss, "from_logits", False)
    x, values = shown["loss"]
    middle = slice(50, -50)
    slope = np.gradient(values, x)
    if not (categorical(loss) and not getattr(loss, "from_logits", False)):
        # of two probabilities, only one moves in the derivative
        bends = at_a_corner(loss, x)
        np.testing.assert_allclose(shown["gradient"][1][middle][~bends[middle]], slope[middle][~bends[middle]],
                                   atol=0.05, rtol=0.05)  # fmt: skip
    bends = at_a_corner(loss, x)[middle]
    np.testing.assert_allclose(shown["Hessian"][1][middle][~bends],
                               np.gradient(shown["gradient"][1], x)[middle][~bends], atol=0.05, rtol=0.05)  # fmt: skip
    for label, (_, curve) in shown.items():
        assert np.isfinite(curve).all(), label
    assert axes.get_xlim() == pytest.approx((x[0], x[-1]), abs=0.01), "a part of the axis is empty"
    assert -7 < axes.get_ylim()[0] < axes.get_ylim()[1] < 7


@pytest.mark.parametrize("loss", [cls() for cls in CLASSES], ids=name_of)
def test_the_other_form(loss):
    if hasattr(loss, "from_logits"):
        assert "from logits" in plot.plot_loss(loss, from_logits=True).get_title("left")
        assert "from logits" not in plot.plot_loss(loss, from_logits=False).get_title("left")
    else:
        with pytest.raises(ValueError, match="no fused activation"):
            plot.plot_loss(loss, from_logits=True)


@pytest.mark.parametrize("loss", [fl.CategoricalCrossentropy(axis=0), fl.CategoricalCrossentropy(axis=2),
                                  fl.CategoricalCrossentropy(ignore_index=0), fl.BinaryCrossentropy(pos_weight=0.0),
                                  fl.BinaryCrossentropy(epsilon=1e-7)], ids=str)  # fmt: skip
def test_options_that_a_picture_has_no_room_for(loss):
    for from_logits in (False, True):
        shown = curves(plot.plot_loss(loss, from_logits=from_logits))
        usual = curves(plot.plot_loss(type(loss)(), from_logits=from_logits))
        if getattr(loss, "pos_weight", None) != 0:
            np.testing.assert_allclose(shown["loss"], usual["loss"], atol=1e-9)


@pytest.mark.parametrize(
    "draw", [plot.plot_losses, plot.plot_margin, plot.plot_focal, lambda ax=None: plot.plot_loss(fl.bce, ax)]
)
def test_axes_are_taken_and_given(draw):
    _, ax = plt.subplots()
    assert draw(ax=ax) is ax
    assert draw() is not ax
    assert len(plt.get_fignums()) == 2


def test_dark():
    with plt.style.context("dark_background"):
        axes = plot.plot_focal()
        dark = matplotlib.colors.to_rgb(plt.rcParams["text.color"])
        for text in (axes.xaxis.label, axes.yaxis.label, *axes.get_legend().get_texts(), *axes.texts):
            assert matplotlib.colors.to_rgb(text.get_color()) == dark
    assert len({(line.get_color(), line.get_linestyle()) for line in axes.get_lines()}) == 5


def test_it_is_there_when_asked_for():
    code = "import sys, fastloss; assert 'matplotlib' not in sys.modules; fastloss.plot.plot_focal"
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="has no attribute 'plots'"):
        fl.plots  # noqa: B018


def test_import_of_the_library_leaves_matplotlib_alone():
    code = "import sys, fastloss; assert 'matplotlib' not in sys.modules; sys.modules['matplotlib'] = None"
    code += "; import fastloss.plot"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "ImportError: fastloss.plot needs Matplotlib" in done.stderr
    assert 'pip install "fastloss[plot]"' in done.stderr
    code = code.replace("import fastloss.plot", "assert not hasattr(fastloss, 'plot'); fastloss.plot")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "AttributeError: fastloss.plot needs Matplotlib" in done.stderr
