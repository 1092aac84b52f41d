"""CuPy on a GPU: the expression that one writes, and kernels of its own for elements and rows, with a sum.

CuPy has bfloat16 since version 14, with ml_dtypes; before that it refuses the tensors, which is the reason given.
"""

from typing import Any

from . import Call
from .expressions import EXPRESSIONS

ELEMENTS = {
    "mse": "float d = x - a; l = d * d; g = 2 * d * s;",
    "mae": "float d = x - a; l = fabsf(d); g = (float)((d > 0) - (d < 0)) * s;",
    "msle": "float d = log1pf(x) - log1pf(a); l = d * d; g = 2 * d / (1 + x) * s;",
    "poisson_rates": "l = x - a * logf(x); g = (1 - a / x) * s;",
    "poisson_logits": "float e = expf(x); l = e - a * x; g = (e - a) * s;",
    "squared_hinge": "float m = fmaxf(1 - a * x, 0); l = m * m; g = -2 * a * m * s;",
    "squared_hinge_tanh": "float t = tanhf(x), m = 1 - a * t; l = m * m; g = -2 * a * m * (1 - t * t) * s;",
    "bce_probabilities": "l = -(a * logf(x) + (1 - a) * log1pf(-x)); g = (x - a) / (x * (1 - x)) * s;",
    "bce_logits": "float e = expf(-fabsf(x)); l = fmaxf(x, 0) - a * x + log1pf(e); "
                  "g = ((x >= 0 ? 1 : e) / (1 + e) - a) * s;",
    "binary_focal_logits": "float b = 2 * a - 1, e = expf(-b * x), t = 1 / (1 + e), n = log1pf(e), q = e * t; "
                           "l = q * q * n; g = -b * q * q * (2 * t * n + q) * s;",
}  # fmt: skip
"""Loss l and gradient g of label a and prediction x, scaled by s; all float, g of the arrays' dtype."""

ROW_LOSS = {"softmax_crossentropy": "l = n;", "softmax_focal": "l = (1 - t) * (1 - t) * n;"}
"""Loss l of a row whose true class has probability t and negative log likelihood n."""
ROW_SLOPE = {"softmax_crossentropy": "f = 1;", "softmax_focal": "f = (1 - t) * (1 - t) + 2 * (1 - t) * t * n;"}
"""What softmax minus one-hot is multiplied by."""


def cupy_expression(name: str, y: Any, p: Any) -> Call:
    """What one writes in CuPy."""
    import cupy

    labels, z = cupy.from_dlpack(y), cupy.from_dlpack(p)
    formula = EXPRESSIONS[name]
    return lambda: formula(cupy, labels, z)


def cupy_kernel(name: str, y: Any, p: Any) -> Call:
    """ElementwiseKernel for losses and gradients, ReductionKernel for the sums of rows, and a sum."""
    import cupy

    labels, z = cupy.from_dlpack(y), cupy.from_dlpack(p)
    return _element_kernels(cupy, name, labels, z) if name in ELEMENTS else _row_kernels(cupy, name, labels, z)


def _element_kernels(cupy: Any, name: str, y: Any, p: Any) -> Call:
    """One kernel for losses and gradient, and a sum."""
    body = f"const float a = y, x = p; {ELEMENTS[name]}"
    one_pass = cupy.ElementwiseKernel("T y, T p, float32 s", "float32 l, T g", body, f"bench_{name}")
    losses, gradient, scale = cupy.empty(p.shape, cupy.float32), cupy.empty_like(p), 1 / p.size

    def call() -> tuple[Any, Any]:
        one_pass(y, p, scale, losses, gradient)
        return losses.sum() * scale, gradient

    return call


def _row_kernels(cupy: Any, name: str, y: Any, z: Any) -> Call:
    """Maxima, sums of exponentials, losses by row, gradient, and a sum."""
    total_of = cupy.ReductionKernel("T z, T m", "float32 t", "expf((float)z - (float)m)", "a + b", "t = a", "0",
                                    "bench_total", reduce_type="float")  # fmt: skip
    row = ("const float n = logf(total) - ((float)z[i * k + y] - (float)m), t = expf(-n); "
           f"{ROW_LOSS[name]} {ROW_SLOPE[name]}")  # fmt: skip
    of_row = cupy.ElementwiseKernel("raw T z, int64 y, T m, float32 total, int64 k", "float32 l, float32 f", row,
                                    f"bench_{name}_rows")  # fmt: skip
    element = ("const ptrdiff_t r = i / k; "
               "g = (expf((float)z - (float)m[r]) / total[r] - (float)(i - r * k == y[r])) * f[r] * s;")  # fmt: skip
    taken = "T z, raw T m, raw float32 total, raw int64 y, raw float32 f, float32 s, int64 k"
    of_element = cupy.ElementwiseKernel(taken, "T g", element, f"bench_{name}_elements")
    (count, classes), gradient = z.shape, cupy.empty_like(z)

    def call() -> tuple[Any, Any]:
        top = cupy.amax(z, 1)
        total = total_of(z, top[:, None], axis=1)
        losses, slopes = of_row(z, y, top, total, classes)
        of_element(z, top, total, y, slopes, 1 / count, classes, gradient)
        return losses.sum() / count, gradient

    return call
