"""Activations of last layers, each accurate over the whole range."""

from typing import Any

from .._compile.jit import scalar
from .elementary import EXP_32, EXP_64, exp, exp_nonpositive
from .forms import ElementwiseMaths
from .primitives import fma, pick, polynomial


@scalar
def sigmoid_point(y: Any, z: Any, c: Any) -> Any:
    T = type(z)
    e = exp_nonpositive(-abs(z))
    return (T(1) if z >= T(0) else e) / (T(1) + e), T(0), T(0)


@scalar
def tanh_point(y: Any, z: Any, c: Any) -> Any:
    T = type(z)
    x = T(-2) * abs(z)
    e = exp_nonpositive(x)
    near = fma(x * x, polynomial(x, EXP_32, EXP_64), x)  # exp(x) - 1 where no power of two is taken out
    less = near if x > pick(x, -0.34, -0.34) else e - T(1)
    t = -less / (T(1) + e)
    return t if z >= T(0) else -t, T(0), T(0)


@scalar
def exp_point(y: Any, z: Any, c: Any) -> Any:
    T = type(z)
    return exp(z), T(0), T(0)


ACTIVATIONS = {
    "sigmoid": ElementwiseMaths("sigmoid", sigmoid_point),
    "tanh": ElementwiseMaths("tanh", tanh_point),
    "exp": ElementwiseMaths("exp", exp_point),
}
"""Those that take every element for itself."""
