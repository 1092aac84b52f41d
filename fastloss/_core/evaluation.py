"""What is behind the methods of a loss: its description, the fast path, and the way to a backend."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from .._compile.threads import PARALLEL, on_threads
from .._cpu.fast_path import LARGEST
from .._cpu.launch import parallel_loop
from .._interop import dask
from .._request import checks
from .._request.description import Description, Request
from .dispatch import backend_of, gpu_backend
from .hyperparameters import check_all
from .options import check_construction
from .results import GradientHessian, LossGradient

_new = tuple.__new__


def _run(path: Any, size: int, *arrays: int) -> float:
    """Take a fast path, on one thread or on all."""
    if size < PARALLEL:
        return float(path.run(path.address, *arrays, 0))
    return float(on_threads(size, lambda parallel: path.run(path.address, *arrays, parallel_loop() if parallel else 0)))


class Evaluation:
    """Makes a loss of its hyperparameters, and evaluates requests."""

    __slots__ = ("_known", "_plans")
    _known: dict[str, Description]
    _plans: dict[Any, Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        check_construction(cls, args, kwargs)
        self = super().__new__(cls)
        object.__setattr__(self, "_known", {})
        object.__setattr__(self, "_plans", {})
        return self

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__

    def __post_init__(self) -> None:
        check_all(self)

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

    def _fast(self, y: Any, p: Any, w: Any, reduction: Any, order: int, out: Any) -> LossGradient[Any, Any] | None:
        """The result of a call that can take the fast path; None for others."""
        if w is not None or type(y) is not np.ndarray or type(p) is not np.ndarray or type(reduction) is not str:
            return None
        path, size = self._plans.get((reduction, order)), p.size
        if path is None or size > LARGEST:
            return None
        gradient = np.empty_like(p) if order and out is None else out
        if (type(gradient) is np.ndarray) != (order > 0):
            return None
        place = 0 if gradient is None else id(gradient)
        if size < PARALLEL:  # written out: a call of Python's is a tenth of a small one
            value = path.run(path.address, id(y), id(p), place, 0, 0)
        else:
            value = _run(path, size, id(y), id(p), place, 0)
        return _new(LossGradient, (value, gradient)) if value == value else None

    def _fast_hessian(self, y: Any, p: Any, w: Any, reduction: Any, out: Any) -> GradientHessian[Any] | None:
        """The same with the Hessian, without the loss."""
        if w is not None or type(y) is not np.ndarray or type(p) is not np.ndarray or type(reduction) is not str:
            return None
        path = self._plans.get((reduction, 2)) if p.size <= LARGEST else None
        if path is None:
            return None
        gradient, hessian = (
            (np.empty_like(p), np.empty_like(p)) if out is None else self._pair("gradient and Hessian", out)
        )
        if type(gradient) is not np.ndarray or type(hessian) is not np.ndarray:
            return None
        value = _run(path, p.size, id(y), id(p), id(gradient), id(hessian))
        return _new(GradientHessian, (gradient, hessian)) if value == value else None

    def _pair(self, what: str, out: Any) -> tuple[Any, Any]:
        if out is None:
            return None, None
        if not isinstance(out, tuple | list) or len(out) != 2:
            raise ValueError(f"{type(self).__name__}: out is {checks.article(out)}, expected a pair of arrays: {what}")
        return out[0], out[1]

    def _evaluate(self, request: Request) -> tuple[Any, Any, Any]:
        backend = gpu_backend(request)
        if backend is None and any(map(dask.is_lazy, (request.y_pred, request.y_true, request.sample_weight))):
            found: tuple[Any, Any, Any] = dask.evaluate(self, request)
            return found
        backend = backend or backend_of(type(self).__name__, {
            "y_true": request.y_true, "y_pred": request.y_pred, "sample_weight": request.sample_weight,
            "out (losses)": request.losses, "out (gradient)": request.gradient, "out (hessian)": request.hessian,
        })  # fmt: skip
        value, gradient, hessian = backend.evaluate(self._description, request)
        return value, gradient, hessian
