"""The contenders: each turns a case into a call that returns (mean loss, gradient) in the case's dtype."""

import importlib
import importlib.util
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import peers_numba, peers_numpy, plain
from .cases import HALVES, OWN, Array, Case

Call = Callable[[], tuple[Any, Any]]

CONTENDERS = ("plain", "fastloss", "numpy", "naive numba", "sklearn", "torch", "torch.compile", "jax")
BASE = "fastloss float32"
"""fastloss on the same values as float32 alone: what uint8 labels and 16-bit floats are compared with."""
PEERS = CONTENDERS[2:]
_IN_BFLOAT16 = ("plain", "fastloss", "torch", "torch.compile", "jax")
_PACKAGES = {"sklearn": "sklearn", "torch": "torch", "torch.compile": "torch", "jax": "jax"}


class UnavailableError(Exception):
    """A contender that cannot run here, with the reason."""


def contenders(case: Case) -> list[str]:
    """Who takes part in a case: what is installed and has the loss; the plain pass first."""
    names = [
        name
        for name in CONTENDERS
        if (name not in _PACKAGES or importlib.util.find_spec(_PACKAGES[name]))
        and (name != "sklearn" or case.loss in importlib.import_module(".peers_sklearn", __package__).NAMES)
    ]
    if case.dtype == "float16":  # a mean over 2^24 leaves its gradient no digits: ours is a sum, which peers have not
        names = names[:2]
    elif case.dtype == "bfloat16":  # NumPy adds in it, Numba and scikit-learn do not know it
        names = [name for name in names if name in _IN_BFLOAT16]
    return names + [BASE] * (case.base is not None)


def _ours(case: Case, y: Array, p: Array) -> Call:
    loss, gradient, reduction = OWN[case.loss], np.empty_like(p), "sum" if case.dtype in HALVES else "mean"
    return lambda: loss.loss_gradient(y, p, reduction=reduction, out=gradient)


def prepare(name: str, case: Case, y: Array, p: Array) -> Call:
    """The call of one contender."""
    match name:
        case "plain":
            return plain.prepare(case, y, p)
        case "fastloss":
            return _ours(case, y, p)
        case _ if name == BASE and case.base:
            return _ours(case.base, y.astype(case.base.label), p.astype(case.base.dtype))
        case "numpy":
            return peers_numpy.prepare(case, y, p)
        case "naive numba":
            return peers_numba.prepare(case, y, p)
    # These packages are optional, and imported only when they are to run.
    peer = importlib.import_module(f".peers_{_PACKAGES[name]}", __package__)
    if name != "torch.compile":
        call: Call = peer.prepare(case, y, p)
        return call
    if reason := peer.cannot_compile():
        raise UnavailableError(reason)
    compiled: Call = peer.prepare_compiled(case, y, p)
    return compiled


def factor(name: str, case: Case) -> float:
    """What a contender's results are multiplied by to compare them with the others'."""
    if name == "fastloss" and case.dtype in HALVES:
        return 1 / math.prod(case.shape)
    if name != "sklearn":
        return 1.0
    return float(importlib.import_module(".peers_sklearn", __package__).FACTORS.get(case.loss, 1.0))


def as_numpy(gradient: Any) -> Array:
    """A contender's gradient; torch has no bfloat16 that NumPy takes."""
    if str(getattr(gradient, "dtype", "")) == "torch.bfloat16":
        return np.asarray(gradient.view(importlib.import_module("torch").int16)).view("bfloat16")
    return np.asarray(gradient)
