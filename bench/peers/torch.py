"""PyTorch on the CPU: eager with autograd, and compiled."""

import contextlib
import functools
import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numba

from ..cases.case import Array, Case
from . import Call

os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")  # a pool of idle compilers would share our cores


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """torch warns of its own deprecated parts while it is imported and while it compiles; pytest would raise them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


with _quiet():
    import torch
    from torch.nn import functional


def _focal(nll: Any) -> Any:
    return ((1 - torch.exp(-nll)) ** 2 * nll).mean()


TORCH_LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "mse": lambda y, p: functional.mse_loss(p, y.to(p.dtype)),
    "mae": lambda y, p: functional.l1_loss(p, y),
    "msle": lambda y, p: functional.mse_loss(torch.log1p(p), torch.log1p(y)),
    "poisson_rates": lambda y, p: functional.poisson_nll_loss(p, y, log_input=False, eps=0.0),
    "poisson_logits": lambda y, z: functional.poisson_nll_loss(z, y),
    "squared_hinge": lambda y, p: torch.relu(1 - y * p).square().mean(),
    "squared_hinge_tanh": lambda y, z: (1 - y * torch.tanh(z)).square().mean(),
    "bce_probabilities": lambda y, p: functional.binary_cross_entropy(p, y.to(p.dtype)),
    "bce_logits": lambda y, z: functional.binary_cross_entropy_with_logits(z, y.to(z.dtype)),
    "binary_focal_logits": lambda y, z: _focal(functional.binary_cross_entropy_with_logits(z, y, reduction="none")),
    "softmax_crossentropy": lambda y, z: functional.cross_entropy(z, y),
    "softmax_focal": lambda y, z: _focal(functional.cross_entropy(z, y, reduction="none")),
    "softmax_one_hot": lambda y, z: functional.cross_entropy(z, y),
    "softmax_smoothed": lambda y, z: functional.cross_entropy(z, y, label_smoothing=0.1),
    "softmax_axis_1": lambda y, z: functional.cross_entropy(z, y),
}


def _tensor(array: Array) -> Any:
    """A tensor of an array's memory."""
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(array.view("int16")).view(torch.bfloat16)
    return torch.from_numpy(array)


def prepare(case: Case, y: Array, p: Array) -> Call:
    """Eager: forward, and backward to y_pred."""
    torch.set_num_threads(numba.get_num_threads())
    loss, labels, leaf = TORCH_LOSSES[case.loss], _tensor(y), _tensor(p).requires_grad_()

    def call() -> tuple[Any, Any]:
        value = loss(labels, leaf)
        (gradient,) = torch.autograd.grad(value, leaf)
        return value.item(), gradient

    return call


def compile_loss(loss: str, dynamic: bool = False) -> Any:
    """Loss and gradient in one graph, which is faster than compiling the loss alone; for one shape, or for any."""
    torch._dynamo.reset()  # else the ninth shape of a loss runs into the limit on recompilations
    return torch.compile(torch.func.grad_and_value(TORCH_LOSSES[loss], argnums=1), dynamic=dynamic)


def prepare_compiled(case: Case, y: Array, p: Array, function: Any = None) -> Call:
    """Compiled for this shape, unless by a function that takes any."""
    torch.set_num_threads(numba.get_num_threads())
    labels, logits = _tensor(y), _tensor(p)
    function = compile_loss(case.loss) if function is None else function

    def call() -> tuple[Any, Any]:
        gradient, value = function(labels, logits)
        return value.item(), gradient

    with _quiet():
        call()
    return call


@functools.cache
def cannot_compile() -> str | None:
    """Why torch.compile does not work here (it needs a C++ compiler), or None."""
    try:
        with _quiet():
            torch.compile(lambda x: x + 1)(torch.zeros(8))
    except Exception as error:  # whatever it raises, there is nothing to measure
        return f"torch.compile does not work here: {str(error).strip().splitlines()[0]}"
    return None
