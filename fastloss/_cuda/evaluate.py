"""From arguments on a device to one pass over them: the twin of `Loss._evaluate`. Nothing here waits for the device."""

import math
from typing import Any

from numba import cuda

from .._compile.cuda import SIMULATED
from .._request import checks as _check
from .._request.arrays import is_number
from .arrays import Kind
from .launch import NO_CONTEXT, driver
from .libraries import library_of
from .plan import GRADIENT, HESSIAN, LOSSES, TABLE, VALUE, Y_PRED, Plan
from .record import activation, planned

SLOTS = TABLE + 1
PLANS = 256
"""How many plans a loss keeps: one for each kind of call."""
_KEY: Any = ("device", 0)


def evaluate(loss: Any, y_true: Any, y_pred: Any, sample_weight: Any, reduction: str, order: int, valued: bool,
             losses: Any, gradient: Any, hessian: Any) -> tuple[Any, Any, Any]:  # fmt: skip
    """What `Loss._evaluate` returns, on the device."""
    name = type(loss).__name__
    _check.reduction(name, reduction)
    number = None
    if is_number(sample_weight):
        number, sample_weight = float(sample_weight), None
        if reduction == "mean" and 0 < number < math.inf:  # all the same: the mean is that of no weights
            number = None
    results: list[Any] = [y_true, y_pred, sample_weight, losses, gradient, hessian, None, None, None]
    places, kinds = _seen(results)
    key = (reduction, order, valued, number, *kinds)
    plan = _plans(loss).get(key)
    if plan is None:
        plan = _plans(loss)[key] = planned(loss, kinds, number, reduction, order, valued)
    _run(plan, y_pred, kinds[Y_PRED], places, results)
    return results[LOSSES if reduction == "none" else VALUE] if valued else None, results[GRADIENT], results[HESSIAN]


def activate(loss: Any, z: Any, out: Any = None) -> Any:
    """The activation of logits on a device."""
    results: list[Any] = [None, z, None, None, out, None, None, None, None]
    places, kinds = _seen(results)
    plan = _plans(loss).get(("activate", *kinds))
    if plan is None:
        plan = _plans(loss)["activate", *kinds] = activation(loss, kinds)
    _run(plan, z, kinds[Y_PRED], places, results)
    return results[GRADIENT]


def _seen(arrays: list[Any]) -> tuple[list[Any], list[Any]]:
    """Where arrays are, and what they are, by slot."""
    places: list[Any] = [None] * SLOTS
    kinds: list[Any] = [None] * VALUE
    for slot, array in enumerate(arrays):
        if array is not None:
            places[slot], kinds[slot] = library_of(array).sight(array)
    return places, kinds


def _plans(loss: Any) -> dict[Any, Plan]:
    found: dict[Any, Plan] | None = loss._plans.get(_KEY)
    if found is None or len(found) >= PLANS:
        found = loss._plans[_KEY] = {}
    return found


def _run(plan: Plan, like: Any, kind: Kind, places: list[Any], results: list[Any]) -> None:
    """Run a plan on the device of y_pred."""
    if plan.guards:
        plan.check(places)
    library, device = kind.library, kind.device
    if SIMULATED:
        plan.run(library, like, places, results, 0)
        return
    current = driver().device()
    if current == device or (device is None and current != NO_CONTEXT):
        plan.run(library, like, places, results, current)
        return
    number = device or 0
    with cuda.gpus[number]:
        plan.run(library, like, places, results, number)
