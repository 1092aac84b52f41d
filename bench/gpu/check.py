"""Whether a contender's loss and gradient are right, before it is timed: against float64, in chunks."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..peers.expressions import EXPRESSIONS

CHUNK = 1 << 24
"""So many elements at a time: float64 and its intermediate results would not fit beside the largest cases."""


class Tolerance(NamedTuple):
    """How wrong a contender may be."""

    loss: float
    """Of the loss."""
    largest: float
    """An element of the gradient, of the largest one."""
    average: float
    """All elements, of their sum: the small ones of a long row count too."""


PEER_TOLERANCE = {
    "float32": Tolerance(1e-4, 1e-4, 1e-4),
    "bfloat16": Tolerance(2e-2, 2e-2, 2e-2),
}
"""Of peers, which may compute and add in the dtype itself."""
OWN_TOLERANCE = {"float32": Tolerance(1e-5, 1e-5, 1e-5), "bfloat16": Tolerance(1e-5, 2.0**-8, 2.0**-8)}
"""Of fastloss, which computes in float32 and rounds once."""


def reference_chunks(xp: Any, name: str, y: Any, p: Any, chunk: int = CHUNK) -> Iterator[tuple[slice, Any, Any]]:
    """Chunks of the mean loss and its gradient in float64, from the values that the contenders get."""
    step = max(1, chunk // math.prod(p.shape[1:]))
    for start in range(0, len(p), step):
        here = slice(start, start + step)
        prediction = xp.asarray(p[here], dtype=xp.float64)
        labels = y[here] if y.ndim < p.ndim else xp.asarray(y[here], dtype=xp.float64)
        loss, gradient = EXPRESSIONS[name](xp, labels, prediction)
        share = len(prediction) / len(p)
        yield here, loss * share, gradient * share


def mismatch(
    xp: Any,
    got: tuple[Any, Any],
    name: str,
    y: Any,
    p: Any,
    allowed: Tolerance,
    factor: float = 1.0,
    chunk: int = CHUNK,
) -> str | None:
    """What is wrong with (mean loss, gradient times 1 / factor), or None."""
    gradient = got[1]
    if gradient.dtype != p.dtype or gradient.shape != p.shape:
        return f"its gradient is {gradient.dtype} {tuple(gradient.shape)}"
    want = worst = largest = total = spread = 0.0
    for here, loss, slope in reference_chunks(xp, name, y, p, chunk):
        off = xp.abs(xp.asarray(gradient[here], dtype=xp.float64) * factor - slope)
        slope = xp.abs(slope)
        want += float(loss)
        worst, largest = max(worst, float(off.max())), max(largest, float(slope.max()))
        total, spread = total + float(slope.sum()), spread + float(off.sum())  # NaN stays in these
    value = float(got[0])
    if not abs(value - want) <= allowed.loss * abs(want):  # NaN is not <= anything
        return f"its loss is {value!r}, expected {want!r}"
    if not worst <= allowed.largest * largest:
        return f"its gradient is off by {worst:.2g}, the largest is {largest:.2g}"
    if not spread <= allowed.average * total:
        return f"its gradient is off by {spread / total:.2g} of itself"
    return None
