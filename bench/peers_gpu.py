"""The contenders on a GPU. Each prepares a call that returns loss and gradient without waiting for the device."""

from collections.abc import Callable
from typing import Any

import torch

from .cases import LOSSES
from .peers_torch import LOSSES as TORCH_LOSSES

Call = Callable[[], tuple[Any, Any]]


class NotThereError(Exception):
    """The contender has no such loss."""


def ours(name: str, y: Any, p: Any) -> Call:
    """The kernels of this package, into a buffer."""
    loss, out = LOSSES[name], torch.empty_like(p)
    return lambda: loss(y, p, out=out)


def eager(name: str, y: Any, p: Any) -> Call:
    """Forward, and backward to y_pred, by autograd."""
    loss, leaf = TORCH_LOSSES[name], p.detach().requires_grad_()

    def call() -> tuple[Any, Any]:
        value = loss(y, leaf)
        (gradient,) = torch.autograd.grad(value, leaf)
        return value, gradient

    return call


def compiled(name: str, y: Any, p: Any) -> Call:
    """torch.compile of the loss, with autograd."""
    torch._dynamo.reset()
    loss, leaf = torch.compile(TORCH_LOSSES[name], dynamic=False), p.detach().requires_grad_()

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


def cupy_expression(name: str, y: Any, p: Any) -> Call:
    """What one writes in CuPy."""
    import cupy

    if name not in ("mse", "bce_logits") or p.dtype != torch.float32:
        raise NotThereError(f"no expression for {name} in {p.dtype}")
    labels, z = cupy.asarray(y), cupy.asarray(p)
    if name == "mse":

        def mse() -> tuple[Any, Any]:
            d = z - labels
            return (d * d).mean(), d * (2 / d.size)

        return mse

    def bce() -> tuple[Any, Any]:
        value = (cupy.maximum(z, 0) - z * labels + cupy.log1p(cupy.exp(-cupy.abs(z)))).mean()
        return value, (1 / (1 + cupy.exp(-z)) - labels) / z.size

    return bce


def cupy_kernel(name: str, y: Any, p: Any) -> Call:
    """CuPy's ElementwiseKernel for losses and gradients, and a sum."""
    import cupy

    sources = {
        "mse": "float d = p - y; l = d * d; g = 2 * d * s",
        "bce_logits": "float e = expf(-fabsf(p)); l = fmaxf(p, 0) - p * y + log1pf(e); "
                      "g = ((p >= 0 ? 1 : e) / (1 + e) - y) * s",
    }  # fmt: skip
    if name not in sources or p.dtype != torch.float32:
        raise NotThereError(f"no kernel for {name} in {p.dtype}")
    kernel = cupy.ElementwiseKernel("float32 y, float32 p, float32 s", "float32 l, float32 g", sources[name], name)
    labels, z = cupy.asarray(y), cupy.asarray(p)
    losses, gradient = cupy.empty_like(z), cupy.empty_like(z)

    def call() -> tuple[Any, Any]:
        kernel(labels, z, 1 / z.size, losses, gradient)
        return losses.sum() / z.size, gradient

    return call


def liger(name: str, y: Any, p: Any) -> Call:
    """Liger's cross-entropy. It writes the gradient over the logits, so only its first call sees those of the case."""
    from liger_kernel.ops.cross_entropy import LigerCrossEntropyFunction

    if name != "softmax_crossentropy":
        raise NotThereError(f"no {name}")
    leaf = p.detach().clone().requires_grad_()

    def call() -> tuple[Any, Any]:
        value = LigerCrossEntropyFunction.apply(leaf, y, None)[0]
        (gradient,) = torch.autograd.grad(value, leaf)
        return value, gradient

    return call


def quack(name: str, y: Any, p: Any) -> Call:
    """quack's cross-entropy with the gradient of the sum in the same pass."""
    from quack.cross_entropy import cross_entropy_fwd

    if name != "softmax_crossentropy":
        raise NotThereError(f"no {name}")

    def call() -> tuple[Any, Any]:
        losses, gradient = cross_entropy_fwd(p, y, return_dx=True)[:2]
        return losses.mean(), gradient

    return call


CONTENDERS: dict[str, Callable[[str, Any, Any], Call]] = {
    "fastloss": ours,
    "torch": eager,
    "torch.compile": compiled,
    "one graph": one_graph,
    "cupy": cupy_expression,
    "cupy kernel": cupy_kernel,
    "liger": liger,
    "quack": quack,
}
