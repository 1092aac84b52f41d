"""The public methods that every loss has."""

from typing import Any, ClassVar, Literal, Never, overload

from numpy.typing import ArrayLike

from .._interop import dask
from .._request import checks
from .._request.description import Request
from .dispatch import backend_of
from .evaluation import Evaluation
from .interval import EVERYTHING, Interval
from .options import wrong_option
from .results import Array, DeviceArray, GradientHessian, LossGradient, Reduced, Reduction


class Loss(Evaluation):
    """Base class of all losses: immutable, hashable, picklable, callable.

    A loss is made once, with its options, and called with (y_true, y_pred). All methods
    take `sample_weight` too, and `reduction` and `out` by keyword.

    Notes
    -----
    Reductions, with losses l and weights w:

    - "mean": sum(w l) / sum(w). Where the weights add up to 0 (nothing there, all
      ignored) the loss is 0, and so is the gradient; torch gives NaN.
    - "sum": sum(w l).
    - "sum_over_batch_size": sum(w l) / (number of losses), as in Keras.
    - "none": the array of w l. The gradient is that of the sum.

    Dtypes: y_true has y_pred's dtype, or is bool or any integer, and is read as it is;
    another float dtype is converted. Class indices may also be floats that are whole
    numbers. 16-bit floats are computed in float32. Arrays may have any strides, be
    read-only or memory-mapped.

    Weights: what a numpy.ma array masks has weight 0, in any of the three arrays; in rows
    of classes the whole row. An element of weight 0 adds exactly 0, even where it is NaN.

    Arrays: those of NumPy are computed on the CPU, those of CuPy, Numba and torch (CUDA)
    where they are.

    ValueError: shapes, reductions and options that do not fit, before anything is
    written; values outside the domain of the loss and negative weights, found in the
    pass, after which `out` is unspecified. TypeError: dtypes and mixtures of devices,
    before anything is written. NaN is not an error; it propagates.

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
    least: ClassVar[float] = 0.0
    """The minimum for a target of 1, which a picture of several losses subtracts."""

    @overload
    def loss_gradient(self, y_true: Any, y_pred: DeviceArray, sample_weight: Any = None, *,
                      reduction: Reduction = "mean", out: Any = None,
                      **wrong: Never) -> LossGradient[Any, Any]: ...  # fmt: skip
    @overload
    def loss_gradient(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None, *,
                      reduction: Reduced = "mean", out: Any = None,
                      **wrong: Never) -> LossGradient[float, Array]: ...  # fmt: skip
    @overload
    def loss_gradient(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None, *,
                      reduction: Literal["none"], out: Any = None,
                      **wrong: Never) -> LossGradient[Array, Array]: ...  # fmt: skip
    def loss_gradient(self, y_true: Any, y_pred: Any, sample_weight: Any = None, *, reduction: str = "mean",
                      out: Any = None, **wrong: Never) -> LossGradient[Any, Any]:  # fmt: skip
        """The loss and its gradient, in one pass over the data. A call of the loss is this.

        Parameters
        ----------
        y_true : array_like
            Targets, of y_pred's shape; class indices lack its class axis.
        y_pred : array_like
            Predictions: float32, float64, float16 or bfloat16.
        sample_weight : float or array_like, default None
            Weights >= 0: one, or in each dimension from the left as many as there are
            losses, or 1. None is 1.
        reduction : {"mean", "sum", "sum_over_batch_size", "none"}, default "mean"
            See `Loss`.
        out : array, default None
            Where the gradient is written: of y_pred's shape, any float dtype, any memory
            order. It may be y_pred. With reduction="none", a pair for losses and gradient.

        Returns
        -------
        loss : float
            With reduction="none" an array, as of `loss`. From arrays on a GPU a 0-d float64
            array there.
        gradient : array
            The derivative with respect to y_pred, of its shape and dtype, or `out`.

        Raises
        ------
        ValueError
            For shapes, options and values that do not fit.
        TypeError
            For dtypes and devices that do not fit.

        Examples
        --------
        >>> import numpy as np, fastloss as fl
        >>> loss, gradient = fl.mse(np.array([1.0, 2.0]), np.array([1.5, 1.0]))
        >>> loss, gradient
        (0.625, array([ 0.5, -1. ]))
        """
        if wrong:
            raise wrong_option(self, wrong)
        quick = self._fast(y_true, y_pred, sample_weight, reduction, 1, out)
        if quick is not None:
            return quick
        checks.reduction(type(self).__name__, reduction)
        if reduction == "none":
            losses, gradient = self._pair("losses and gradient", out)
        else:
            losses, gradient = None, out
        value, grad, _ = self._evaluate(Request(y_true, y_pred, sample_weight, reduction, 1, True, losses, gradient))
        return LossGradient(value, grad)

    __call__ = loss_gradient

    @overload
    def loss(self, y_true: Any, y_pred: DeviceArray, sample_weight: Any = None, *, reduction: Reduction = "mean",
             out: Any = None, **wrong: Never) -> Any: ...  # fmt: skip
    @overload
    def loss(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None, *,
             reduction: Reduced = "mean", out: Any = None, **wrong: Never) -> float: ...  # fmt: skip
    @overload
    def loss(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None, *,
             reduction: Literal["none"], out: Any = None, **wrong: Never) -> Array: ...  # fmt: skip
    def loss(self, y_true: Any, y_pred: Any, sample_weight: Any = None, *, reduction: str = "mean",
             out: Any = None, **wrong: Never) -> Any:  # fmt: skip
        """The loss alone: no gradient is computed.

        Parameters
        ----------
        y_true : array_like
            Targets, of y_pred's shape; class indices lack its class axis.
        y_pred : array_like
            Predictions: float32, float64, float16 or bfloat16.
        sample_weight : float or array_like, default None
            Weights >= 0: one, or in each dimension from the left as many as there are
            losses, or 1. None is 1.
        reduction : {"mean", "sum", "sum_over_batch_size", "none"}, default "mean"
            See `Loss`.
        out : array, default None
            Where losses are written, for reduction="none".

        Returns
        -------
        loss : float
            With reduction="none" an array of y_pred's shape, without the class axis, and of
            its dtype, float32 for 16-bit floats. From arrays on a GPU a 0-d float64 array
            there.

        Raises
        ------
        ValueError
            For shapes, options and values that do not fit.
        TypeError
            For dtypes and devices that do not fit.

        Examples
        --------
        >>> import numpy as np, fastloss as fl
        >>> fl.mae.loss(np.array([1.0, 2.0]), np.array([1.5, 1.0]))
        0.75
        >>> fl.mae.loss(np.array([1.0, 2.0]), np.array([1.5, 1.0]), reduction="none")
        array([0.5, 1. ])
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
    def gradient(self, y_true: Any, y_pred: DeviceArray, sample_weight: Any = None, *, reduction: Reduction = "mean",
                 out: Any = None, **wrong: Never) -> Any: ...  # fmt: skip
    @overload
    def gradient(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None, *,
                 reduction: Reduction = "mean", out: Any = None, **wrong: Never) -> Array: ...  # fmt: skip
    def gradient(self, y_true: Any, y_pred: Any, sample_weight: Any = None, *, reduction: str = "mean",
                 out: Any = None, **wrong: Never) -> Any:  # fmt: skip
        """The gradient alone: with from_logits=True, the derivative with respect to the logits.

        Parameters
        ----------
        y_true : array_like
            Targets, of y_pred's shape; class indices lack its class axis.
        y_pred : array_like
            Predictions: float32, float64, float16 or bfloat16.
        sample_weight : float or array_like, default None
            Weights >= 0: one, or in each dimension from the left as many as there are
            losses, or 1. None is 1.
        reduction : {"mean", "sum", "sum_over_batch_size", "none"}, default "mean"
            See `Loss`.
        out : array, default None
            Where the gradient is written; see `loss_gradient`.

        Returns
        -------
        gradient : array
            Of y_pred's shape and dtype, or `out`.

        Raises
        ------
        ValueError
            For shapes, options and values that do not fit.
        TypeError
            For dtypes and devices that do not fit.

        Examples
        --------
        >>> import numpy as np, fastloss as fl
        >>> fl.mse.gradient(np.array([1.0, 2.0]), np.array([1.5, 1.0]), reduction="sum")
        array([ 1., -2.])
        """
        if wrong:
            raise wrong_option(self, wrong)
        quick = self._fast(y_true, y_pred, sample_weight, reduction, 1, out)
        if quick is not None:
            return quick.gradient
        return self._evaluate(Request(y_true, y_pred, sample_weight, reduction, 1, False, None, out))[1]

    @overload
    def gradient_hessian(self, y_true: Any, y_pred: DeviceArray, sample_weight: Any = None, *,
                         reduction: Reduction = "mean", out: tuple[Any, Any] | list[Any] | None = None,
                         **wrong: Never) -> GradientHessian[Any]: ...  # fmt: skip
    @overload
    def gradient_hessian(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None, *,
                         reduction: Reduction = "mean", out: tuple[Any, Any] | list[Any] | None = None,
                         **wrong: Never) -> GradientHessian[Array]: ...  # fmt: skip
    def gradient_hessian(self, y_true: Any, y_pred: Any, sample_weight: Any = None, *, reduction: str = "mean",
                         out: Any = None, **wrong: Never) -> GradientHessian[Any]:  # fmt: skip
        """The gradient and the diagonal of the Hessian, as boosting and Newton's method want.

        Boosting wants reduction="sum": Hessians of a mean lie below the least weight of a
        leaf, and nothing is learnt. `fastloss.boosting` has the objectives.

        Parameters
        ----------
        y_true : array_like
            Targets, of y_pred's shape; class indices lack its class axis.
        y_pred : array_like
            Predictions: float32, float64, float16 or bfloat16.
        sample_weight : float or array_like, default None
            Weights >= 0: one, or in each dimension from the left as many as there are
            losses, or 1. None is 1.
        reduction : {"mean", "sum", "sum_over_batch_size", "none"}, default "mean"
            See `Loss`.
        out : pair of arrays, default None
            Where gradient and Hessian are written; see `loss_gradient`.

        Returns
        -------
        gradient, hessian : array
            The first and second derivative with respect to each element of y_pred, of its shape and
            dtype, or `out`.

        Raises
        ------
        ValueError
            For shapes, options and values that do not fit.
        TypeError
            For dtypes and devices that do not fit.

        Examples
        --------
        >>> import numpy as np, fastloss as fl
        >>> bce = fl.BinaryCrossentropy(from_logits=True)
        >>> y, z = np.array([1, 0]), np.array([0.0, 0.0])
        >>> gradient, hessian = bce.gradient_hessian(y, z, reduction="sum")
        >>> gradient, hessian
        (array([-0.5,  0.5]), array([0.25, 0.25]))
        """
        if wrong:
            raise wrong_option(self, wrong)
        quick = self._fast_hessian(y_true, y_pred, sample_weight, reduction, out)
        if quick is not None:
            return quick
        gradient, hessian = self._pair("gradient and Hessian", out)
        _, grad, hess = self._evaluate(
            Request(y_true, y_pred, sample_weight, reduction, 2, False, None, gradient, hessian)
        )
        return GradientHessian(grad, hess)

    def activate(self, z: Any, out: Any = None) -> Any:
        """Apply the loss's activation: sigmoid, softmax, tanh or exp; none leaves z as it is.

        Parameters
        ----------
        z : array_like
            Logits: float32, float64, float16 or bfloat16, of any shape.
        out : array, default None
            Where the result is written, of z's shape and any float dtype. It may be z.

        Returns
        -------
        array
            Of z's shape and dtype, or `out`.

        Raises
        ------
        ValueError
            For shapes, options and values that do not fit.
        TypeError
            For dtypes and devices that do not fit.

        Examples
        --------
        >>> import numpy as np, fastloss as fl
        >>> cce = fl.CategoricalCrossentropy(from_logits=True)
        >>> cce.activate(np.array([[0.0, 0.0]]))
        array([[0.5, 0.5]])
        """
        name = type(self).__name__
        if dask.is_lazy(z) and out is None:
            return dask.activate(self, z)
        return backend_of(name, {"z": z, "out": out}).activate(self._description, z, out)
