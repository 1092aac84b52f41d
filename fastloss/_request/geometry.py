"""How the arrays of a call lie: the shape of the per-example losses, the classes and their axis."""

import math
import warnings
from typing import Any, NamedTuple

import numpy as np

from . import checks
from .description import Categorical, Description


class Geometry(NamedTuple):
    """The shape of the per-example losses, the classes and their axis, and whether y_true holds class indices."""

    examples: tuple[int, ...]
    classes: int = 1
    axis: int = 0
    indices: bool = False

    @property
    def number(self) -> int:
        """How many examples there are."""
        return math.prod(self.examples)

    @property
    def inner(self) -> int:
        """The distance of two classes in memory."""
        return math.prod(self.examples[self.axis :])


def geometry(loss: Description, y: Any, p: Any, float_labels: bool = False) -> Geometry:
    """Check the shapes of y_true and y_pred; float_labels: class indices may be floats of 32 or 64 bits."""
    if not isinstance(loss, Categorical):
        if y.shape != p.shape:
            raise ValueError(f"{loss.name}: y_true has shape {y.shape}, y_pred has shape {p.shape}; fastloss does not "
                             f"broadcast{_shape_hint(y, p)}")  # fmt: skip
        checks.label(loss.name, y.dtype)
        labels = loss.label_weights
        if labels is not None and (p.ndim == 0 or len(labels) != p.shape[-1]):
            count = "1 value" if len(labels) == 1 else f"{len(labels)} values"
            hint = f"; for one weight pass pos_weight={labels[0]:g}" if len(labels) == 1 else ""
            raise ValueError(f"{loss.name}: pos_weight has {count}, y_pred has shape {p.shape}; expected one per "
                             f"label, the last axis{hint}")  # fmt: skip
        return Geometry(p.shape)
    axis = class_axis(loss, p)
    examples, classes = p.shape[:axis] + p.shape[axis + 1 :], p.shape[axis]
    if classes == 0 and math.prod(examples):
        raise ValueError(
            f"{loss.name}: y_pred has shape {p.shape} with no class on axis {loss.axis}, expected at least one"
        )
    indices = y.ndim == p.ndim - 1
    if y.shape != (examples if indices else p.shape):
        raise ValueError(
            f"{loss.name}: y_true has shape {y.shape}, y_pred has shape {p.shape} with classes on axis {loss.axis}; "
            f"expected class indices of shape {examples} or targets of shape {p.shape}{_axis_hint(y, p)}"
        )
    if indices and y.dtype.kind not in "iu" and not (float_labels and y.dtype.type in (np.float32, np.float64)):
        hint = "make them with numpy.unique(labels, return_inverse=True)" if y.dtype.kind in "USO" else (
            "convert them with .astype(int)")  # fmt: skip
        raise TypeError(f"{loss.name}: y_true has dtype {y.dtype} and no class axis, expected integer class indices; "
                        f"{hint}")  # fmt: skip
    if not indices and loss.ignore_index is not None:
        raise ValueError(f"{loss.name}: ignore_index is {loss.ignore_index} with dense targets, expected class indices")
    if loss.factors is not None and len(loss.factors) != classes:
        raise ValueError(
            f"{loss.name}: {loss.factors_name} has {len(loss.factors)} values, y_pred has {classes} classes on axis "
            f"{loss.axis}; expected one per class"
        )
    if not indices:
        checks.label(loss.name, y.dtype)
    _warn(loss.name, p.shape, classes, indices)
    return Geometry(examples, classes, axis, indices)


def _shape_hint(y: Any, p: Any) -> str:
    """How one of two shapes becomes the other, where that is no guess."""
    if [n for n in y.shape if n != 1] == [n for n in p.shape if n != 1]:
        return f", reshape one: numpy.reshape(y_true, {p.shape})"
    if y.ndim == 2 and y.shape == p.shape[::-1]:
        return ", transpose one: y_true.T"
    if y.dtype.kind in "iu" and y.shape == p.shape[:-1]:
        return "; for class indices use CategoricalCrossentropy"
    return ""


def _axis_hint(y: Any, p: Any) -> str:
    """The class axis that class indices would fit."""
    fitting = [k for k in range(p.ndim) if y.shape == p.shape[:k] + p.shape[k + 1 :]]
    return f"; such class indices fit axis={fitting[0]}" if fitting else ""


def _warn(name: str, shape: tuple[int, ...], classes: int, indices: bool) -> None:
    """Say what was computed where something else was probably meant."""
    said = ""
    if len(shape) == 1 and not indices and classes > 1:
        said = f"one example of {classes} classes; for {classes} examples of yes/no use BinaryCrossentropy"
    elif classes == 1 and 0 not in shape:
        said = "one class, whose probability is 1; for yes/no use BinaryCrossentropy"
    if said:
        warnings.warn(f"{name}: y_pred has shape {shape}, which is {said}", UserWarning, stacklevel=6)


def class_axis(loss: Categorical, p: Any) -> int:
    """The axis of the classes, counted from the first."""
    if not -p.ndim <= loss.axis < p.ndim:
        raise ValueError(f"{loss.name}: axis is {loss.axis}, y_pred has {p.ndim} dimensions; expected an axis of it")
    return int(loss.axis % p.ndim)
