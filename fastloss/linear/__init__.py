"""Linear models: a loss of X w as a function of w, and a linear layer with cross-entropy without its logits."""

from ._cross_entropy import LinearCrossEntropy as LinearCrossEntropy, linear_cross_entropy as linear_cross_entropy
from ._objective import Coefficients as Coefficients, LinearObjective as LinearObjective

__all__ = ["Coefficients", "LinearCrossEntropy", "LinearObjective", "linear_cross_entropy"]
