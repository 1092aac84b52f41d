"""The contenders: each turns a case into a call that returns (mean loss, gradient) in the case's dtype."""

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np

from . import peers_numba, peers_numpy, plain
from .cases import LOSSES, Array, Case

Call = Callable[[], tuple[Any, Any]]

CONTENDERS = ("plain", "fastloss", "numpy", "naive numba", "sklearn", "torch", "torch.compile", "jax")
_PACKAGES = {"sklearn": "sklearn", "torch": "torch", "torch.compile": "torch", "jax": "jax"}


class UnavailableError(Exception):
    """A contender that cannot run here, with the reason."""


def contenders(case: Case) -> list[str]:
    """Who takes part in a case: what is installed and has the loss; the plain pass first."""
    return [
        name
        for name in CONTENDERS
        if (name not in _PACKAGES or importlib.util.find_spec(_PACKAGES[name]))
        and (name != "sklearn" or case.loss in importlib.import_module(".peers_sklearn", __package__).NAMES)
    ]


def prepare(name: str, case: Case, y: Array, p: Array) -> Call:
    """The call of one contender."""
    match name:
        case "plain":
            return plain.prepare(case, y, p)
        case "fastloss":
            loss, gradient = LOSSES[case.loss], np.empty_like(p)
            return lambda: loss.loss_gradient(y, p, out=gradient)
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
    if name != "sklearn":
        return 1.0
    return float(importlib.import_module(".peers_sklearn", __package__).FACTORS.get(case.loss, 1.0))
