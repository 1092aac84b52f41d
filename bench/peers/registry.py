"""The contenders on the CPU, by name: who takes part in a case, and the call of each."""

import importlib
import importlib.util
import math
from typing import Any

import numpy as np

from ..cases.case import HALVES, Array, Case
from . import Call, UnavailableError, fastloss, numba as naive_numba, numpy as expressions_of_numpy, plain

CONTENDERS = ("plain", "fastloss", "numpy", "naive numba", "sklearn", "torch", "torch.compile", "jax")
PEERS = CONTENDERS[2:]
BASELINE = "fastloss float32"
"""fastloss on the same values as float32 alone: what uint8 labels and 16-bit floats are compared with."""
_WITH_BFLOAT16 = ("plain", "fastloss", "torch", "torch.compile", "jax")
_PACKAGES = {"sklearn": "sklearn", "torch": "torch", "torch.compile": "torch", "jax": "jax"}
"""The package that a contender needs; the file here has the same name."""


def contender_names(case: Case) -> list[str]:
    """Who takes part in a case: what is installed and has the loss; the plain pass first."""
    names = [
        name
        for name in CONTENDERS
        if (name not in _PACKAGES or importlib.util.find_spec(_PACKAGES[name]))
        and (name != "sklearn" or case.loss in _file_of(name).SKLEARN_LOSSES)
    ]
    if case.dtype == "float16":  # a mean over 2^24 leaves its gradient no digits: ours is a sum, which peers have not
        names = names[:2]
    elif case.dtype == "bfloat16":  # NumPy adds in it, Numba and scikit-learn do not know it
        names = [name for name in names if name in _WITH_BFLOAT16]
    return names + [BASELINE] * (case.baseline is not None)


def prepare_contender(name: str, case: Case, y: Array, p: Array) -> Call:
    """The call of one contender: it returns (mean loss, gradient) in the case's dtype."""
    match name:
        case "plain":
            return plain.prepare(case, y, p)
        case "fastloss":
            return fastloss.prepare(case, y, p)
        case _ if name == BASELINE and case.baseline:
            return fastloss.prepare(case.baseline, y.astype(case.baseline.label), p.astype(case.baseline.dtype))
        case "numpy":
            return expressions_of_numpy.prepare(case, y, p)
        case "naive numba":
            return naive_numba.prepare(case, y, p)
    peer = _file_of(name)
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
    return float(_file_of(name).FACTORS.get(case.loss, 1.0)) if name == "sklearn" else 1.0


def as_numpy(gradient: Any) -> Array:
    """A contender's gradient; torch has no bfloat16 that NumPy takes."""
    if str(getattr(gradient, "dtype", "")) == "torch.bfloat16":
        return np.asarray(gradient.view(importlib.import_module("torch").int16)).view("bfloat16")
    return np.asarray(gradient)


def _file_of(name: str) -> Any:
    """The module of an optional package, which is imported only when it is to run."""
    return importlib.import_module(f".{_PACKAGES[name]}", __package__)
