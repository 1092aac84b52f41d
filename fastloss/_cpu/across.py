"""The maths of one loss for rows of classes: across the pivots of a block, and over all classes with a target."""

from typing import Any

from .._compile.jit import independent, scalar
from .._compile.memory import elements
from .._compile.records import record_at
from .._math.constants import named
from .._math.softmax import pivot_nll
from .block import table_dtype
from .broadcast import RowLoop, across_rows, along_rows
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

    columns = scalar(lambda table: (table.top, table.nll, table.inverse, table.inverse))
    run = (across_rows if side_by_side else along_rows)(RowLoop(weigh, columns, 3 if logits else 0))

    def function(call_at, table_at, z_at, e_at, t_at, u_at, v_at, unused):
        call, table = record_at(call_at, CALL), record_at(table_at, dtype)
        c = named(constants_of(call, real), constants)
        size = table.lines * table.length
        z = elements(z_at, size if table.logit_step == table.class_step else table.lines * table.logit_step, real)
        e, t, u = elements(e_at, size, real), elements(t_at, size, real), elements(u_at, size, real)
        run(table, z, e, t, u, elements(v_at, size if with_hessian else 0, real), c)
        return 0

    return function
