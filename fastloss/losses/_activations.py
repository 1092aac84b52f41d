"""The activations that belong to the losses, each accurate over the whole range."""

from typing import Any

from .._compile.jit import scalar
from .._math.elementary import EXP_32, EXP_64, exp, exp_nonpositive
from .._math.forms import ElementwiseMaths as Maths
from .._math.primitives import fma, pick, polynomial


@scalar
def no_domain(y: Any, z: Any, c: Any) -> Any:
    return False


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


SIGMOID = Maths("sigmoid", sigmoid_point, no_domain)
TANH = Maths("tanh", tanh_point, no_domain)
EXP = Maths("exp", exp_point, no_domain)
