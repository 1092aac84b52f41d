"""A loss as a criterion of torch: `TorchLoss`, an nn.Module whose backward scales the gradient of the forward pass."""

from typing import Any

from ._core.arguments import check_loss, class_axis, shape_of_losses
from ._core.loss import Loss
from ._interop.torch import HOST
from ._request import checks

try:
    import torch
except ImportError as error:
    raise ImportError('fastloss.torch needs torch: pip install "fastloss[torch]"') from error

__all__ = ["TorchLoss"]

_LOSSES: dict[str, Loss] = {}
"""Losses by what they are: compiled graphs, also those that torch keeps on disk, hold a text and no object."""


def _registered(loss: Loss) -> str:
    key = f"{type(loss).__module__}.{loss!r}"
    _LOSSES[key] = loss
    return key


def _precision(dtype: Any) -> Any:
    """The dtype of losses: that of the input, float32 for 16 bits."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def _arrays(loss: Loss, *tensors: Any) -> Any:
    """Tensors on the CPU as NumPy's arrays, whose calls are the shortest; others as they are."""
    name = type(loss).__name__
    if any(isinstance(t, torch.Tensor) and t.device.type != "cpu" for t in tensors):
        return tensors
    return [HOST.view(name, k, t) for k, t in zip(("y_true", "y_pred", "sample_weight"), tensors, strict=True)]


def _value(loss: Loss, input: Any, target: Any, weight: Any, reduction: str) -> Any:
    y, p, w = _arrays(loss, target, input, weight)
    value: Any = loss.loss(y, p, w, reduction=reduction)  # type: ignore[call-overload]
    return _as_loss(value, input)


def _value_and_gradient(loss: Loss, input: Any, target: Any, weight: Any, reduction: str) -> tuple[Any, Any]:
    out: Any = None
    if input.dtype == torch.float16:  # scaled before it is rounded: that is what a GradScaler is for
        out = torch.empty_like(input, dtype=torch.float32)
        if reduction == "none":
            shape = shape_of_losses(loss, input.shape, reduction)
            out = torch.empty(shape, dtype=torch.float32, device=input.device), out
    y, p, w = _arrays(loss, target, input, weight)
    value, gradient = loss(y, p, w, reduction=reduction, out=out)  # type: ignore[call-overload]
    return _as_loss(value, input), HOST.wrap(gradient, input)


def _as_loss(value: Any, input: Any) -> Any:
    """A loss, or losses, as a tensor of the precision of the input."""
    dtype = _precision(input.dtype)
    return torch.tensor(value, dtype=dtype) if isinstance(value, float) else HOST.wrap(value, input).to(dtype)


def _scale(gradient: Any, factor: Any, axis: int | None) -> Any:
    """The gradient times the derivative by the loss: one number, or one for each example."""
    if factor.ndim and axis is not None:
        factor = factor.unsqueeze(axis)
    return gradient * factor.to(gradient.dtype)


class _Fused(torch.autograd.Function):
    """Loss and gradient in one pass; backward scales what was saved."""

    @staticmethod
    def forward(ctx: Any, input: Any, target: Any, weight: Any, loss: Loss, reduction: str) -> Any:
        value, gradient = _value_and_gradient(loss, input, target, weight, reduction)
        ctx.save_for_backward(gradient)
        ctx.axis, ctx.dtype = class_axis(loss), input.dtype
        return value

    @staticmethod
    def backward(ctx: Any, factor: Any) -> Any:
        if torch.is_grad_enabled():  # create_graph=True: to keep the input for a better moment would cost its memory
            raise RuntimeError("TorchLoss: create_graph=True asks for a gradient that can be differentiated again, and "
                               "torch cannot follow this one; the diagonal of the Hessian is "
                               "loss.gradient_hessian(target, input)")  # fmt: skip
        (gradient,) = ctx.saved_tensors
        if not (factor.device.type == "cpu" and factor.ndim == 0 and factor.item() == 1):
            gradient = _scale(gradient, factor, ctx.axis)
        return gradient.to(ctx.dtype), None, None, None, None


# --- under torch.compile: operators, which it takes as they are --------------------------------------------------


@torch.library.custom_op("fastloss::value", mutates_args=())
def _op_value(input: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None, loss: str,
              reduction: str) -> torch.Tensor:  # fmt: skip
    found: torch.Tensor = _value(_LOSSES[loss], input, target, weight, reduction)
    return found


@torch.library.custom_op("fastloss::value_and_gradient", mutates_args=())
def _op_both(input: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None, loss: str,
             reduction: str) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
    with torch.no_grad():
        return _value_and_gradient(_LOSSES[loss], input, target, weight, reduction)


@torch.library.custom_op("fastloss::scaled", mutates_args=())
def _op_scaled(gradient: torch.Tensor, factor: torch.Tensor, loss: str) -> torch.Tensor:
    found: torch.Tensor = _scale(gradient, factor, class_axis(_LOSSES[loss]))
    return found


@_op_value.register_fake
def _(input: Any, target: Any, weight: Any, loss: str, reduction: str) -> Any:
    return input.new_empty(shape_of_losses(_LOSSES[loss], input.shape, reduction), dtype=_precision(input.dtype))


@_op_both.register_fake
def _(input: Any, target: Any, weight: Any, loss: str, reduction: str) -> Any:
    dtype = torch.float32 if input.dtype == torch.float16 else input.dtype
    return _op_value._opoverload(input, target, weight, loss, reduction), torch.empty_like(input, dtype=dtype)


@_op_scaled.register_fake
def _(gradient: Any, factor: Any, loss: str) -> Any:
    return torch.empty_like(gradient)


def _setup(ctx: Any, inputs: Any, output: Any) -> None:
    ctx.save_for_backward(output[1])
    ctx.loss, ctx.dtype = inputs[3], inputs[0].dtype


def _backward(ctx: Any, factor: Any, unused: Any) -> Any:
    (gradient,) = ctx.saved_tensors
    return _op_scaled(gradient, factor, ctx.loss).to(ctx.dtype), None, None, None, None


_op_both.register_autograd(_backward, setup_context=_setup)


class TorchLoss(torch.nn.Module):
    """A loss as a criterion: `criterion(input, target, weight=None)`.

    The forward pass computes loss and gradient in one pass over the data, the backward pass
    scales the gradient. Where the input requires no gradient, none is computed.

    Parameters
    ----------
    loss : Loss
        A loss of fastloss, with its options.
    reduction : {"mean", "sum", "sum_over_batch_size", "none"}, default "mean"
        See `Loss`: a mean divides by the sum of the weights.

    Raises
    ------
    TypeError
        For what is no loss, and for targets or weights that require a gradient.
    ValueError
        For an unknown reduction.
    RuntimeError
        For backward(create_graph=True): the gradient cannot be differentiated again.

    Notes
    -----
    The loss has the dtype of the input, float32 for 16 bits. Class indices may have any
    integer dtype. Tensors on a GPU need numba-cuda. It works under torch.compile, also with
    fullgraph=True: the loss is one operator there.

    Examples
    --------
    >>> import torch, fastloss as fl
    >>> from fastloss.torch import TorchLoss
    >>> criterion = TorchLoss(fl.CategoricalCrossentropy(from_logits=True))
    >>> logits = torch.zeros(2, 3, requires_grad=True)
    >>> criterion(logits, torch.tensor([0, 2])).backward()
    >>> logits.grad
    tensor([[-0.3333,  0.1667,  0.1667],
            [ 0.1667,  0.1667, -0.3333]])
    """

    def __init__(self, loss: Loss, reduction: str = "mean") -> None:  # noqa: D107
        super().__init__()
        check_loss("TorchLoss", loss)
        checks.reduction("TorchLoss", reduction)
        self.loss, self.reduction = loss, reduction

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "loss":
            self._key = _registered(value)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self._key = _registered(self.loss)

    def extra_repr(self) -> str:
        """What repr shows."""
        return f"{self.loss!r}, reduction={self.reduction!r}"

    def forward(self, input: Any, target: Any, weight: Any = None) -> Any:
        """The loss of predictions `input`.

        Parameters
        ----------
        input : tensor
            Predictions, such as logits.
        target : tensor
            Of the input's shape, or class indices.
        weight : tensor or float, default None
            Weights of the examples, as sample_weight of every loss.
        """
        if not isinstance(input, torch.Tensor):
            raise TypeError(f"TorchLoss: input is {checks.article(input)}, expected a tensor")
        for name, tensor in (("target", target), ("weight", weight)):
            if isinstance(tensor, torch.Tensor) and tensor.requires_grad:
                raise TypeError(f"TorchLoss: {name} requires a gradient, and the loss has none by it; "
                                f"pass {name}.detach()")  # fmt: skip
        if torch.compiler.is_compiling():
            if weight is not None and not isinstance(weight, torch.Tensor):
                weight = torch.tensor(float(weight))
            if input.requires_grad:
                return _op_both(input, target, weight, self._key, self.reduction)[0]
            return _op_value(input, target, weight, self._key, self.reduction)
        if input.requires_grad and torch.is_grad_enabled():
            fused: Any = _Fused
            return fused.apply(input, target, weight, self.loss, self.reduction)
        return _value(self.loss, input, target, weight, self.reduction)
