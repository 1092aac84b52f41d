"""The public methods that every loss has."""

from typing import Any, ClassVar, Literal, Never, overload

from numpy.typing import ArrayLike

from .._request import checks
from .._request.description import Request
from .dispatch import backend_of
from .evaluation import Evaluation
from .interval import EVERYTHING, Interval
from .options import wrong_option
from .results import Array, DeviceArray, GradientHessian, LossGradient, Reduced, Reduction


class Loss(Evaluation):
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

    @overload
    def loss_gradient(self, y_true: Any, y_pred: DeviceArray, *, sample_weight: Any = None,
                      reduction: Reduction = "mean", out: Any = None,
                      **wrong: Never) -> LossGradient[Any, Any]: ...  # fmt: skip
    @overload
    def loss_gradient(self, y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None,
                      reduction: Reduced = "mean", out: Any = None,
                      **wrong: Never) -> LossGradient[float, Array]: ...  # fmt: skip
    @overload
    def loss_gradient(self, y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None,
                      reduction: Literal["none"], out: Any = None,
                      **wrong: Never) -> LossGradient[Array, Array]: ...  # fmt: skip
    def loss_gradient(self, y_true: Any, y_pred: Any, *, sample_weight: Any = None, reduction: str = "mean",
                      out: Any = None, **wrong: Never) -> LossGradient[Any, Any]:  # fmt: skip
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

    @overload
    def loss(self, y_true: Any, y_pred: DeviceArray, *, sample_weight: Any = None, reduction: Reduction = "mean",
             out: Any = None, **wrong: Never) -> Any: ...  # fmt: skip
    @overload
    def loss(self, y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None,
             reduction: Reduced = "mean", out: Any = None, **wrong: Never) -> float: ...  # fmt: skip
    @overload
    def loss(self, y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None,
             reduction: Literal["none"], out: Any = None, **wrong: Never) -> Array: ...  # fmt: skip
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

    @overload
    def gradient(self, y_true: Any, y_pred: DeviceArray, *, sample_weight: Any = None, reduction: Reduction = "mean",
                 out: Any = None, **wrong: Never) -> Any: ...  # fmt: skip
    @overload
    def gradient(self, y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None,
                 reduction: Reduction = "mean", out: Any = None, **wrong: Never) -> Array: ...  # fmt: skip
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

    @overload
    def gradient_hessian(self, y_true: Any, y_pred: DeviceArray, *, sample_weight: Any = None,
                         reduction: Reduction = "mean", out: Any = None,
                         **wrong: Never) -> GradientHessian[Any]: ...  # fmt: skip
    @overload
    def gradient_hessian(self, y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None,
                         reduction: Reduction = "mean", out: Any = None,
                         **wrong: Never) -> GradientHessian[Array]: ...  # fmt: skip
    def gradient_hessian(self, y_true: Any, y_pred: Any, *, sample_weight: Any = None, reduction: str = "mean",
                         out: Any = None, **wrong: Never) -> GradientHessian[Any]:  # fmt: skip
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
