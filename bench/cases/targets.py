"""What the library is to reach, as data: each target names a measurement, its limit, and an aim beyond the limit."""

from typing import NamedTuple

from .case import HALVES, Case
from .cpu import AXIS_1, CPU_SHAPES, IN_HALVES, ONE_HOT, SMALL_SIZES, THREADED, UINT8_LABELS
from .startup import IMPORT

PEER_GROUPS = ("mse", "squared_hinge", "the other losses")
"""Groups of losses; of each, the worst ratio to a peer counts."""


class Unit(NamedTuple):
    """How a group of targets is measured."""

    title: str
    more_is_better: bool = False


UNITS = {
    "plain": Unit("time, as a multiple of a plain pass over the same bytes"),
    "labels": Unit("time with uint8 labels, as a share of that with float32 labels"),
    "halves": Unit("time per element in 16 bits, as a share of that in float32"),
    "small": Unit("times as fast as the shortest NumPy expression", more_is_better=True),
    "peers": Unit("times as fast as a peer, in the worst case", more_is_better=True),
    "start": Unit("milliseconds"),
    "threads": Unit("gain of all threads over one, as a share of the plain pass's gain", more_is_better=True),
}


class Target(NamedTuple):
    """The limit of one measurement, and the aim beyond it."""

    unit: str
    case: str
    limit: float
    aim: float


_ELEMENTWISE = {
    "mse": (1.2, 1.05),
    "mae": (1.2, 1.05),
    "squared_hinge": (1.2, 1.05),
    "msle": (1.5, 1.2),
    "poisson_rates": (1.5, 1.2),
    "poisson_logits": (1.5, 1.2),
    "bce_logits": (1.5, 1.2),
    "bce_probabilities": (1.7, 1.2),
    "squared_hinge_tanh": (1.5, 1.2),
    "binary_focal_logits": (1.8, 1.3),
}
_FLOAT64 = 1.35
"""So much further are the limits of float64, where the maths is long beside the bytes."""
_SOFTMAX = dict(zip(CPU_SHAPES, ((3, 1.5), (1.7, 1.2), (1.5, 1.2), (1.5, 1.2), (1.6, 1.2)), strict=True))
_FOCAL = 1.3
_START = {
    IMPORT: 50,
    "first call, cold": 4000,
    "second loss, cold (mae)": 2500,
    "second loss, cold (softmax)": 2500,
    "first call, warm": 400,
    "second loss, warm (mae)": 60,
    "second loss, warm (softmax)": 60,
}
_TARGETED_PEERS = ("torch", "torch.compile", "jax", "sklearn")


def targets() -> list[Target]:
    """All of them, in the order of the page."""

    def plain(loss: str, shape: tuple[int, ...], dtype: str, limit: float, aim: float) -> Target:
        return Target("plain", f"{loss} {Case(loss, shape, dtype, dtype).size} {dtype}", limit, aim)

    found = [plain(loss, (2**24,), "float32", *limits) for loss, limits in _ELEMENTWISE.items()]
    found += [plain(loss, (2**23,), "float64", limit * _FLOAT64, aim) for loss, (limit, aim) in _ELEMENTWISE.items()]
    for shape, (limit, aim) in _SOFTMAX.items():
        found.append(plain("softmax_crossentropy", shape, "float32", limit, aim))
    for shape, (limit, aim) in _SOFTMAX.items():
        found.append(plain("softmax_focal", shape, "float32", limit * _FOCAL, aim))
    found += [plain("softmax_one_hot", shape, "float32", 1.3, 1.1) for shape in ONE_HOT]
    found.append(plain("softmax_axis_1", AXIS_1, "float32", 1.8, 1.3))
    found += [Target("labels", f"{loss} 2^24", 1.0, 0.8) for loss in UINT8_LABELS]
    found += [Target("halves", f"{loss} 2^24 {half}", 1.0, 0.6) for loss in IN_HALVES for half in HALVES]
    for loss, limit, aim in (("mse", 1.5, 3), ("bce_probabilities", 2, 4)):
        found += [Target("small", f"{loss} {n}", limit, aim) for n in SMALL_SIZES]
    for peer in _TARGETED_PEERS:
        for losses in PEER_GROUPS if peer != "sklearn" else [name for name in PEER_GROUPS if name != "squared_hinge"]:
            found.append(Target("peers", f"{peer}, {losses}", 2.5 if losses == "mse" else 4, 8))
    found += [Target("start", case, limit, limit / 2) for case, limit in _START.items()]
    found += [Target("threads", f"{case.loss} {case.size}", 0.95, 1.0) for case in THREADED]
    return found
