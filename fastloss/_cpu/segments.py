"""The exponentials of a segment of a tile, as one flat run where every logit is moderate."""

from typing import Any

from .._compile.jit import helper
from .._math.primitives import magnitude, pick
from .._math.softmax import moderate_exp, scaled_exp, scaling
from .softmax import exponentials, largest

TILE = 256
"""Rows whose losses are added together."""
SEGMENT = 3072
"""Elements that are exponentiated at once."""
MODERATE = 30.0
"""Logits up to this size need no scaling: exp(60) times any number of rows is far from overflow and underflow."""


@helper
def segment(classes: int) -> int:
    """How many rows make a segment."""
    return min(TILE, max(1, SEGMENT // classes))


@helper
def moderate(z: Any, e: Any) -> bool:
    """Write the exponentials of moderate logits to e, unscaled; whether all were, else e means nothing."""
    limit = magnitude(pick(z[0], MODERATE, MODERATE))
    most = limit
    for i in range(z.size):
        e[i] = moderate_exp(z[i])
        size = magnitude(z[i])
        most = size if size > most else most
    return most == limit


@helper
def unscaled(z: Any, e: Any) -> None:
    """The same for logits of any size: right in all rows that `is_moderate`."""
    shift, magic, floor = scaling(pick(z[0], 0.0, 0.0))
    for i in range(z.size):
        e[i] = scaled_exp(z[i], shift, magic, floor)


@helper
def is_moderate(z: Any, top: Any, true: int) -> bool:
    """Whether a row can do without scaling: no class that matters is lost, and none is too small to divide by."""
    size = pick(top, MODERATE, MODERATE)
    low = False
    for k in range(z.size):
        low |= not z[k] >= -size
    return top <= size and z[true] >= -size and (top >= 0 or not low)


@helper
def tame(z: Any, e: Any, r: int, true: int, bases: Any, distances: Any) -> bool:
    """Take again the exponentials of row r, scaled by its maximum, if it is not moderate; whether it was not.

    Where the maximum is not of the true class: distances is how far it is above, bases its exponential, else 0.
    """
    distances[r] = 0
    top = largest(z)
    if is_moderate(z, top, true):
        return False
    base = exponentials(z, top, e)
    if z[true] != top:
        distances[r], bases[r] = top - z[true], base
    return True
