"""The formulas of the losses in plain NumPy and float64, for moderate values, where nothing cancels.

A formula takes a loss, targets as float64 and predictions of their own dtype, which `wide` makes float64. It gives
loss, gradient and Hessian of every example.
"""

from typing import Any, NamedTuple

import numpy as np


class Points(NamedTuple):
    """Loss, gradient and Hessian of every example, without weights; gradient and Hessian have y_pred's shape."""

    loss: Any
    gradient: Any
    hessian: Any


def wide(array: Any) -> Any:
    return np.asarray(array).astype(np.float64)


def curve(p: Any, q: Any, gamma: float, logits: bool) -> Points:
    """q^gamma (-log p) with q = 1 - p, and its derivatives by p; from probabilities with clamps."""
    least, most = (1e-150, np.inf) if logits else (1e-12, 100)
    with np.errstate(divide="ignore"):
        nll = np.minimum(-np.log(p), most)
    p_least, q_least, f = np.maximum(p, least), np.maximum(q, least), q**gamma
    slope = -f * (1 / p_least + gamma * nll / q_least)
    bend = f * (1 / p_least**2 + 2 * gamma / (p_least * q_least) + gamma * (gamma - 1) * nll / q_least**2)
    return Points(f * nll, slope, bend)


def clip(loss: Any, p: Any) -> tuple[Any, Any]:
    """p within [epsilon, 1 - epsilon] in p's own dtype, and where it was not."""
    low = p.dtype.type(getattr(loss, "epsilon", None) or 0)
    high = p.dtype.type(1) - low
    return wide(np.clip(p, low, high)), (p < low) | (p > high)


# --- a formula for each loss of elements ------------------------------------------------------------------------


def squared(loss: Any, y: Any, p: Any) -> Points:
    p = wide(p)
    return Points((p - y) ** 2, 2 * (p - y), np.full_like(p, 2))


def absolute(loss: Any, y: Any, p: Any) -> Points:
    p = wide(p)
    return Points(abs(p - y), np.sign(p - y), np.zeros_like(p))


def logarithmic(loss: Any, y: Any, p: Any) -> Points:
    p = wide(p)
    d = np.log1p(p) - np.log1p(y)
    return Points(d**2, 2 * d / (1 + p), 2 * (1 - d) / (1 + p) ** 2)


def poisson(loss: Any, y: Any, x: Any) -> Points:
    x = wide(x)
    if loss.from_logits:
        return Points(np.exp(x) - y * x, np.exp(x) - y, np.exp(x))
    u = x + (loss.epsilon or 0)
    return Points(x - y * np.log(u), (u - y) / u, y / u**2)


def hinge(loss: Any, y: Any, x: Any) -> Points:
    x, logits = wide(x), loss.from_logits
    t, slope = (np.tanh(x), 1 - np.tanh(x) ** 2) if logits else (x, np.ones_like(x))
    m = np.maximum(0, 1 - y * t)
    hess = np.where(m > 0, 2 * slope**2 + 4 * y * m * t * slope * logits, 0)
    return Points(m**2, -2 * y * m * slope, hess)


# --- likelihoods ------------------------------------------------------------------------------------------------


def binary(loss: Any, y: Any, x: Any) -> Points:
    y = y * (1 - loss.label_smoothing) + loss.label_smoothing / 2
    yes = 1.0 if loss.pos_weight is None else np.asarray(loss.pos_weight)
    p, q, out = sides(loss, x)
    up, down = curve(p, q, 0.0, loss.from_logits), curve(q, p, 0.0, loss.from_logits)
    a, b = yes * y, 1 - y
    by_p = Points(a * up.loss + b * down.loss, a * up.gradient - b * down.gradient, a * up.hessian + b * down.hessian)
    return by_logit(by_p, p, q) if loss.from_logits else unclipped(by_p, out)


def focal(loss: Any, y: Any, x: Any) -> Points:
    """Of soft labels the right answer's probability is mixed first."""
    y, g = y * (1 - loss.label_smoothing) + loss.label_smoothing / 2, loss.gamma
    weight = 1.0 if loss.alpha is None else loss.alpha * y + (1 - loss.alpha) * (1 - y)
    p, q, out = sides(loss, x)
    up, down = curve(p, q, 0.0, loss.from_logits), curve(q, p, 0.0, loss.from_logits)
    nll, slope = y * up.loss + (1 - y) * down.loss, y * up.gradient - (1 - y) * down.gradient
    wrong = y * q + (1 - y) * p
    k = (1 - 2 * y) / np.maximum(wrong, 1e-150 if loss.from_logits else 1e-12)
    bend = y * up.hessian + (1 - y) * down.hessian + g * k * ((g - 1) * k * nll + 2 * slope)
    f = weight * wrong**g
    by_p = Points(f * nll, f * (g * k * nll + slope), f * bend)
    return by_logit(by_p, p, q) if loss.from_logits else unclipped(by_p, out)


def sides(loss: Any, x: Any) -> tuple[Any, Any, Any]:
    """The probabilities of yes and no, and where they were clipped."""
    if loss.from_logits:
        z = wide(x)
        return 1 / (1 + np.exp(-z)), 1 / (1 + np.exp(z)), np.zeros(z.shape, bool)
    p, out = clip(loss, x)
    return p, 1 - p, out


def by_logit(point: Points, p: Any, q: Any) -> Points:
    """Derivatives by the logit from those by the probability p = 1 - q."""
    grad = point.gradient * p * q
    return Points(point.loss, grad, point.hessian * (p * q) ** 2 + grad * (q - p))


def unclipped(point: Points, out: Any) -> Points:
    return Points(point.loss, np.where(out, 0, point.gradient), np.where(out, 0, point.hessian))


def rows(loss: Any, y: Any, x: Any) -> Points:
    """Classes on the loss's axis, as indices or as a target for each; ignored examples are 0."""
    x = np.moveaxis(x, loss.axis, -1)
    classes, kept = x.shape[-1], np.ones(x.shape[:-1], bool)
    if np.ndim(y) < x.ndim:
        kept = np.asarray(y) != loss.ignore_index
        target = np.equal.outer(y, np.arange(classes)) * 1.0
    else:
        target = np.moveaxis(wide(y), loss.axis, -1)
    target = target * (1 - loss.label_smoothing) + loss.label_smoothing / classes
    given = getattr(loss, "class_weight", None) or getattr(loss, "alpha", None) or 1.0
    t = target * np.asarray(given) * kept[..., None]
    gamma = getattr(loss, "gamma", 0.0)
    if loss.from_logits:
        z = wide(x)
        e = np.exp(z - z.max(-1, keepdims=True))
        p, out = e / e.sum(-1, keepdims=True), np.zeros(x.shape, bool)
    else:
        p, out = clip(loss, x)
    each = curve(p, 1 - p, gamma, loss.from_logits)
    grad, hess = np.where(out, 0, t * each.gradient), np.where(out, 0, t * each.hessian)
    if loss.from_logits:
        slope = grad * p
        bend = hess * p**2 + slope
        grad = slope - p * slope.sum(-1, keepdims=True)
        hess = p**2 * (bend.sum(-1, keepdims=True) - bend) + (1 - p) ** 2 * bend
        hess = hess - p * (1 - p) * slope.sum(-1, keepdims=True)
    return Points((t * each.loss).sum(-1), np.moveaxis(grad, -1, loss.axis), np.moveaxis(hess, -1, loss.axis))
