"""What objectives and metrics of all libraries have in common: a loss of raw margins, and which Hessian it gives."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from .._core.arguments import check_margins
from .._core.categorical import Categorical
from .._core.loss import Loss
from .._request.arrays import is_number, library_of, on_gpu
from ..losses.binary_crossentropy import BinaryCrossentropy
from ..losses.categorical_crossentropy import CategoricalCrossentropy
from ..losses.mean_absolute_error import MeanAbsoluteError
from ..losses.mean_squared_error import MeanSquaredError
from ..losses.poisson import Poisson

Hessian = float | Literal["library", "exact"]
LEAST = 1e-16
"""The smallest Hessian that is handed over, as in XGBoost: leaves are divided by sums of them."""
BUILT_IN = (BinaryCrossentropy, CategoricalCrossentropy, MeanSquaredError, Poisson)
"""Losses for which the libraries have an objective, whose Hessian is nowhere negative."""
POISSON_STEP = 0.7
"""XGBoost and LightGBM take the Hessian of Poisson so far to the right; the default of their max_delta_step."""


@dataclass(frozen=True)
class Margins:
    """A loss of raw margins, for one library."""

    loss: Loss
    library: ClassVar[str] = ""
    kind: ClassVar[str] = ""

    def __post_init__(self) -> None:
        check_margins(f"{self.library.lower()}_{self.kind}", self.loss, f"{self.library} hands over raw margins")

    def __deepcopy__(self, memo: Any) -> Any:
        """Itself: it is immutable, and scikit-learn's clone asks whether an estimator has kept what it was given."""
        return self

    @property
    def __name__(self) -> str:
        return type(self.loss).__name__


@dataclass(frozen=True)
class Objective(Margins):
    """Gradients and Hessians as a library wants them."""

    hessian: Hessian = "library"
    kind: ClassVar[str] = "objective"

    def __post_init__(self) -> None:
        super().__post_init__()
        h = self.hessian
        if h in ("library", "exact") or (is_number(h) and not isinstance(h, bool) and 0 < float(h) < math.inf):
            return
        raise ValueError(f"{self.library.lower()}_objective: hessian is {h!r}, expected 'library', 'exact' or a number "
                         "> 0, the smallest that is handed over")  # fmt: skip

    def softmax_factor(self, classes: int) -> float:
        """What the library multiplies p(1 - p) by."""
        return 1.0

    poisson_factor: ClassVar[float] = 1.0
    """What the library multiplies exp(z) by."""
    mae_scale: ClassVar[float] = 1.0
    """What the library multiplies the gradient of MAE by."""
    least: ClassVar[float] = LEAST
    """The smallest Hessian of the library's own objectives."""

    def _factor(self, z: Any) -> float:
        """What the Hessian is multiplied by."""
        if self.hessian == "library" and isinstance(self.loss, CategoricalCrossentropy):
            return self.softmax_factor(z.shape[1])
        return self.poisson_factor if self.hessian == "library" and isinstance(self.loss, Poisson) else 1.0

    def _floor(self) -> float:
        """The smallest Hessian that is handed over."""
        if not isinstance(self.hessian, str):
            return float(self.hessian)
        return self.least if self.hessian == "library" and isinstance(self.loss, BUILT_IN) else LEAST

    def derivatives(self, y: Any, z: Any, w: Any, out: Any = None) -> tuple[Any, Any]:
        """Gradient and Hessian of the weighted sum."""
        loss, own = self.loss, self.hessian == "library"
        if isinstance(loss, Categorical) and (z.ndim < 2 or z.shape[1] < 2):
            raise ValueError(f"{self.library.lower()}_objective: {type(loss).__name__} was handed margins of shape "
                             f"{tuple(z.shape)}, expected one for each class; set num_class")  # fmt: skip
        if own and isinstance(loss, MeanAbsoluteError):
            gradient = loss.gradient(y, z, scaled(w, self.mae_scale), reduction="sum", out=out and out[0])
            hessian = z * 0 if out is None else out[1]
            hessian[...] = 1 if w is None else by_row(w, z)
            return gradient, hessian
        if own and isinstance(loss, MeanSquaredError):  # they take half of it
            w = scaled(w, 0.5)
        factor, floor, place = self._factor(z), self._floor(), out
        if factor != 1 and out is not None:  # rounded once, as by the library: ties are broken alike
            place = out[0], np.empty_like(out[1], z.dtype)
        gradient, hessian = loss.gradient_hessian(y, z, w, reduction="sum", out=place)
        if factor != 1:
            hessian = np.multiply(hessian, factor, out=hessian if out is None else out[1], casting="same_kind")
        return gradient, at_least(hessian, floor if w is None or is_number(w) else by_row(w, z) * floor)


def scaled(w: Any, scale: float) -> Any:
    """Weights times a number."""
    if scale == 1 or w is None or is_number(w):
        return w if scale == 1 else scale * (1.0 if w is None else w)
    return w * w.dtype.type(scale)


def by_row(w: Any, z: Any) -> Any:
    """Weights of examples, beside margins of one or two dimensions."""
    return w if is_number(w) else w.reshape(w.shape + (1,) * (z.ndim - w.ndim))


def at_least(hessian: Any, least: Any) -> Any:
    """The Hessian, in place, where it is larger."""
    if is_number(least) and least == 0:
        return hessian
    if type(hessian) is np.ndarray:
        return np.maximum(hessian, np.asarray(least).astype(hessian.dtype), out=hessian)
    return hessian.clip(least)


def arguments(loss: Loss, first: Any, second: Any, w: Any) -> tuple[Any, Any, Any]:
    """Labels, margins and weights, of (labels, margins, weights) or of (margins, DMatrix or Dataset)."""
    if hasattr(second, "get_label"):
        first, second, w = second.get_label(), first, second.get_weight()
    return labels_of(loss, first, second), second, weights_of(w, second)


def labels_of(loss: Loss, y: Any, z: Any) -> Any:
    """The labels where the margins are: of their shape, or class indices."""
    y = y if on_gpu(y) else np.asarray(y)
    if on_gpu(z):
        if not on_gpu(y):
            y = library_of(z).asarray(y)
        if isinstance(loss, Categorical) and y.ndim < z.ndim and y.dtype.kind == "f":
            y = y.astype("int64")
    if y.shape == z.shape or isinstance(loss, Categorical) or y.size != z.size:
        return y
    return y.reshape(z.shape)


def weights_of(w: Any, z: Any) -> Any:
    """Weights where the margins are, as floats; None where there are none."""
    if w is None or is_number(w):
        return None if w is None else float(w)
    w = w if on_gpu(w) else library_of(z).asarray(w)
    return None if w.size == 0 else w.astype(np.float32) if w.dtype.kind in "biu" else w
