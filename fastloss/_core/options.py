"""Names of options: which are of a loss and which of a call, and what is said of those in the wrong place."""

import dataclasses
import difflib
from collections.abc import Sequence
from typing import Any

CALL_OPTIONS = ("sample_weight", "reduction", "out")


def check_construction(cls: Any, args: Any, options: Any) -> None:
    """TypeError for what a loss is not made of: arrays, options of a call, names that it does not have."""
    name = cls.__name__
    if not dataclasses.is_dataclass(cls):
        raise TypeError(f"{name} is a base class; make one of the losses, such as BinaryCrossentropy(), or decorate a "
                        "new one with @dataclass(frozen=True)")  # fmt: skip
    if args and (hasattr(args[0], "__array__") or isinstance(args[0], list)):
        raise TypeError(f"{name}: got arrays, expected hyperparameters; make the loss first, then call it: "
                        f"{name}()(y_true, y_pred)")  # fmt: skip
    known = [field.name for field in dataclasses.fields(cls)]
    for option in options:
        if option in CALL_OPTIONS:
            raise TypeError(f"{name}: {option} is an option of the call, not of the loss: "
                            f"{name}()(y_true, y_pred, {option}=...)")  # fmt: skip
        if option not in known:
            raise TypeError(f"{name} has no hyperparameter {option!r}{_nearest(option, known)}")


def wrong_option(loss: Any, options: Any) -> TypeError:
    """The error for options that no call has."""
    name, known = type(loss).__name__, [field.name for field in dataclasses.fields(loss)]
    option, value = next(iter(options.items()))
    if option in known:
        return TypeError(f"{name}: {option} is a hyperparameter of the loss, not an option of the call: "
                         f"{name}({option}={value!r})(y_true, y_pred)")  # fmt: skip
    return TypeError(f"{name}: a call has no option {option!r}{_nearest(option, [*CALL_OPTIONS, *known])}")


def _nearest(option: str, known: Sequence[str]) -> str:
    """The name that was meant, or all."""
    near = difflib.get_close_matches(option, known, 1)
    if near:
        return f"; did you mean {near[0]!r}?"
    expected = f"expected one of {', '.join(known)}" if len(known) > 1 else f"its only one is {known[0]!r}"
    return f"; {expected}" if known else ", nor any other"
