"""From a request to one pass over arrays on a device. Nothing here waits for the device."""

from typing import Any

from numba import cuda

from .._compile.cuda import SIMULATED
from .._request import checks
from .._request.arrays import is_number
from .._request.description import Description, Request
from .._request.weights import alike
from .arrays import Kind
from .launch import NO_CONTEXT, driver
from .libraries import library_of
from .plan import GRADIENT, HESSIAN, LOSSES, TABLE, VALUE, Y_PRED, Plan
from .record import activation, planned

SLOTS = TABLE + 1
PLANS = 256
"""How many plans a loss keeps: one for each kind of call."""
_KEY: Any = ("device", 0)


def evaluate(loss: Description, request: Request) -> tuple[Any, Any, Any]:
    """The loss (a 0-d array, or the array of losses), the gradient and the Hessian, on the device."""
    checks.reduction(loss.name, request.reduction)
    number, weight = None, request.sample_weight
    if is_number(weight):
        number, weight = float(weight), None
        if request.reduction == "mean" and alike(number):
            number = None
    results: list[Any] = [request.y_true, request.y_pred, weight, request.losses, request.gradient, request.hessian]
    results += [None] * 3
    places, kinds = _seen(results)
    key = (request.reduction, request.order, request.valued, number, *kinds)
    plans = _plans(loss)
    plan = plans.get(key)
    if plan is None:
        plan = plans[key] = planned(loss, kinds, number, request.reduction, request.order, request.valued)
    _run(plan, request.y_pred, kinds[Y_PRED], places, results)
    value = results[LOSSES if request.reduction == "none" else VALUE] if request.valued else None
    return value, results[GRADIENT], results[HESSIAN]


def activate(loss: Description, z: Any, out: Any = None) -> Any:
    """The activation of logits on a device."""
    results: list[Any] = [None, z, None, None, out, None, None, None, None]
    places, kinds = _seen(results)
    plans = _plans(loss)
    plan = plans.get(("activate", *kinds))
    if plan is None:
        plan = plans["activate", *kinds] = activation(loss, kinds)
    _run(plan, z, kinds[Y_PRED], places, results)
    return results[GRADIENT]


def _seen(arrays: list[Any]) -> tuple[list[Any], list[Any]]:
    """Where arrays are, and what they are, by slot."""
    places: list[Any] = [None] * SLOTS
    kinds: list[Any] = [None] * VALUE
    for slot, array in enumerate(arrays):
        if array is not None:
            places[slot], kinds[slot] = library_of(array).inspect(array)
    return places, kinds


def _plans(loss: Description) -> dict[Any, Plan]:
    found: dict[Any, Plan] | None = loss.plans.get(_KEY)
    if found is None or len(found) >= PLANS:
        found = loss.plans[_KEY] = {}
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
