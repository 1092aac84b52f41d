"""The contenders on a GPU. Each prepares a call that returns loss and gradient without waiting for the device."""

from collections.abc import Callable
from typing import Any

import ml_dtypes
import torch

from . import peers_cupy
from .cases import LOSSES
from .peers_torch import LOSSES as TORCH_LOSSES

Call = Callable[[], tuple[Any, Any]]
Prepare = Callable[[str, Any, Any], Call]


class NotThereError(Exception):
    """The contender has no such loss."""


def ours(name: str, y: Any, p: Any) -> Call:
    """The kernels of this package, into a buffer."""
    loss = LOSSES[name]
    if not p.is_cuda:
        labels, z = (_host(a) for a in (y, p))
        on_host = torch.empty_like(p)
        out = _host(on_host)
        return lambda: (loss(labels, z, out=out).loss, on_host)
    buffer = torch.empty_like(p)
    return lambda: loss(y, p, out=buffer)


def ours_anew(name: str, y: Any, p: Any) -> Call:
    """The same into a new array each time."""
    return lambda: LOSSES[name](y, p)


def _host(tensor: Any) -> Any:
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return tensor.numpy()


def ours_cupy(name: str, y: Any, p: Any) -> Call:
    """The kernels of this package from CuPy, into a buffer."""
    import cupy

    loss, labels, z = LOSSES[name], cupy.from_dlpack(y), cupy.from_dlpack(p)
    out = cupy.empty_like(z)
    return lambda: loss(labels, z, out=out)


def ours_cupy_anew(name: str, y: Any, p: Any) -> Call:
    """The same into a new array each time."""
    import cupy

    loss, labels, z = LOSSES[name], cupy.from_dlpack(y), cupy.from_dlpack(p)
    return lambda: loss(labels, z)


def eager(name: str, y: Any, p: Any) -> Call:
    """Forward, and backward to y_pred, by autograd."""
    return _backward(TORCH_LOSSES[name], y, p)


def compiled(name: str, y: Any, p: Any) -> Call:
    """torch.compile of the loss, with autograd."""
    torch._dynamo.reset()
    return _backward(torch.compile(TORCH_LOSSES[name], dynamic=False), y, p)


def _backward(loss: Any, y: Any, p: Any) -> Call:
    leaf = p.detach().requires_grad_()

    def call() -> tuple[Any, Any]:
        value = loss(y, leaf)
        (gradient,) = torch.autograd.grad(value, leaf)
        return value, gradient

    return call


def one_graph(name: str, y: Any, p: Any) -> Call:
    """torch.compile of loss and gradient together."""
    torch._dynamo.reset()
    function = torch.compile(torch.func.grad_and_value(TORCH_LOSSES[name], argnums=1), dynamic=False)
    return lambda: function(y, p)[::-1]


def liger(name: str, y: Any, p: Any) -> Call:
    """Liger's cross-entropy. It writes the gradient over the logits, so only its first call sees those of the case."""
    from liger_kernel.ops.cross_entropy import LigerCrossEntropyFunction

    if name != "softmax_crossentropy":
        raise NotThereError(f"no {name}")
    return _backward(lambda y, z: LigerCrossEntropyFunction.apply(z, y, None)[0], y, p.clone())


def quack(name: str, y: Any, p: Any) -> Call:
    """quack's cross-entropy with the gradient of the sum in the same pass."""
    from quack.cross_entropy import cross_entropy_fwd

    if name != "softmax_crossentropy":
        raise NotThereError(f"no {name}")

    def call() -> tuple[Any, Any]:
        losses, gradient = cross_entropy_fwd(p, y, return_dx=True)[:2]
        return losses.mean(), gradient

    return call


DEVICE: dict[str, Prepare] = {
    "fastloss": ours,
    "torch": eager,
    "torch.compile": compiled,
    "one graph": one_graph,
    "cupy": peers_cupy.expression,
    "cupy kernel": peers_cupy.kernel,
    "liger": liger,
    "quack": quack,
}
"""Whose work on the device is timed."""
HOST: dict[str, Prepare] = {
    "fastloss": ours_anew,
    "fastloss out=": ours,
    "fastloss, CuPy": ours_cupy_anew,
    "fastloss out=, CuPy": ours_cupy,
    "cupy": peers_cupy.expression,
    "cupy kernel": peers_cupy.kernel,
    "torch": eager,
}
"""Whose time on the host until the call returns is."""
SUMMED = ("quack",)
"""Whose gradient is that of the sum of the losses: the division by the number of rows is left to the caller."""
