"""Tensors of torch on the CPU."""

import importlib
import sys
from typing import Any

import numpy as np

from .host import Host


def is_tensor(value: Any) -> bool:
    """Whether it is a tensor; torch is not imported to ask."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def check_detached(name: str, argument: str, value: Any) -> None:
    """TypeError for a tensor through which torch records what it differentiates."""
    if value.requires_grad and sys.modules["torch"].is_grad_enabled():
        raise TypeError(f"{name}: {argument} requires a gradient, and torch cannot differentiate through this call; "
                        f"pass {argument}.detach(), or train with fastloss.torch.TorchLoss(loss)")  # fmt: skip


def _bfloat16(name: str) -> Any:
    try:
        return importlib.import_module("ml_dtypes").bfloat16
    except ImportError as error:
        raise ImportError(f"{name}: tensors of bfloat16 need ml_dtypes: pip install 'fastloss[torch]'") from error


class Torch(Host):
    """See `Host`."""

    def view(self, name: str, argument: str, value: Any) -> Any:
        """A tensor as NumPy's array, over the same memory."""
        if not is_tensor(value):
            return value
        torch = sys.modules["torch"]
        if value.requires_grad:
            check_detached(name, argument, value)
            value = value.detach()
        tensor = value
        if tensor.layout is not torch.strided:
            raise TypeError(f"{name}: {argument} is a tensor of layout {tensor.layout}, expected a dense one; "
                            "make it dense with .to_dense()")  # fmt: skip
        if tensor.is_neg():
            tensor = tensor.resolve_neg()
        if tensor.dtype is torch.bfloat16:
            return tensor.view(torch.int16).numpy().view(_bfloat16(name))
        return tensor.numpy()

    def output(self, name: str, argument: str, value: Any) -> Any:
        """A tensor that is written."""
        if is_tensor(value) and value.is_neg():
            raise ValueError(f"{name}: {argument} is a view that negates, expected a plain tensor")
        return self.view(name, argument, value)

    def wrap(self, value: Any, like: Any) -> Any:
        """A result as a tensor; a float as one of no dimensions in float64, as from a GPU."""
        if value is None or not is_tensor(like) or is_tensor(value):
            return value
        torch = sys.modules["torch"]
        if isinstance(value, float):
            return torch.tensor(value, dtype=torch.float64)
        if value.dtype.name == "bfloat16":
            return torch.from_numpy(value.view(np.int16)).view(torch.bfloat16)
        return torch.from_numpy(value)


HOST = Torch()
