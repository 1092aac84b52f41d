"""What calls return, and the types of their arguments."""

from typing import Any, Generic, Literal, NamedTuple, Protocol, TypeVar

from numpy.typing import NDArray

Array = NDArray[Any]
Reduced = Literal["mean", "sum", "sum_over_batch_size"]
"""Reductions to one number."""
Reduction = Literal["mean", "sum", "sum_over_batch_size", "none"]
L = TypeVar("L")
G = TypeVar("G")


class DeviceArray(Protocol):
    """An array of CuPy, Numba or torch: its results are of its library."""

    @property
    def __cuda_array_interface__(self) -> Any: ...


class LossGradient(NamedTuple, Generic[L, G]):
    """A loss and its gradient with respect to y_pred: a named tuple, so it unpacks in two.

    >>> import numpy as np, fastloss as fl
    >>> fl.mse(np.zeros(2), np.array([1.0, 3.0])).loss
    5.0
    """

    loss: L
    gradient: G


class GradientHessian(NamedTuple, Generic[G]):
    """A gradient and the diagonal of the Hessian, with respect to y_pred: a named tuple.

    >>> import numpy as np, fastloss as fl
    >>> fl.mse.gradient_hessian(np.zeros(2), np.array([1.0, 3.0]), reduction="sum").hessian
    array([2., 2.])
    """

    gradient: G
    hessian: G
