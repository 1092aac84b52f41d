"""The maths of one loss for rows of classes: across the pivots of a block, and over all classes with a target."""

from typing import Any

from .._compile.jit import independent, scalar
from .._compile.memory import borrow, elements
from .._compile.records import record_at
from .._math.constants import named
from .._math.softmax import pivot_nll
from .block import table_dtype
from .call import CALL, constants_of


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


def weigher(maths: Any, logits: bool, lines: bool, real: Any, order: int) -> Any:
    """The function of a loss over all classes of a block: targets times losses, slopes and bends.

    z holds logits or probabilities, e exponentials, t the targets, which become t s; u becomes t l and v t b.
    """
    focus, derivative, constants = maths.focus, maths.derivative, maths.constants
    dtype, with_hessian = table_dtype(real), order >= 2

    @scalar
    def share(x, e, target, top, excess, inverse, c):
        """Target times loss, slope and bend of a class: 0 where it has no target, whatever the logit."""
        if logits:
            p = e * inverse
            loss, slope, bend = focus(p, real(1) - p, (real(0) if x == top else top - x) + excess, c)
        else:
            loss, slope, bend = derivative(x, c)
        none = target == real(0)
        return (
            real(0) if none else target * loss,
            real(0) if none else target * slope,
            real(0) if none else target * bend,
        )

    @independent
    def weigh_row(z, e, t, u, v, top, excess, inverse, c):
        for k in range(t.size):
            loss, slope, bend = share(z[k], e[k], t[k], top, excess, inverse, c)
            u[k], t[k] = loss, slope
            if with_hessian:
                v[k] = bend

    @independent
    def weigh_line(z, e, t, u, v, top, excess, inverse, c):
        for r in range(t.size):
            loss, slope, bend = share(z[r], e[r], t[r], top[r], excess[r], inverse[r], c)
            u[r], t[r] = loss, slope
            if with_hessian:
                v[r] = bend

    def function(call_at, table_at, z_at, e_at, t_at, u_at, v_at, unused):
        call, table = record_at(call_at, CALL), record_at(table_at, dtype)
        c = named(constants_of(call, real), constants)
        rows, classes, pitch = table.rows, table.classes, table.pitch
        height = classes if lines else rows
        size, z_size = height * pitch, height * max(pitch, table.logit_pitch)
        z, e, t = elements(z_at, z_size, real), elements(e_at, size, real), elements(t_at, size, real)
        u, v = elements(u_at, size, real), elements(v_at, size if with_hessian else 0, real)
        for i in range(height):
            at, z_line = i * pitch, borrow(z, i * table.logit_pitch, pitch)
            e_line, t_line, u_line = borrow(e, at, pitch), borrow(t, at, pitch), borrow(u, at, pitch)
            v_line = borrow(v, at if with_hessian else 0, pitch if with_hessian else 0)
            if lines:
                weigh_line(z_line, e_line, t_line, u_line, v_line, table.top, table.nll, table.inverse, c)
            else:
                weigh_row(z_line, e_line, t_line, u_line, v_line, table.top[i], table.nll[i], table.inverse[i], c)
        return 0

    return function
