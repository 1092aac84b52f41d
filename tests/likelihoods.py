"""The textbook formulas of the cross-entropies in mpmath, and terms that other losses share: see `tests.reference`."""

import mpmath as mp

LEAST = mp.mpf(10) ** -12


def sigmoid(z):
    return 1 / (1 + mp.exp(-z))


def xlogy(x, y):
    """x log y as the contract has it: 0 log 0 is 0 and the log is at least -100."""
    return mp.mpf(0) if x == 0 else x * (mp.mpf(-100) if y <= 0 else max(mp.log(y), mp.mpf(-100)))


def smooth(loss, y, classes=2):
    a = mp.mpf(loss.label_smoothing)
    return y * (1 - a) + a / classes


def epsilon(loss):
    return mp.mpf(loss.epsilon or 0)


def clip(loss, p):
    return min(max(p, epsilon(loss)), 1 - epsilon(loss))


def clipped(loss, p):
    return not epsilon(loss) <= p <= 1 - epsilon(loss)


# --- labels -----------------------------------------------------------------------------------------------------


def yes_weight(loss):
    return mp.mpf(1) if loss.pos_weight is None else mp.mpf(loss.pos_weight)


def binary(loss, y, x):
    y, w = smooth(loss, y), yes_weight(loss)
    if loss.from_logits:
        p = sigmoid(x)
        return -((w * y * mp.log(p) if y else 0) + ((1 - y) * mp.log(1 - p) if y != 1 else 0))
    p = clip(loss, x)
    return -(w * xlogy(y, p) + xlogy(1 - y, 1 - p))


def binary_scale(loss, y, x):
    y, w = smooth(loss, y), yes_weight(loss)
    p = sigmoid(x) if loss.from_logits else clip(loss, x)
    v = 1 if loss.from_logits else max(p * (1 - p), LEAST)
    return 0, max((1 - y) * p, w * y * (1 - p)) / v, 0


def binary_clamped(loss, y, p):
    if clipped(loss, p):
        return mp.mpf(0), mp.mpf(0)
    y, w, q = smooth(loss, y), yes_weight(loss), 1 - p
    grad = ((1 - y) * p - w * y * q) / max(p * q, LEAST)
    return grad, w * y / max(p, LEAST) ** 2 + (1 - y) / max(q, LEAST) ** 2


def shares(loss, y):
    """The share of yes and of no, and the weight of their mixture."""
    y = smooth(loss, y)
    a, b = (1, 1) if loss.alpha is None else (mp.mpf(loss.alpha), 1 - mp.mpf(loss.alpha))
    return y, 1 - y, a * y + b * (1 - y)


def focal_binary(loss, y, x):
    """The probability of the right answer is mixed first, as torchvision, Keras and optax do."""
    p = sigmoid(x) if loss.from_logits else clip(loss, x)
    yes, no, weight = shares(loss, y)
    wrong = yes * (1 - p) + no * p
    return weight * wrong ** mp.mpf(loss.gamma) * mixed_nll(loss, yes, no, p)


def mixed_nll(loss, yes, no, p):
    log = (lambda t, p: t * mp.log(p) if t else 0) if loss.from_logits else xlogy
    return -log(yes, p) - log(no, 1 - p)


def focal_binary_terms(loss, y, x):
    """The terms of gradient and Hessian: by the logit, or by the probability with clamps."""
    g, p = mp.mpf(loss.gamma), sigmoid(x) if loss.from_logits else clip(loss, x)
    yes, no, weight = shares(loss, y)
    q, difference, nll = 1 - p, no - yes, mixed_nll(loss, yes, no, p)
    wrong = yes * q + no * p
    factor = weight * wrong**g
    t = difference * (p * q / wrong if wrong else max(p, q))  # the limit, of a label of 0 or 1
    grads = g * t * nll, no * p, -yes * q
    if loss.from_logits:
        bends = (g * g * t * t * nll, g * t * nll * yes * q * q / wrong, -g * t * nll * no * p * p / wrong,
                 2 * g * t * no * p, -2 * g * t * yes * q, p * q)  # fmt: skip
        return [factor * term for term in grads], [factor * term for term in bends]
    k, v, p, q = difference / max(wrong, LEAST), max(p * q, LEAST), max(p, LEAST), max(q, LEAST)
    bends = g * (g - 1) * k * k * nll, 2 * g * k * no / q, -2 * g * k * yes / p, yes / p**2, no / q**2
    return [factor * term / v for term in grads], [factor * term for term in bends]


def focal_binary_scale(loss, y, x):
    return 0, *(max(map(abs, terms)) for terms in focal_binary_terms(loss, y, x))


def focal_binary_clamped(loss, y, p):
    if clipped(loss, p):
        return mp.mpf(0), mp.mpf(0)
    return tuple(map(mp.fsum, focal_binary_terms(loss, y, p)))


def focal_curve(g, p, q, nll):
    p, q = max(p, LEAST), max(q, LEAST)
    return g * (g - 1) * nll / q**2 + 2 * g / (p * q) + 1 / p**2


# --- rows of classes ---------------------------------------------------------------------------------------------


def masses(loss, targets):
    """The target mass of every class: smoothed, times class weight or alpha."""
    n = len(targets)
    given = getattr(loss, "class_weight", None) or getattr(loss, "alpha", None) or 1.0
    given = [given] * n if isinstance(given, float) else given
    return [mp.mpf(c) * smooth(loss, y, n) for c, y in zip(given, targets, strict=True)]


def gamma(loss):
    return mp.mpf(getattr(loss, "gamma", 0))


def softmax(row):
    exponentials = [mp.exp(z) for z in row]
    return [e / mp.fsum(exponentials) for e in exponentials]


def categorical(loss, targets, row):
    ps = softmax(row) if loss.from_logits else [clip(loss, p) for p in row]
    log = mp.log if loss.from_logits else lambda p: xlogy(mp.mpf(1), p)
    return -mp.fsum(
        t * (1 - p) ** gamma(loss) * log(p) for t, p in zip(masses(loss, targets), ps, strict=True) if t
    )  # fmt: skip


def categorical_scale(loss, targets, row):
    """Lists by class: the largest terms of gradient and Hessian."""
    g, ts, n = gamma(loss), masses(loss, targets), len(row)
    if not loss.from_logits:
        return 0, [0] * n, [0] * n
    ps = softmax(row)
    slopes = [t * (1 - p) ** g * (1 - g * p * mp.log(p) / (1 - p)) for t, p in zip(ts, ps, strict=True)]
    bends = [t * (1 - p) ** g * g * p / (1 - p) * max(abs((g - 1) * p * mp.log(p) / (1 - p)), 2, -mp.log(p))
             for t, p in zip(ts, ps, strict=True)]  # fmt: skip
    a, b = mp.fsum(slopes), mp.fsum(bends)
    one_class = sum(t != 0 for t in ts) == 1  # then nothing in the gradient cancels
    grads = [0 if one_class else max(p * a, s) for p, s in zip(ps, slopes, strict=True)]
    hesses = [max(p * (1 - p) * a, p * p * b, abs(1 - 2 * p) * bend) if g else 0
              for p, bend in zip(ps, bends, strict=True)]  # fmt: skip
    return 0, grads, hesses


def categorical_clamped(loss, targets, row):
    """Lists by class of gradient and Hessian from probabilities."""
    g, grads, hesses = gamma(loss), [], []
    for t, p in zip(masses(loss, targets), row, strict=True):
        live = t if not clipped(loss, p) else mp.mpf(0)
        nll, f = -xlogy(mp.mpf(1), p), (1 - p) ** g
        grads.append(-live * f * (g * nll / max(1 - p, LEAST) + 1 / max(p, LEAST)))
        hesses.append(live * f * focal_curve(g, p, 1 - p, nll))
    return grads, hesses
