"""A linear layer with cross-entropy whose logits exist a block of rows at a time."""

import numbers
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .._request import checks
from .._request.arrays import library_of
from .._request.weights import is_masked
from ..losses.categorical_crossentropy import CategoricalCrossentropy
from ._arrays import as_matrix

NAME = "linear_cross_entropy"
ELEMENTS = 1 << 24
"""Logits of a block: 64 MiB of float32."""
ROWS = 256
"""Rows of a block, at least: of fewer, matrix products are slow."""


class LinearCrossEntropy(NamedTuple):
    """A loss and its gradients."""

    loss: Any
    """A float; from arrays on a GPU one of no dimensions there."""
    grad_X: Any
    grad_W: Any
    grad_b: Any
    """None where there are no biases."""


def linear_cross_entropy(
    X: Any, W: Any, b: Any, labels: Any, sample_weight: Any = None, *, class_weight: Sequence[float] | None = None,
    ignore_index: int | None = None, label_smoothing: float = 0.0, z_loss: float = 0.0, reduction: str = "mean",
    block_rows: int | None = None,
) -> LinearCrossEntropy:  # fmt: skip
    """Softmax cross-entropy of X W + b with its gradients, without the matrix of logits.

    Parameters
    ----------
    X : (rows, features) array, float32 or float64
        Of NumPy, or of CuPy on a GPU, where all other arrays belong then.
    W : (features, classes) array of X's dtype
        The weights of the layer.
    b : (classes,) array or None
        Its biases.
    labels : (rows,) array of integers
        Class indices.
    sample_weight : (rows,) array, default None
        Weights >= 0. None is 1.
    class_weight : sequence of classes floats, default None
        As of `CategoricalCrossentropy`.
    ignore_index : int, default None
        Rows with this label do not count.
    label_smoothing : float in [0, 1), default 0.0
        As of `CategoricalCrossentropy`.
    z_loss : float, default 0.0
        Adds z_loss * log(sum(exp(logits)))^2 to the loss of each row, which keeps logits near
        where exponentials are accurate (PaLM uses 1e-4).
    reduction : {"mean", "sum"}, default "mean"
        A mean divides by the sum of the weights, class weights included.
    block_rows : int, default None
        Rows whose logits exist at once. None: so many that they take 64 MiB, 256 at least.

    Returns
    -------
    loss : float
    grad_X, grad_W, grad_b : array
        The derivatives by X, W and b.

    Raises
    ------
    ValueError
        For shapes, options and labels that do not fit.
    TypeError
        For other dtypes.

    Notes
    -----
    Each block costs three matrix products, one more than with the logits kept: none is
    computed twice, but the gradient by X needs W again.

    Examples
    --------
    >>> import numpy as np
    >>> from fastloss.linear import linear_cross_entropy
    >>> found = linear_cross_entropy(np.eye(2), np.zeros((2, 4)), None, np.array([0, 3]))
    >>> round(found.loss, 6), found.grad_X.shape, found.grad_W.shape, found.grad_b
    (1.386294, (2, 2), (2, 4), None)
    """
    given, X, W = X, as_matrix(NAME, "X", X), as_matrix(NAME, "W", W)
    xp, rows, classes = library_of(X), X.shape[0], W.shape[1]
    w = xp.ones(rows) if sample_weight is None else xp.asarray(_filled(sample_weight), dtype=np.float64)
    if is_masked(labels) or is_masked(given):
        w = w * ~(np.ma.getmaskarray(labels) | np.ma.getmaskarray(given).any(axis=1))
    labels, b = xp.asarray(np.ma.filled(labels, 0) if is_masked(labels) else labels), b if b is None else xp.asarray(b)
    _check(X, W, b, labels, z_loss, reduction, block_rows)
    loss = CategoricalCrossentropy(from_logits=True, class_weight=None if class_weight is None else tuple(class_weight),
                                   ignore_index=ignore_index, label_smoothing=label_smoothing)  # fmt: skip
    if w.shape not in ((), (rows,)):
        raise ValueError(f"{NAME}: sample_weight has shape {tuple(w.shape)}, expected ({rows},)")
    w = xp.broadcast_to(w, (rows,))
    if xp is np:
        _check_values(labels, w, classes, ignore_index)
    counted = _counted(xp, loss, labels, w, classes)
    total = 1.0
    if reduction == "mean":
        total = float(counted.sum())
    w, counted = (array / total if total else 0 * array for array in (w, counted))
    step = min(rows, block_rows or max(ROWS, ELEMENTS // max(classes, 1))) or 1
    logits = xp.empty((step, classes), X.dtype)
    grad_X, grad_W = xp.empty_like(X), xp.zeros_like(W)
    grad_b = None if b is None else xp.zeros(classes, X.dtype)
    value = 0.0
    for start in range(0, rows, step):
        part = slice(start, min(rows, start + step))
        z = logits[: part.stop - start]
        xp.matmul(X[part], W, out=z)
        if b is not None:
            z += b
        pull, extra = _pull(xp, loss, z, counted[part], z_loss) if z_loss else (None, 0.0)
        found, gradient = loss(labels[part], z, w[part], reduction="sum", out=z)
        value = value + found + extra
        if pull is not None:
            gradient += pull
        xp.matmul(gradient, W.T, out=grad_X[part])
        grad_W += X[part].T @ gradient
        if grad_b is not None:
            grad_b += gradient.sum(axis=0)
    return LinearCrossEntropy(value, grad_X, grad_W, grad_b)


def _filled(w: Any) -> Any:
    return np.ma.filled(w, 0) if is_masked(w) else w


def _pull(xp: Any, loss: CategoricalCrossentropy, z: Any, w: Any, z_loss: float) -> tuple[Any, Any]:
    """The gradient of z_loss times the squared log-sum-exp of rows, and its weighted sum."""
    p = loss.activate(z)
    size = z.max(axis=1).astype(np.float64) - xp.log(p.max(axis=1).astype(np.float64))
    p *= (2 * z_loss * w * size).astype(p.dtype)[:, None]
    value = z_loss * (w * size**2).sum()
    return p, float(value) if xp is np else value


def _counted(xp: Any, loss: CategoricalCrossentropy, labels: Any, w: Any, classes: int) -> Any:
    """The weight of each row in a mean: class weights included, 0 where it is ignored."""
    ignored = labels == loss.ignore_index if loss.ignore_index is not None else xp.zeros(len(labels), bool)
    _, factors, _ = loss._class_factors()
    if factors is not None:
        if len(factors) != classes:
            raise ValueError(f"{NAME}: class_weight has {len(factors)} values, W has {classes} columns; "
                             "expected one per class")  # fmt: skip
        w = w * xp.asarray(factors)[xp.where((labels < 0) | (labels >= classes), 0, labels)]
    return xp.where(ignored, 0.0, w)


def _check(X: Any, W: Any, b: Any, labels: Any, z_loss: float, reduction: str, block_rows: int | None) -> None:
    rows, features = X.shape
    if W.shape[0] != features or W.dtype != X.dtype:
        raise ValueError(f"{NAME}: W has shape {tuple(W.shape)} and dtype {W.dtype}, X has shape {tuple(X.shape)} "
                         f"and dtype {X.dtype}; expected ({features}, classes) and {X.dtype}")  # fmt: skip
    if b is not None and tuple(b.shape) != (W.shape[1],):
        raise ValueError(f"{NAME}: b has shape {tuple(b.shape)}, expected ({W.shape[1]},) or None")
    if labels.shape != (rows,) or labels.dtype.kind not in "iu":
        raise ValueError(f"{NAME}: labels have shape {tuple(labels.shape)} and dtype {labels.dtype}, expected integers "
                         f"of shape ({rows},)")  # fmt: skip
    checks.reduction(NAME, reduction)
    if reduction not in ("mean", "sum"):
        raise ValueError(f"{NAME}: reduction is {reduction!r}, expected 'mean' or 'sum'")
    if not 0 <= z_loss < np.inf:
        raise ValueError(f"{NAME}: z_loss is {z_loss!r}, expected a number >= 0")
    if block_rows is not None and (not isinstance(block_rows, numbers.Integral) or block_rows < 1):
        raise ValueError(f"{NAME}: block_rows is {block_rows!r}, expected a number of rows >= 1 or None")


def _check_values(labels: Any, w: Any, classes: int, ignore_index: int | None) -> None:
    """Labels and weights, before anything is computed: a block knows its own rows only."""
    wrong = np.flatnonzero(w < 0)
    if len(wrong):
        raise ValueError(f"{NAME}: sample_weight[{wrong[0]}] is {w[wrong[0]]}, expected a weight >= 0")
    wrong = np.flatnonzero(((labels < 0) | (labels >= classes)) & (w != 0))
    wrong = wrong if ignore_index is None else wrong[labels[wrong] != ignore_index]
    if len(wrong):
        hint = "" if ignore_index is None else f" or ignore_index={ignore_index}"
        raise ValueError(f"{NAME}: labels[{wrong[0]}] is {labels[wrong[0]]}, expected a class in [0, {classes}){hint}")
