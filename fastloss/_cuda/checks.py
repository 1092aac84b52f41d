"""Whether kernels can use arrays where they lie. All of it comes before anything is taken, written or launched."""

from typing import Any

from .._request import checks as _check
from .arrays import View
from .formats import format_of


def reachable(name: str, argument: str, v: View) -> None:
    """Errors for elements that no kernel can read: their dtype, or where they begin."""
    if format_of(v.dtype) is None:
        raise TypeError(f"{name}: {argument} has dtype {v.dtype}, expected a real dtype that a GPU computes with")
    size = v.dtype.itemsize
    if v.size and v.phase % size:
        raise ValueError(f"{name}: {argument} begins at an address that is no multiple of the {size} bytes of an "
                         "element, where a GPU cannot read it; expected an aligned array")  # fmt: skip
    if v.strides is not None and any(s % size for s, n in zip(v.strides, v.shape, strict=True) if n > 1):
        raise ValueError(f"{name}: {argument} has strides of {v.strides} bytes, expected multiples of the "
                         f"{size} bytes of an element")  # fmt: skip


def on_one_device(name: str, kinds: list[Any], arguments: tuple[str, ...]) -> None:
    """TypeError where arrays are on two devices."""
    known = [(kind.device, argument) for kind, argument in zip(kinds, arguments, strict=True)
             if kind is not None and kind.device is not None]  # fmt: skip
    for device, argument in known:
        if device != known[0][0]:
            raise TypeError(
                f"{name}: {known[0][1]} is on GPU {known[0][0]}, {argument} is on GPU {device}; "
                "expected all arrays on one device"
            )


def output(name: str, argument: str, v: View, locked: bool, shape: tuple[int, ...], inputs: dict[str, View],
           plan: Any) -> View:  # fmt: skip
    """The view of an out argument, guarded against overlaps; errors if results cannot be written there."""
    if v.shape != shape:
        raise ValueError(f"{name}: {argument} has shape {v.shape}, expected {shape}")
    if not _check.is_float(v.dtype):
        raise TypeError(f"{name}: {argument} has dtype {v.dtype}, expected a float dtype")
    if locked:
        raise ValueError(f"{name}: {argument} is read-only, expected a writeable array")
    reachable(name, argument, v)
    for other, array in inputs.items():
        in_place = other in ("y_pred", "z")
        hint = ", but is not the same array" if in_place else "; only y_pred itself may be overwritten"
        plan.guard(v, array, in_place, f"{name}: {argument} overlaps {other}{hint}")
    inputs[argument] = v
    return v
