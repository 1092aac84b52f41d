"""The contenders on a GPU, CuPy's own beside (cupy.py): calls that return without waiting for the device."""

from collections.abc import Callable
from typing import Any

import ml_dtypes
import torch

from ..cases.losses import LOSSES
from . import Call, UnavailableError
from .cupy import cupy_expression, cupy_kernel
from .torch import TORCH_LOSSES

Prepare = Callable[[str, Any, Any], Call]


def fastloss_out(name: str, y: Any, p: Any) -> Call:
    """The kernels of this package, into a buffer."""
    loss = LOSSES[name]
    if not p.is_cuda:
        labels, z = (_numpy_view(a) for a in (y, p))
        on_host = torch.empty_like(p)
        out = _numpy_view(on_host)
        return lambda: (loss(labels, z, out=out).loss, on_host)
    buffer = torch.empty_like(p)
    return lambda: loss(y, p, out=buffer)


def fastloss_new(name: str, y: Any, p: Any) -> Call:
    """The same into a new array each time."""
    return lambda: LOSSES[name](y, p)


def _numpy_view(tensor: Any) -> Any:
    """A NumPy array of a tensor's memory."""
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return tensor.numpy()


def fastloss_cupy_out(name: str, y: Any, p: Any) -> Call:
    """The kernels of this package from CuPy, into a buffer."""
    import cupy

    loss, labels, z = LOSSES[name], cupy.from_dlpack(y), cupy.from_dlpack(p)
    out = cupy.empty_like(z)
    return lambda: loss(labels, z, out=out)


def fastloss_cupy_new(name: str, y: Any, p: Any) -> Call:
    """The same into a new array each time."""
    import cupy

    loss, labels, z = LOSSES[name], cupy.from_dlpack(y), cupy.from_dlpack(p)
    return lambda: loss(labels, z)


def torch_eager(name: str, y: Any, p: Any) -> Call:
    """Forward, and backward to y_pred, by autograd."""
    return _backward(TORCH_LOSSES[name], y, p)


def torch_compiled(name: str, y: Any, p: Any) -> Call:
    """torch.compile of the loss, with autograd."""
    torch._dynamo.reset()
    return _backward(torch.compile(TORCH_LOSSES[name], dynamic=False), y, p)


def _backward(loss: Any, y: Any, p: Any) -> Call:
    """Forward, and backward to y_pred."""
    leaf = p.detach().requires_grad_()

    def call() -> tuple[Any, Any]:
        value = loss(y, leaf)
        (gradient,) = torch.autograd.grad(value, leaf)
        return value, gradient

    return call


def torch_one_graph(name: str, y: Any, p: Any) -> Call:
    """torch.compile of loss and gradient together."""
    torch._dynamo.reset()
    function = torch.compile(torch.func.grad_and_value(TORCH_LOSSES[name], argnums=1), dynamic=False)
    return lambda: function(y, p)[::-1]


def liger(name: str, y: Any, p: Any) -> Call:
    """Liger's cross-entropy. It writes the gradient over the logits, so only its first call sees those of the case."""
    from liger_kernel.ops.cross_entropy import LigerCrossEntropyFunction

    if name != "softmax_crossentropy":
        raise UnavailableError(f"no {name}")
    return _backward(lambda y, z: LigerCrossEntropyFunction.apply(z, y, None)[0], y, p.clone())


def quack(name: str, y: Any, p: Any) -> Call:
    """quack's cross-entropy with the gradient of the sum in the same pass."""
    from quack.cross_entropy import cross_entropy_fwd

    if name != "softmax_crossentropy":
        raise UnavailableError(f"no {name}")

    def call() -> tuple[Any, Any]:
        losses, gradient = cross_entropy_fwd(p, y, return_dx=True)[:2]
        return losses.mean(), gradient

    return call


DEVICE_CONTENDERS: dict[str, Prepare] = {
    "fastloss": fastloss_out,
    "torch": torch_eager,
    "torch.compile": torch_compiled,
    "one graph": torch_one_graph,
    "cupy": cupy_expression,
    "cupy kernel": cupy_kernel,
    "liger": liger,
    "quack": quack,
}
"""Whose work on the device is timed."""
HOST_CONTENDERS: dict[str, Prepare] = {
    "fastloss": fastloss_new,
    "fastloss out=": fastloss_out,
    "fastloss, CuPy": fastloss_cupy_new,
    "fastloss out=, CuPy": fastloss_cupy_out,
    "cupy": cupy_expression,
    "cupy kernel": cupy_kernel,
    "torch": torch_eager,
}
"""Whose time on the host until the call returns is."""
GRADIENT_OF_SUM = ("quack",)
"""Whose gradient is that of the sum of the losses: the division by the number of rows is left to the caller."""
