"""Loss, gradient and Hessian of one row of classes, while it is in cache.

focus(p, q, nll, c), with q = 1 - p and nll = -log p, gives for one class the loss, the slope s = -d loss / d log p and
the bend b = p^2 d2 loss / dp2 - s; cross-entropy has (nll, 1, 0). With t_k the target mass of class k (class weight and
smoothing included), A = sum t s and B = sum t b, the derivatives by the logits are
    g_j = p_j A - t_j s_j        h_j = p_j (q_j A + p_j B) + (1 - 2 p_j) t_j b_j.
Where p_j is near 1, the sums without class j and q_j = (sum of the other exponentials) / total replace the
differences that would cancel.
"""

from typing import Any, NamedTuple

import numpy as np

from .._compile.jit import helper
from .._math.elementary import log1p
from .._math.primitives import pick
from .._math.softmax import LIFT_32, LIFT_64
from .softmax import exponentials, fold_row, largest, others


class Rows(NamedTuple):
    """The functions of one kernel, each for one row."""

    one_class: Any
    every_class: Any
    probabilities: Any


@helper
def hessian_row(e: Any, true: int, own: Any, rest: Any, slope: Any, bend: Any, fw: Any, h: Any) -> None:
    """The Hessian of a row whose true class is set aside: e[true] is 0, own its exponential, rest the others' sum."""
    T = type(own)
    total = rest + own
    inverse = T(1) / total
    for k in range(e.size):
        p = e[k] * inverse
        h[k] = p * ((T(1) - p) * slope + p * bend) * fw
    for k in range(e.size):
        if e[k] > rest - e[k] + own:  # p > 1/2, where 1 - p would cancel
            largest, e[k] = e[k], 0
            p, q = largest * inverse, (T(fold_row(e)) + own) * inverse
            e[k] = largest
            h[k] = p * (q * slope + p * bend) * fw
            break
    p, q = own * inverse, rest * inverse
    h[true] = q * (p * slope + q * bend) * fw


def rows(focus: Any, derivative: Any, real: Any, indices: bool, spread: bool, classed: bool, order: int) -> Rows:
    """Row functions from a loss's scalar maths. derivative(p, c) gives loss and derivatives by p from probabilities.

    Where one class has the whole target, `weight` is that of the example times that of the class.
    """
    with_gradient, with_hessian = order >= 1, order >= 2

    @helper
    def mass(y, k, true, cw, keep, even):
        """The target mass of class k."""
        t = even + (keep if k == true else real(0)) if indices else real(y[k]) * keep + even
        return t * cw[k] if classed else t

    @helper
    def any_of(values):
        """Whether any value is not 0: signed targets may add up to 0."""
        found = False
        for k in range(values.size):
            found |= values[k] != real(0)
        return found

    @helper
    def dominant(e, e_top, total):
        """The class with p > 1/2, or -1."""
        if e_top * 2.0 > total:
            for k in range(e.size):
                if np.float64(e[k]) == e_top:
                    return k
        return -1

    @helper
    def one_class(z, true, e, h, factor, weight, c):
        """The loss where one class has the whole target; e becomes the gradient, h the Hessian."""
        top = largest(z)
        distance = real(0) if z[true] == top else top - z[true]
        e_top = np.float64(exponentials(z, top, e))
        total = fold_row(e)
        own = np.float64(e[true])
        rest = others(e, true, total)
        nll = distance + log1p(real((rest if distance == real(0) else total - e_top) / e_top), real(0))
        p, q = real(own / total), real(rest / total)
        loss, slope, bend = focus(p, q, nll, c)
        if with_hessian:
            inverse, fw = real(1.0 / total), real(factor * weight)
            for k in range(e.size):
                pk = e[k] * inverse
                h[k] = pk * ((real(1) - pk) * slope + pk * bend) * fw
            best = dominant(e, e_top, total)
            if best >= 0 and best != true:
                pk, qk = e[best] * inverse, real(others(e, best, total) / total)
                h[best] = pk * (qk * slope + pk * bend) * fw
            h[true] = q * (p * slope + q * bend) * fw
        if with_gradient:
            scaled = factor * weight * np.float64(slope)
            # A small slope over the total would be subnormal: the lift of the exponentials goes its own way.
            power = pick(q, 2.0**-LIFT_32, 2.0**-LIFT_64) if abs(scaled) < 1.0 else real(1)
            f = real(scaled / (total * np.float64(power)))
            for k in range(e.size):
                e[k] = e[k] * power * f
            e[true] = real(-scaled * (rest / total))
        return loss * real(weight)

    @helper
    def every_class(z, y, true, cw, keep, even, e, h, work, factor, weight, c):
        """The loss where every class may have a share of the target."""
        losses, slopes, bends = work
        top = largest(z)
        e_top = np.float64(exponentials(z, top, losses))  # z may be where e lies
        total = fold_row(losses)
        best = dominant(losses, e_top, total)
        rest = others(losses, best, total) if best >= 0 else total - e_top
        excess = log1p(real(rest / e_top), real(0))  # -log p of the most probable class
        inverse, q_best = real(1.0 / total), real(rest / total)
        for k in range(z.size):
            nll = (real(0) if z[k] == top else top - z[k]) + excess
            p = losses[k] * inverse
            q = q_best if k == best else real(1) - p
            e[k] = p
            loss, slope, bend = focus(p, q, nll, c)
            t = mass(y, k, true, cw, keep, even)
            none = t == real(0)
            losses[k] = real(0) if none else t * loss
            slopes[k] = real(0) if none else t * slope
            bends[k] = real(0) if none else t * bend
        value = real(fold_row(losses)) * real(weight)
        if with_gradient:
            fw = real(factor * weight)
            slope_sum, bend_sum = fold_row(slopes), fold_row(bends)
            a, b = real(slope_sum), real(bend_sum)
            if a == real(0) and not any_of(slopes):  # no class counts, whatever the logits
                for k in range(z.size):
                    e[k] = real(0)
                    if with_hessian:
                        h[k] = real(0)
                return value
            p = e[max(best, 0)]
            for k in range(z.size):
                pk = e[k]
                if with_hessian:
                    h[k] = (pk * ((real(1) - pk) * a + pk * b) + (real(1) - pk - pk) * bends[k]) * fw
                e[k] = (pk * a - slopes[k]) * fw
            if best >= 0:
                a_rest = real(slope_sum - np.float64(slopes[best]))
                b_rest = real(bend_sum - np.float64(bends[best]))
                e[best] = (p * a_rest - q_best * slopes[best]) * fw
                if with_hessian:
                    h[best] = (p * (q_best * a + p * b_rest) + q_best * q_best * bends[best]) * fw
        return value

    @helper
    def probabilities(p, y, true, cw, keep, even, e, h, work, factor, weight, c):
        """The loss of a row of probabilities, where no class knows of the others."""
        fw = real(factor * weight)
        if not spread:
            loss, slope, bend = derivative(p[true], c)
            for k in range(p.size):
                if with_gradient:
                    e[k] = real(0)
                if with_hessian:
                    h[k] = real(0)
            if with_gradient:
                e[true] = slope * fw
            if with_hessian:
                h[true] = bend * fw
            return loss * real(weight)
        losses = work[0]
        for k in range(p.size):
            loss, slope, bend = derivative(p[k], c)
            t = mass(y, k, true, cw, keep, even)
            none = t == real(0)
            losses[k] = real(0) if none else t * loss
            if with_gradient:
                e[k] = real(0) if none else t * slope * fw
            if with_hessian:
                h[k] = real(0) if none else t * bend * fw
        return real(fold_row(losses)) * real(weight)

    return Rows(one_class, every_class, probabilities)
