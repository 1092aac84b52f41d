"""What every loss has: the public methods, and the way from arguments to one pass over the data."""

import math
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from .._math.constants import padded
from .._request import checks as _check
from .._request.weights import evened, hidden, is_masked, masked_like, without
from .dispatch import device_of
from .hyperparameters import check_all
from .interval import EVERYTHING, Interval


class LossGradient(NamedTuple):
    """A loss and its gradient with respect to y_pred: a named tuple, so it unpacks in two.

    >>> import numpy as np, fastloss as fl
    >>> fl.mse(np.zeros(2), np.array([1.0, 3.0])).loss
    5.0
    """

    loss: Any
    gradient: Any


class GradientHessian(NamedTuple):
    """A gradient and the diagonal of the Hessian, with respect to y_pred: a named tuple.

    >>> import numpy as np, fastloss as fl
    >>> fl.mse.gradient_hessian(np.zeros(2), np.array([1.0, 3.0]), reduction="sum").hessian
    array([2., 2.])
    """

    gradient: Any
    hessian: Any


class Loss:
    """Base class of all losses: immutable, hashable, picklable, and callable.

    All methods take `(y_true, y_pred, *, sample_weight=None, reduction="mean", out=None)`.

    - `y_true`: array of y_pred's shape (or class indices, see the categorical losses). The dtype of y_pred, bool and
      any integer are read as they are; another float dtype is converted, piece by piece.
    - `y_pred`: array of float32, float64, float16 or bfloat16 (16-bit floats are computed in float32). Any strides.
    - `sample_weight`: a number, or an array that has, in each dimension of the per-example losses from the left, that
      size or 1. What is masked in a numpy.ma array counts like weight 0, in any of the three (any class of a row: the
      row).
    - `reduction`: "mean" (sum of w·loss / sum of w), "sum", "sum_over_batch_size" (sum of w·loss / number of examples)
      or "none" (the array of w·loss). The gradient is scaled alike; for "none" it is that of the sum.
    - `out`: where to write: the gradient for `loss_gradient` and `gradient`; a pair for `gradient_hessian`; for
      reduction="none", (losses, gradient) for `loss_gradient` and the losses for `loss`. It is what is returned. It
      may be y_pred itself, and may have another float dtype or memory order.

    ValueError: shapes, reduction or hyperparameters that do not fit, before anything is written; and values outside
    the domain of the loss, found in the pass itself, after which `out` is unspecified. TypeError: dtypes that do not
    fit, before anything is written.

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> bce = fl.BinaryCrossentropy(from_logits=True, pos_weight=3.0)
    >>> y, z, w = np.array([1, 0]), np.array([0.0, 0.0]), np.array([1.0, 3.0])
    >>> loss, gradient = bce(y, z, sample_weight=w)
    >>> round(loss, 6), gradient
    (1.039721, array([-0.375,  0.375]))
    >>> bce == fl.BinaryCrossentropy(from_logits=True, pos_weight=3.0)
    True
    """

    __slots__ = ("_plans",)
    _plans: dict[tuple[str, int], Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        self = super().__new__(cls)
        object.__setattr__(self, "_plans", {})
        return self

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__

    def __post_init__(self) -> None:
        check_all(self)

    task: ClassVar[tuple[str, ...]] = ()
    """What the loss is for."""
    activation: ClassVar[str | None] = None
    """The activation that belongs to the loss, fused where from_logits=True."""
    use: ClassVar[str] = ""
    """When to use it, in half a sentence."""
    takes: ClassVar[Interval] = EVERYTHING
    """The predictions that it is defined for."""
    first: ClassVar[bool] = False
    """Whether it is the first choice of its tasks."""
    drawn: ClassVar[bool] = True
    """Whether a picture of the usual losses shows it."""
    least: ClassVar[float] = 0.0
    """The least loss of a target of 1, which a picture of several losses leaves out."""
    _room: ClassVar[int]
    """How many constants a call carries."""

    def loss_gradient(self, y_true: Any, y_pred: Any, *, sample_weight: Any = None, reduction: str = "mean",
                      out: Any = None) -> LossGradient:  # fmt: skip
        """The loss and its gradient, in one pass over the data.

        The loss is a float (with reduction="none" an array of y_pred's dtype, float32 for 16-bit floats, without the
        class axis); the gradient has y_pred's shape, and its dtype unless `out` has another. Errors: see `Loss`.
        """
        quick = self._shortcut(y_true, y_pred, sample_weight, reduction, 1, out)
        if quick is not None:
            return quick
        _check.reduction(type(self).__name__, reduction)
        if reduction == "none":
            losses, gradient = self._pair("out", out)
        else:
            losses, gradient = None, out
        value, grad, _ = self._evaluate(y_true, y_pred, sample_weight, reduction, 1, True, losses, gradient, None)
        return LossGradient(value, grad)

    def __call__(self, y_true: Any, y_pred: Any, *, sample_weight: Any = None, reduction: str = "mean",
                 out: Any = None) -> LossGradient:  # fmt: skip
        """The loss and its gradient, in one pass over the data: `loss_gradient`."""
        quick = self._shortcut(y_true, y_pred, sample_weight, reduction, 1, out)
        if quick is not None:
            return quick
        return self.loss_gradient(y_true, y_pred, sample_weight=sample_weight, reduction=reduction, out=out)

    def loss(self, y_true: Any, y_pred: Any, *, sample_weight: Any = None, reduction: str = "mean",
             out: Any = None) -> Any:  # fmt: skip
        """The loss alone: a float, or the array of losses for reduction="none". No gradient is computed.

        `out` is for reduction="none": an array of the losses' shape. Errors: see `Loss`.
        """
        quick = self._shortcut(y_true, y_pred, sample_weight, reduction, 0, out)
        if quick is not None:
            return quick.loss
        _check.reduction(type(self).__name__, reduction)
        if out is not None and reduction != "none":
            raise ValueError(f'{type(self).__name__}: out was given to loss() with reduction={reduction!r}, whose '
                             'result is a float; expected None, or reduction="none"')  # fmt: skip
        return self._evaluate(y_true, y_pred, sample_weight, reduction, 0, True, out, None, None)[0]

    def gradient(self, y_true: Any, y_pred: Any, *, sample_weight: Any = None, reduction: str = "mean",
                 out: Any = None) -> Any:  # fmt: skip
        """The gradient alone, with respect to y_pred as it was passed: of its shape, and its dtype or that of `out`.

        Errors: see `Loss`.
        """
        quick = self._shortcut(y_true, y_pred, sample_weight, reduction, 1, out)
        if quick is not None:
            return quick.gradient
        return self._evaluate(y_true, y_pred, sample_weight, reduction, 1, False, None, out, None)[1]

    def gradient_hessian(self, y_true: Any, y_pred: Any, *, sample_weight: Any = None, reduction: str = "mean",
                         out: Any = None) -> GradientHessian:  # fmt: skip
        """The gradient and the diagonal of the Hessian: two arrays of y_pred's shape, and its dtype or that of `out`.

        `out` is a pair of arrays. Errors: see `Loss`.
        """
        gradient, hessian = self._pair("out", out)
        _, grad, hess = self._evaluate(y_true, y_pred, sample_weight, reduction, 2, False, None, gradient, hessian)
        return GradientHessian(grad, hess)

    def activate(self, z: Any, out: Any = None) -> Any:
        """The loss's activation of logits z: sigmoid, softmax, tanh or exp; z itself where there is none.

        z is an array of float32, float64, float16 or bfloat16, of any shape; the result has its shape and dtype.
        `out` is where to write, of z's shape and any float dtype; it may be z itself. Errors: see `Loss`.

        >>> import numpy as np, fastloss as fl
        >>> fl.CategoricalCrossentropy(from_logits=True).activate(np.array([[0.0, 0.0]]))
        array([[0.5, 0.5]])
        """
        name = type(self).__name__
        device = device_of(name, {"z": z, "out": out})
        if device is not None:
            return device.activate(self, z, out)
        array = np.asarray(z)
        real = _check.real_dtype(name, array, "z")
        result = np.empty_like(array) if out is None else out
        target = _check.output(name, "out", result, array.shape, {"z": array})
        if array.size:
            self._activate(array, target, real)
        if out is None and is_masked(z):
            return masked_like(z, result, getattr(self, "axis", None))
        return result

    # --- for the subclasses --------------------------------------------------------------------------------------

    def _shortcut(self, y: Any, p: Any, w: Any, reduction: Any, order: int, out: Any) -> LossGradient | None:
        """The result of a small and simple call, if there is a short way for it; None else."""
        return None

    def _maths(self) -> Any:
        """The scalar maths of the loss: see `_math.forms`."""
        raise NotImplementedError

    def _constants(self) -> Sequence[float]:
        """The constants of the maths: hyperparameters of the same names, 0 for None."""
        return [getattr(self, name) or 0.0 for name in self._maths().constants._fields]

    def _numbers(self) -> tuple[float, ...]:
        """The constants as a call carries them."""
        return padded(self._constants(), self._room)

    def _layout(self, y: Any, p: Any, real: Any) -> "Layout":
        """Check y_true against y_pred; what the kernels need to know of their shapes."""
        raise NotImplementedError

    def _total(self, layout: "Layout", y: Any, w: Any, real: Any) -> float:
        """The sum of the weights of all examples."""
        raise NotImplementedError

    def _pass(self, layout: "Layout", y: Any, p: Any, w: Any, outputs: tuple[Any, Any, Any], scale: float, order: int,
              real: Any) -> float:  # fmt: skip
        """One pass over the data: the sum of the losses; writes losses, gradient and Hessian."""
        raise NotImplementedError

    def _activate(self, z: Any, out: Any, real: Any) -> None:
        with np.errstate(all="ignore"):  # what is too large for the dtype of out is inf, as everywhere
            np.copyto(out, z, casting="unsafe")

    def _device_pass(self, call: Any, layout: "Layout", mean: bool) -> Any:
        """The twin of _total and _pass on a device: the call with its scale, and the sums of the blocks."""
        raise NotImplementedError

    def _device_activate(self, z: Any, out: Any, real: Any, plan: Any) -> None:
        from .._cuda.layout import copy

        copy(z, out, plan, f"{type(self).__name__}: out")

    def _evened(self, layout: "Layout", y: Any, w: Any, real: Any) -> tuple[Any, Any, float]:
        """A loss and weights with the same mean, and their sum, whose inverse fits the compute dtype."""
        return self, *evened(w, lambda w: self._total(layout, y, w, real))

    def _pair(self, label: str, out: Any) -> tuple[Any, Any]:
        if out is None:
            return None, None
        if not isinstance(out, tuple | list) or len(out) != 2:
            raise ValueError(f"{type(self).__name__}: {label} is a {type(out).__name__}, expected a pair of arrays")
        return out[0], out[1]

    def _evaluate(self, y_true: Any, y_pred: Any, sample_weight: Any, reduction: str, order: int, valued: bool,
                  losses: Any, gradient: Any, hessian: Any) -> tuple[Any, Any, Any]:  # fmt: skip
        name = type(self).__name__
        if type(y_true) is not np.ndarray or type(y_pred) is not np.ndarray or sample_weight is not None:
            device = device_of(name, {"y_true": y_true, "y_pred": y_pred, "sample_weight": sample_weight,
                                      "out (losses)": losses, "out (gradient)": gradient,
                                      "out (hessian)": hessian})  # fmt: skip
            if device is not None:
                found = device.evaluate(self, y_true, y_pred, sample_weight, reduction, order, valued, losses, gradient,
                                        hessian)  # fmt: skip
                return found[0], found[1], found[2]
        p, y = np.asarray(y_pred), np.asarray(y_true)
        _check.reduction(name, reduction)
        real = _check.real_dtype(name, p)
        layout = self._layout(y, p, real)
        inputs = {"y_true": y, "y_pred": p}
        w = None
        if sample_weight is not None:
            w = np.asarray(sample_weight)
            w = w.reshape(_check.weight_shape(name, w, layout.examples))
            inputs["sample_weight"] = w
        if is_masked(y_true) or is_masked(y_pred) or is_masked(sample_weight):
            unseen = hidden(layout.examples, layout.axis, y_true, y_pred, sample_weight)
            w = w if unseen is None else without(unseen, w, real)
        results: list[Any] = []
        buffers: list[Any] = []
        each = valued and reduction == "none"
        wanted = (each, order >= 1, order >= 2)
        for label, out, want in zip(
            ("losses", "gradient", "hessian"), (losses, gradient, hessian), wanted, strict=True
        ):
            shape = layout.examples if label == "losses" else p.shape
            if not want:
                results.append(None)
                buffers.append(None)
                continue
            if out is None:
                out = np.empty(shape, real) if label == "losses" else np.empty_like(p)
                buffer = out
            else:
                buffer = _check.output(name, f"out ({label})", out, shape, inputs)
                inputs[f"out ({label})"] = buffer
            results.append(out)
            buffers.append(buffer)
        count = math.prod(layout.examples)
        loss, total = self, 1.0
        if reduction == "mean":
            loss, w, total = self._evened(layout, y, w, real) if count else (self, w, 0.0)
        elif reduction == "sum_over_batch_size":
            total = float(count)
        scale = 1.0 / total if total else 0.0
        value = 0.0
        if count and p.size:
            value = loss._pass(layout, y, p, w, (buffers[0], buffers[1], buffers[2]), scale, order, real)
        value = value * scale if reduction != "mean" else (value / total if total else 0.0)
        if total == 0.0:
            for buffer in buffers:
                if buffer is not None:
                    buffer[...] = 0
        return (results[0] if each else value), results[1], results[2]


class Layout(NamedTuple):
    """How the arrays of a call lie: the shape of the per-example losses, the classes and their axis."""

    examples: tuple[int, ...]
    classes: int = 1
    axis: int = 0
    indices: bool = False
