"""What the file of a loss is written with: base classes, forms of maths, hyperparameters and their checks."""

from .._compile.jit import scalar as scalar
from .._core.categorical import Categorical as Categorical
from .._core.elementwise import Elementwise as Elementwise
from .._core.hyperparameters import (
    CLIP as CLIP,
    MISSING as MISSING,
    NONNEGATIVE as NONNEGATIVE,
    POSITIVE as POSITIVE,
    SMOOTHING as SMOOTHING,
    Weights as Weights,
    flag as flag,
    hyperparameter as hyperparameter,
    integer as integer,
    number as number,
    number_or_vector as number_or_vector,
    optional as optional,
    vector as vector,
)
from .._core.interval import UNIT as UNIT, Interval as Interval
from .._math.forms import ElementwiseMaths as ElementwiseMaths, SoftmaxMaths as SoftmaxMaths
