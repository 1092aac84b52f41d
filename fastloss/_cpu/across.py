"""The second step of a block of rows: its losses, and what their derivatives are made of, in vectors of rows."""

import math
from typing import Any

from .._compile.invoke import invoke_block
from .._compile.jit import helper, independent
from .._compile.memory import base_of, borrow, elements
from .._compile.records import record_at
from .._math.constants import named
from .._math.primitives import pick, split
from .._math.softmax import pivot_gradient, pivot_hessian, pivot_nll
from .block import table_dtype, whole
from .broadcast import RowLoop, across_rows, along_rows
from .call import CALL, constants_of
from .targets import fill, smoothing_of


def pivots(maths: Any, logits: bool, real: Any) -> Any:
    """The function of a loss across rows: loss, slope and bend of their pivots."""
    focus, derivative, constants = maths.focus, maths.derivative, maths.constants
    dtype = table_dtype(real)

    def function(call_at, table_at, count, unused, none):
        call, table = record_at(call_at, CALL), record_at(table_at, dtype)
        c = named(constants_of(call, real), constants)
        for r in range(count):
            if logits:
                own, rest = table.own[r], table.rest[r]
                total = rest + own
                nll = pivot_nll(own, rest, table.peak[r], table.distance[r])
                table.nll[r], table.inverse[r] = nll, real(1) / total
                loss, slope, bend = focus(own / total, rest / total, nll, c)
            else:
                loss, slope, bend = derivative(table.own[r], c)
            table.loss[r], table.slope[r], table.bend[r] = loss, slope, bend
        return 0

    return function


def weigher(maths: Any, logits: bool, side_by_side: bool, real: Any, order: int) -> Any:
    """The function of a loss over all classes of a block: targets times losses, slopes and bends.

    z holds logits or probabilities, e exponentials, t the targets, which become t s; u becomes t l and v t b.
    """
    focus, derivative, constants = maths.focus, maths.derivative, maths.constants
    dtype, with_hessian = table_dtype(real), order >= 2

    @independent
    def weigh(z, e, t, u, v, tops, pivots, inverses, d, c):
        """A target is weighed with 0 where it is 0, whatever the logit."""
        for i in range(t.size):
            x, top, target = z[i], tops[i], t[i]
            if logits:
                p = e[i] * inverses[i]
                loss, slope, bend = focus(p, real(1) - p, (real(0) if x == top else top - x) + pivots[i], c)
            else:
                loss, slope, bend = derivative(x, c)
            none = target == real(0)
            u[i] = real(0) if none else target * loss
            t[i] = real(0) if none else target * slope
            if with_hessian:
                v[i] = real(0) if none else target * bend

    run = (across_rows if side_by_side else along_rows)(RowLoop(weigh, 3 if logits else 0))

    def function(call_at, table_at, z_at, e_at, t_at, u_at, v_at, unused):
        call, table = record_at(call_at, CALL), record_at(table_at, dtype)
        c = named(constants_of(call, real), constants)
        size = table.lines * table.length
        z = elements(z_at, max(size, table.lines * table.logit_step), real)
        e, t, u = elements(e_at, size, real), elements(t_at, size, real), elements(u_at, size, real)
        v = elements(v_at, size if with_hessian else 0, real)
        run(table, z, e, t, u, v, table.top, table.nll, table.inverse, table.inverse, c)
        return 0

    return function


@helper
def no_other_targets(table: Any) -> None:
    """What the pivots have, and the sums over the other classes, where only pivots have a target."""
    for r in range(whole(table.rows)):
        table.mass[r] = table.alone[r] = 1
        table.losses[r] = table.slopes[r] = table.bends[r] = 0


@helper
def finish(table: Any, scale: Any) -> bool:
    """Losses and factors of the derivatives; whether exponentials are multiplied by a power of two before."""
    T, least, powers = type(scale), pick(scale, 2.0**-120, 2.0**-1000), False
    for r in range(whole(table.rows)):
        w, rest, own, mass = table.weight[r], table.rest[r], table.own[r], table.mass[r]
        sum_ = rest + own
        p, q, none, scaled = own / sum_, rest / sum_, mass == T(0), w * scale
        loss = T(0) if none else mass * table.loss[r]
        slope, bend = T(0) if none else mass * table.slope[r], T(0) if none else mass * table.bend[r]
        slopes, bends = table.slopes[r], table.bends[r]
        slope_sum, bend_sum = slopes + slope, bends + bend
        alone = table.alone[r] != T(0)  # then there is nothing to subtract before the scale
        factor = slope_sum * (scaled if alone else T(1))
        table.multiplier[r] = T(1) if alone else scaled
        # A small factor over a large sum would be subnormal: a power of two of the sum goes its own way.
        small = (abs(factor) < least * sum_) & (factor != T(0))
        power = split(sum_)[2] if small else T(1)
        table.loss[r] = (table.losses[r] + loss) * w
        table.slope[r], table.bend[r], table.scaled[r] = slope_sum, bend_sum, scaled
        table.power[r], table.factor[r] = power, factor / (sum_ * power)
        table.value[r] = pivot_gradient(p, q, slopes, slope) * scaled
        table.second[r] = pivot_hessian(p, q, slope_sum, bends, bend) * scaled
    for r in range(table.rows):
        powers |= table.power[r] != T(1)
    return powers


@helper
def finish_activation(table: Any) -> None:
    """The factors of softmax itself."""
    for r in range(whole(table.rows)):
        sum_ = table.rest[r] + table.own[r]
        table.factor[r], table.value[r] = type(sum_)(1) / sum_, table.own[r] / sum_


def weigh_step(real: Any, layout: Any, with_hessian: bool) -> Any:
    """The function that adds over all classes with a target."""
    sums, weigh_nll, dtype = layout.sums, layout.weigh_nll, table_dtype(real)

    @helper
    def weigh(call_at, table_at, z, e, t, u, v):
        """Sums over all classes with a target; t becomes slopes, v bends."""
        call, table = record_at(call_at, CALL), record_at(table_at, dtype)
        for r in range(table.rows):
            place = borrow(t, r * table.row_step + table.pivot[r] * table.class_step, 1)
            table.mass[r], place[0] = place[0], 0
        for r in range(whole(table.rows)):
            table.bends[r] = 0
        if call.weigh == 0:  # the loss is -log p
            weigh_nll(z, t, u, table)
            for r in range(table.rows):
                slope = table.slopes[r]
                table.losses[r] += real(0) if slope == real(0) else slope * table.nll[r]
            if with_hessian:
                fill(borrow(v, 0, table.lines * table.length), real(0))
        else:
            invoke_block(call.weigh, call_at, table_at, base_of(z), base_of(e), base_of(t), base_of(u), base_of(v), 0)
            sums(u, table, table.losses)
            sums(t, table, table.slopes)
            if with_hessian:
                sums(v, table, table.bends)

    return weigh


def weigh_evenly_step(real: Any, layout: Any) -> Any:
    """The function that adds over all classes where all but the pivot have the same target, and the loss is -log p."""
    add_differences = layout.add_differences

    @helper
    def weigh_evenly(call, z, u, table):
        """-log p of a class is that of the pivot and the difference of their logits."""
        keep, even = smoothing_of(call, real)
        slopes = even * real(table.classes - 1)
        for r in range(table.rows):
            table.top[r] = borrow(z, r * table.row_step + table.pivot[r] * table.logit_step, 1)[0]
        add_differences(z, u, even, table)
        for r in range(whole(table.rows)):
            nll = table.nll[r]
            table.mass[r], table.slopes[r], table.bends[r], table.alone[r] = keep + even, slopes, 0, 0
            table.losses[r] = real(0) if nll == real(math.inf) else table.losses[r] + slopes * nll
        for r in range(table.rows):
            if table.top[r] == math.inf and table.nll[r] == 0:
                table.losses[r] = math.inf if table.classes > 1 and even > 0 else 0

    return weigh_evenly
