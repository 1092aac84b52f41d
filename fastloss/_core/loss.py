"""What every loss has: the public methods, and the way from arguments to one pass over the data."""

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, Never

import numpy as np

from .._cpu.fast_path import LARGEST
from .._request import checks
from .._request.description import Description, Request
from .dispatch import backend_of
from .hyperparameters import check_all, check_construction, wrong_option
from .interval import EVERYTHING, Interval

_new = tuple.__new__


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

    __slots__ = ("_known", "_plans")
    _known: dict[str, Description]
    _plans: dict[Any, Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        check_construction(cls, args, kwargs)
        self = super().__new__(cls)
        object.__setattr__(self, "_known", {})
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

    def loss_gradient(self, y_true: Any, y_pred: Any, *, sample_weight: Any = None, reduction: str = "mean",
                      out: Any = None, **wrong: Never) -> LossGradient:  # fmt: skip
        """The loss and its gradient, in one pass over the data.

        The loss is a float (with reduction="none" an array of y_pred's dtype, float32 for 16-bit floats, without the
        class axis); the gradient has y_pred's shape, and its dtype unless `out` has another. Errors: see `Loss`.
        """
        if wrong:
            raise wrong_option(self, wrong)
        quick = self._fast(y_true, y_pred, sample_weight, reduction, 1, out)
        if quick is not None:
            return quick
        checks.reduction(type(self).__name__, reduction)
        if reduction == "none":
            losses, gradient = self._pair("out", out)
        else:
            losses, gradient = None, out
        value, grad, _ = self._evaluate(Request(y_true, y_pred, sample_weight, reduction, 1, True, losses, gradient))
        return LossGradient(value, grad)

    __call__ = loss_gradient
    """A loss is called for both."""

    def loss(self, y_true: Any, y_pred: Any, *, sample_weight: Any = None, reduction: str = "mean",
             out: Any = None, **wrong: Never) -> Any:  # fmt: skip
        """The loss alone: a float, or the array of losses for reduction="none". No gradient is computed.

        `out` is for reduction="none": an array of the losses' shape. Errors: see `Loss`.
        """
        if wrong:
            raise wrong_option(self, wrong)
        quick = self._fast(y_true, y_pred, sample_weight, reduction, 0, out)
        if quick is not None:
            return quick.loss
        checks.reduction(type(self).__name__, reduction)
        if out is not None and reduction != "none":
            raise ValueError(f'{type(self).__name__}: out was given to loss() with reduction={reduction!r}, whose '
                             'result is a float; expected None, or reduction="none"')  # fmt: skip
        return self._evaluate(Request(y_true, y_pred, sample_weight, reduction, 0, True, out))[0]

    def gradient(self, y_true: Any, y_pred: Any, *, sample_weight: Any = None, reduction: str = "mean",
                 out: Any = None, **wrong: Never) -> Any:  # fmt: skip
        """The gradient alone, with respect to y_pred as it was passed: of its shape, and its dtype or that of `out`.

        Errors: see `Loss`.
        """
        if wrong:
            raise wrong_option(self, wrong)
        quick = self._fast(y_true, y_pred, sample_weight, reduction, 1, out)
        if quick is not None:
            return quick.gradient
        return self._evaluate(Request(y_true, y_pred, sample_weight, reduction, 1, False, None, out))[1]

    def gradient_hessian(self, y_true: Any, y_pred: Any, *, sample_weight: Any = None, reduction: str = "mean",
                         out: Any = None, **wrong: Never) -> GradientHessian:  # fmt: skip
        """The gradient and the diagonal of the Hessian: two arrays of y_pred's shape, and its dtype or that of `out`.

        `out` is a pair of arrays. Errors: see `Loss`.
        """
        if wrong:
            raise wrong_option(self, wrong)
        gradient, hessian = self._pair("out", out)
        _, grad, hess = self._evaluate(
            Request(y_true, y_pred, sample_weight, reduction, 2, False, None, gradient, hessian)
        )
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
        return backend_of(name, {"z": z, "out": out}).activate(self._description, z, out)

    # --- for the subclasses --------------------------------------------------------------------------------------

    def _maths(self) -> Any:
        """The scalar maths of the loss: see `_math.forms`."""
        raise NotImplementedError

    def _constants(self) -> Sequence[float]:
        """The constants of the maths: hyperparameters of the same names, 0 for None."""
        return [getattr(self, name) or 0.0 for name in self._maths().constants._fields]

    def _describe(self) -> Description:
        """What the loss is to a backend."""
        raise NotImplementedError

    @property
    def _description(self) -> Description:
        found = self._known.get("description")
        if found is None:
            found = self._known["description"] = self._describe()
        return found

    def _fast(self, y: Any, p: Any, w: Any, reduction: Any, order: int, out: Any) -> LossGradient | None:
        """The result of a call that is like an earlier one and not large; None for others."""
        if w is not None or type(y) is not np.ndarray or type(p) is not np.ndarray or type(reduction) is not str:
            return None
        path = self._plans.get((reduction, order))
        if path is None or p.size > LARGEST:
            return None
        gradient = np.empty_like(p) if order and out is None else out
        if (type(gradient) is np.ndarray) != (order > 0):
            return None
        value = path(y, p, gradient)
        return _new(LossGradient, (value, gradient)) if value == value else None

    def _pair(self, label: str, out: Any) -> tuple[Any, Any]:
        if out is None:
            return None, None
        if not isinstance(out, tuple | list) or len(out) != 2:
            raise ValueError(f"{type(self).__name__}: {label} is a {type(out).__name__}, expected a pair of arrays")
        return out[0], out[1]

    def _evaluate(self, request: Request) -> tuple[Any, Any, Any]:
        backend = backend_of(type(self).__name__, {
            "y_true": request.y_true, "y_pred": request.y_pred, "sample_weight": request.sample_weight,
            "out (losses)": request.losses, "out (gradient)": request.gradient, "out (hessian)": request.hessian,
        })  # fmt: skip
        value, gradient, hessian = backend.evaluate(self._description, request)
        return value, gradient, hessian
