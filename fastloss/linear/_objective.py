"""The loss of a linear model as a function of its coefficients."""

import math
from typing import Any, NamedTuple, cast

import numpy as np

from .._core.arguments import check_margins
from .._core.categorical import Categorical
from .._core.loss import Loss
from .._cpu.evaluate import row_weights, targets_of_rows
from .._request import description
from .._request.arrays import library_of
from .._request.description import Request
from .._request.geometry import Geometry
from .._request.weights import is_masked
from ..losses.categorical_crossentropy import CategoricalCrossentropy
from ._arrays import as_matrix, is_sparse

ELEMENTS = 1 << 22
"""Elements of the matrices of a block of rows, for losses of classes whose Hessian has no short form."""


class Coefficients(NamedTuple):
    """The coefficients of a linear model."""

    coef: Any
    """(features,), or (features, outputs)."""
    intercept: Any
    """A float, or (outputs,); 0 where none is fitted."""


class LinearObjective:
    """The loss of X w as a function of w, for SciPy's optimisers.

    value(w) = mean of loss(y, X coef + intercept) + l2 / 2 * sum(coef^2), with its gradient in
    two matrix products and one pass of the loss, and products with its Hessian.

    Parameters
    ----------
    loss : Loss
        A loss of logits (`from_logits=True`) or of real numbers.
    X : (n, features) array or sparse matrix of SciPy, float32 or float64
        Also an array of CuPy; y and weights belong where it is.
    y : array_like
        (n,), or (n, outputs). Of losses of classes: class indices, or (n, K).
    sample_weight : array_like of shape (n,), default None
        Weights >= 0. None is 1.
    l2 : float, default 0.0
        The penalty of coefficients; intercepts have none.
    fit_intercept : bool, default True
        Whether there are intercepts.

    Attributes
    ----------
    size : int
        How many numbers w has: all coefficients, then the intercepts.

    Raises
    ------
    ValueError
        For shapes that do not fit.
    TypeError
        For what is no loss, and for other dtypes.

    Notes
    -----
    The mean divides by the sum of the weights. `LogisticRegression(C=C)` has l2 = 1 / (C n),
    `PoissonRegressor(alpha=a)` l2 = a, `Ridge(alpha=a)` with MSE l2 = 2 a / n.

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> from fastloss.linear import LinearObjective
    >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0])
    >>> objective = LinearObjective(fl.mse, X, y)
    >>> objective.value_and_gradient(np.array([2.0, 1.0]))
    (0.0, array([0., 0.]))
    """

    def __init__(self, loss: Loss, X: Any, y: Any, sample_weight: Any = None, l2: float = 0.0,
                 fit_intercept: bool = True) -> None:  # fmt: skip
        check_margins("LinearObjective", loss, "a linear model gives numbers of any size")
        if isinstance(loss, Categorical) and loss.axis not in (1, -1):
            raise ValueError(f"LinearObjective: axis of {type(loss).__name__} is {loss.axis}, expected -1")
        self.loss, self.l2, self.fit_intercept = loss, float(l2), bool(fit_intercept)
        if not 0 <= self.l2 < np.inf:
            raise ValueError(f"LinearObjective: l2 is {l2!r}, expected a number >= 0")
        self._X, self._w = as_matrix("LinearObjective", "X", X), sample_weight
        self._y = y if is_masked(y) else self._xp.asarray(y)
        n, features = self._X.shape
        if self._y.ndim not in (1, 2) or len(self._y) != n:
            raise ValueError(f"LinearObjective: y has shape {tuple(self._y.shape)}, X has {n} rows; expected ({n},) or "
                             f"({n}, outputs)")  # fmt: skip
        self._outputs: tuple[int, ...] = tuple(self._y.shape[1:])
        if isinstance(loss, Categorical) and not self._outputs:
            if self._y.dtype.kind not in "iuf":
                raise TypeError(f"LinearObjective: y has dtype {self._y.dtype}, expected class indices; make them with "
                                "numpy.unique(labels, return_inverse=True)")  # fmt: skip
            known = self._y if loss.ignore_index is None else self._y[self._y != loss.ignore_index]
            most = known.max() if len(known) else 0
            self._outputs = (1 if most is np.ma.masked else int(most) + 1,)
        if is_sparse(self._X):
            self._X = self._X.tocsr()
        self._features, outputs = features, math.prod(self._outputs)
        self._coefs = features * outputs
        self.size = self._coefs + self.fit_intercept * outputs
        self._curve: tuple[bytes, Any] | None = None

    @property
    def _xp(self) -> Any:
        return library_of(self._X)

    def coefficients(self, w: Any) -> Coefficients:
        """The parts of w.

        Parameters
        ----------
        w : array_like of shape (size,)
            Coefficients, then intercepts.

        Returns
        -------
        Coefficients
            (coef, intercept).
        """
        w = np.asarray(w)
        if w.shape != (self.size,):
            raise ValueError(f"LinearObjective: w has shape {w.shape}, expected ({self.size},)")
        if not self.fit_intercept:
            return Coefficients(w.reshape(self._features, *self._outputs), np.zeros(self._outputs)[()])
        coef, intercept = w[: self._coefs], w[self._coefs :]
        return Coefficients(coef.reshape(self._features, *self._outputs), intercept.reshape(self._outputs)[()])

    def value_and_gradient(self, w: Any) -> tuple[float, Any]:
        """The value and its gradient, as `scipy.optimize.minimize(jac=True)` wants them.

        Parameters
        ----------
        w : array_like of shape (size,)
            Coefficients, then intercepts.

        Returns
        -------
        value : float
        gradient : float64 array of shape (size,)
        """
        coef, _ = self.coefficients(w)
        z = self._margins(w)
        value, slope = self.loss(self._y, z, self._w, out=z)
        return float(value) + self.l2 / 2 * float(np.vdot(coef, coef)), self._back(slope, w)

    def hessian_product(self, w: Any, v: Any) -> Any:
        """The Hessian at w times a vector: `hessp` of SciPy's trust-ncg, trust-krylov and newton-cg.

        Parameters
        ----------
        w, v : array_like of shape (size,)
            Where, and the vector.

        Returns
        -------
        product : float64 array of shape (size,)
        """
        u = self._margins(v)
        if not isinstance(self.loss, Categorical):
            return self._back(self._curvature(w) * u, v)
        if isinstance(self.loss, CategoricalCrossentropy) and self.loss.from_logits and self._xp is np:
            p, s = self._curvature(w)
            return self._back(s * (p * (u - (p * u).sum(axis=1, keepdims=True))), v)
        return self._back(self._by_blocks(self._margins(w), u), v)

    def _margins(self, w: Any) -> Any:
        """X coef + intercept."""
        coef, intercept = (self._xp.asarray(part, dtype=self._X.dtype) for part in self.coefficients(w))
        z = self._X @ coef
        z += intercept
        return z

    def _back(self, slope: Any, w: Any) -> Any:
        """The gradient by w of something whose derivative by the margins is slope; and that of the penalty."""
        parts = [self._X.T @ slope]
        if self.fit_intercept:
            parts.append(slope.sum(axis=0))
        gradient = np.concatenate([np.asarray(p.get() if hasattr(p, "get") else p, np.float64).ravel() for p in parts])
        if self.l2:
            gradient[: self._coefs] += self.l2 * np.asarray(w, np.float64)[: self._coefs]
        return gradient

    def _curvature(self, w: Any) -> Any:
        """The second derivatives by the margins at w; kept, since a solver asks for many products at one place."""
        key = np.asarray(w).tobytes()
        if self._curve is None or self._curve[0] != key:
            self._curve = key, self._curvature_at(self._margins(w))
        return self._curve[1]

    def _curvature_at(self, z: Any) -> Any:
        if not isinstance(self.loss, Categorical):
            return self.loss.gradient_hessian(self._y, z, self._w).hessian
        known, shape, scale = self._rows(z)
        scale *= targets_of_rows(known, shape, np.asarray(self._y), z.dtype.type).sum(axis=1)
        return self.loss.activate(z, out=z), scale[:, None]

    def _rows(self, z: Any) -> tuple[description.Categorical, Geometry, Any]:
        """Of rows of classes: the loss as a backend sees it, how they lie, and the factor of each row in a mean."""
        known = cast(description.Categorical, self.loss._description)
        shape = Geometry(z.shape[:1], z.shape[1], 1, self._y.ndim == 1)
        return (
            known,
            shape,
            row_weights(known, shape, self._y, Request(self._y, z, self._w, "mean", 2, False), z.dtype.type),
        )

    def _by_blocks(self, z: Any, u: Any) -> Any:
        loss, out, classes = cast(Categorical, self.loss), np.empty_like(z), z.shape[1]
        step, (_, _, w) = max(1, ELEMENTS // classes**2), self._rows(z)
        for start in range(0, len(z), step):
            rows = slice(start, start + step)
            matrices = loss.gradient_hessian_matrix(self._y[rows], z[rows], w[rows], reduction="sum").hessian
            out[rows] = np.einsum("nij,nj->ni", matrices, u[rows])
        return out
