"""The base class of losses over exclusive classes, on any axis, with class indices or a target for every class."""

from typing import Any

from .._compile.jit import in_python
from .._interop import dask
from .._math.elementary import slack
from .._math.forms import SoftmaxMaths
from .._request import description
from .._request.arrays import describe
from .._request.description import Request
from .dispatch import backend_of
from .interval import UNIT
from .loss import Loss
from .results import Array, GradientHessian, Reduction


class Categorical(Loss):
    """A loss of rows of classes."""

    from_logits: bool
    label_smoothing: float
    ignore_index: int | None
    epsilon: float | None
    axis: int
    signed_targets: bool = False
    task = ("single-label classification",)
    activation = "softmax"
    takes = UNIT

    def _maths(self) -> SoftmaxMaths:
        raise NotImplementedError

    def _class_factors(self) -> tuple[str, tuple[float, ...] | None, bool]:
        """Name and values of the factors by class, and whether they count as weights in the mean."""
        raise NotImplementedError

    def gradient_hessian_matrix(self, y_true: Any, y_pred: Any, sample_weight: Any = None, *,
                                reduction: Reduction = "mean") -> GradientHessian[Array]:  # fmt: skip
        """The gradient and the whole Hessian of each example, not its diagonal alone.

        For Newton's method and for CatBoost. On the CPU.

        Parameters
        ----------
        y_true : array_like
            Class indices, or targets of y_pred's shape.
        y_pred : array_like
            Predictions: float32, float64, float16 or bfloat16.
        sample_weight : float or array_like, default None
            A weight >= 0 for each example. None is 1.
        reduction : {"mean", "sum", "sum_over_batch_size", "none"}, default "mean"
            See `Loss`.

        Returns
        -------
        gradient : array
            Of y_pred's shape and dtype.
        hessian : array
            Of shape (..., K, K) for K classes, which are moved to the end: element [..., i, j] is
            the derivative by y_pred of classes i and j. From probabilities it is diagonal.

        Raises
        ------
        ValueError
            For shapes, options and values that do not fit.
        TypeError
            For dtypes that do not fit, and arrays on a GPU.

        Notes
        -----
        From logits, with the targets t (smoothed, times class weights) and p = softmax(z), that
        of cross-entropy is sum(t) (diag(p) - p p^T).

        Examples
        --------
        >>> import numpy as np, fastloss as fl
        >>> cce = fl.CategoricalCrossentropy(from_logits=True)
        >>> cce.gradient_hessian_matrix(np.array([0]), np.zeros((1, 2)), reduction="sum").hessian
        array([[[ 0.25, -0.25],
                [-0.25,  0.25]]])
        """
        name, given = type(self).__name__, {"y_true": y_true, "y_pred": y_pred, "sample_weight": sample_weight}
        if any(map(dask.is_lazy, given.values())):
            raise TypeError(f"{name}: gradient_hessian_matrix expects arrays in memory, not of Dask; "
                            "map_blocks takes it to each chunk")  # fmt: skip
        backend = backend_of(name, given)
        if not hasattr(backend, "gradient_hessian_matrix"):
            raise TypeError(
                f"{name}: y_pred is a {describe(y_pred)}; gradient_hessian_matrix expects arrays on the CPU"
            )
        request = Request(y_true, y_pred, sample_weight, reduction, 1, False)
        return GradientHessian(*backend.gradient_hessian_matrix(self._description, request))

    def _describe(self) -> description.Categorical:
        name, factors, counted = self._class_factors()
        return description.Categorical(
            type(self).__name__,
            self._maths(),
            tuple(self._constants()),
            plans=self._plans,
            from_logits=self.from_logits,
            label_smoothing=self.label_smoothing,
            factors_name=name,
            factors=factors,
            factors_weigh=counted,
            ignore_index=self.ignore_index,
            axis=self.axis,
            signed_targets=self.signed_targets,
            signs="signed_targets" in self.__dict__,
            slack=float(in_python(slack)(self.epsilon or 0.0)),
        )
