"""A loss as a function of JAX: `as_jax`, which jit, grad and vmap take."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ._core.arguments import check_loss, class_axis, shape_of_losses
from ._core.loss import Loss
from ._request import checks

try:
    import jax
except ImportError as error:
    raise ImportError('fastloss.jax needs JAX: pip install "fastloss[jax]"') from error

__all__ = ["as_jax"]


def as_jax(loss: Loss, reduction: str = "mean") -> Callable[..., Any]:
    """A loss as a function that JAX differentiates, compiles and maps.

    Parameters
    ----------
    loss : Loss
        A loss of fastloss, with its options.
    reduction : {"mean", "sum", "sum_over_batch_size", "none"}, default "mean"
        See `Loss`.

    Returns
    -------
    function : callable
        function(y_true, y_pred, sample_weight=None): the loss, in the dtype of y_pred, float32 for 16
        bits. Its derivative is by y_pred.

    Raises
    ------
    TypeError
        For what is no loss.
    ValueError
        For an unknown reduction.

    Notes
    -----
    It calls back from XLA to the CPU, where loss and gradient are computed in one pass: on a
    GPU or TPU arrays would travel, and XLA fuses nothing into it. Under vmap examples are
    computed one after another; a loss of a whole batch needs none. It has no second
    derivative.

    Examples
    --------
    >>> import jax, jax.numpy as jnp, numpy as np, fastloss as fl
    >>> from fastloss.jax import as_jax
    >>> loss = as_jax(fl.CategoricalCrossentropy(from_logits=True))
    >>> labels, logits = jnp.array([0, 2]), jnp.zeros((2, 3))
    >>> np.asarray(jax.jit(jax.grad(loss, argnums=1))(labels, logits)).round(4)
    array([[-0.3333,  0.1667,  0.1667],
           [ 0.1667,  0.1667, -0.3333]], dtype=float32)
    """
    check_loss("as_jax", loss)
    checks.reduction("as_jax", reduction)
    axis = class_axis(loss)

    def shape_of(p: Any) -> Any:
        dtype = np.float64 if p.dtype == np.float64 else np.float32
        return jax.ShapeDtypeStruct(shape_of_losses(loss, p.shape, reduction), dtype)

    def arrays(y: Any, p: Any, w: Any) -> Any:
        return np.asarray(y), np.asarray(p), None if w is None else np.asarray(w)

    def compute(y: Any, p: Any, w: Any) -> Any:
        y, p, w = arrays(y, p, w)
        return np.asarray(loss.loss(y, p, w, reduction=reduction), shape_of(p).dtype)  # type: ignore[call-overload]

    def compute_both(y: Any, p: Any, w: Any) -> Any:
        y, p, w = arrays(y, p, w)
        value, gradient = loss(y, p, w, reduction=reduction)  # type: ignore[call-overload]
        return np.asarray(value, shape_of(p).dtype), gradient

    @jax.custom_vjp
    def differentiable(y: Any, p: Any, w: Any) -> Any:
        return jax.pure_callback(compute, shape_of(p), y, p, w, vmap_method="sequential")

    def forward(y: Any, p: Any, w: Any) -> Any:
        shapes = shape_of(p), jax.ShapeDtypeStruct(p.shape, p.dtype)
        return jax.pure_callback(compute_both, shapes, y, p, w, vmap_method="sequential")

    def backward(gradient: Any, factor: Any) -> Any:
        if factor.ndim and axis is not None:
            factor = jax.numpy.expand_dims(factor, axis)
        return None, gradient * factor.astype(gradient.dtype), None

    differentiable.defvjp(forward, backward)

    def function(y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return differentiable(y_true, jax.numpy.asarray(y_pred), sample_weight)

    function.__name__ = function.__qualname__ = type(loss).__name__
    function.__doc__ = f"{loss!r}: function(y_true, y_pred, sample_weight=None)."
    return function
