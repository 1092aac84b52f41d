"""What turns the gradient by the predictions into a trained model: L-BFGS, Adam, and a network of one hidden layer."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from fastloss import Loss

from .data import Array, Labels

Criterion = Callable[[Array], tuple[float, Array]]
"""From the outputs of a model to a loss and its gradient by these outputs: what a fastloss call gives."""


@dataclass(frozen=True)
class Linear:
    """A linear model: one weight for each feature, and a bias, for each output."""

    weights: Array
    bias: Array

    def __call__(self, x: Array) -> Array:
        """The outputs for the rows of x."""
        return x @ self.weights + self.bias


def fit_linear(criterion: Criterion, x: Array, *, classes: int | None = None, l2: float = 0.0) -> Linear:
    """Minimise criterion(x @ weights + bias) + l2/2 |weights|^2 with L-BFGS; the bias goes free, as in scikit-learn."""
    shape = (x.shape[1] + 1,) if classes is None else (x.shape[1] + 1, classes)

    def objective(flat: Array) -> tuple[float, Array]:
        theta = flat.reshape(shape)
        weights = theta[:-1]
        loss, slope = criterion(x @ weights + theta[-1])
        gradient = np.empty(shape)
        gradient[:-1] = x.T @ slope + l2 * weights
        gradient[-1] = slope.sum(axis=0)
        return loss + 0.5 * l2 * float(np.vdot(weights, weights)), gradient.ravel()

    options = {"maxiter": 5000, "maxfun": 10000, "ftol": 1e-12, "gtol": 1e-7}
    found = minimize(objective, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options=options)
    if found.status == 1:  # out of iterations; the line search ending at the limit of the precision (2) is an end
        raise RuntimeError(f"L-BFGS did not converge: {found.message}")
    theta = found.x.reshape(shape)
    return Linear(theta[:-1], theta[-1])


class Adam:
    """Kingma & Ba 2015, with updates in place."""

    def __init__(self, parameters: list[Array]) -> None:
        self.parameters = parameters
        self.means = [np.zeros_like(p) for p in parameters]
        self.squares = [np.zeros_like(p) for p in parameters]
        self.steps = 0

    def step(self, gradients: list[Array], rate: float) -> None:
        """Move all parameters against their gradients."""
        self.steps += 1
        scale = rate * np.sqrt(1 - 0.999**self.steps) / (1 - 0.9**self.steps)
        for p, g, mean, square in zip(self.parameters, gradients, self.means, self.squares, strict=True):
            mean += 0.1 * (g - mean)
            square += 0.001 * (g * g - square)
            p -= scale * mean / (np.sqrt(square) + 1e-8)


def fit_linear_adam(criterion: Criterion, x: Array, *, steps: int, rate: float) -> Linear:
    """Minimise criterion(x @ weights + bias) where it has kinks that stop L-BFGS: Adam, its rate falling to 0."""
    weights, bias = np.zeros(x.shape[1]), np.zeros(1)
    adam = Adam([weights, bias])
    for step in range(steps):
        _, slope = criterion(x @ weights + bias)
        adam.step([x.T @ slope, slope.sum(keepdims=True)], rate * (1 - step / steps))
    return Linear(weights, bias)


@dataclass(frozen=True)
class Network:
    """One hidden layer of ReLU units between two linear ones."""

    hidden: Linear
    output: Linear

    def __call__(self, x: Array) -> Array:
        """The outputs for the rows of x."""
        return self.output(np.maximum(self.hidden(x), 0.0))


def fit_network(
    loss: Loss, x: Array, y: Labels, *, units: int, classes: int, l2: float, epochs: int, batch: int, seed: int
) -> Network:
    """Minibatch Adam on the mean loss of each batch, with MLPClassifier's start, rate and penalty."""
    rng = np.random.default_rng(seed)

    def layer(inputs: int, outputs: int) -> Linear:
        bound = np.sqrt(6 / (inputs + outputs))
        return Linear(rng.uniform(-bound, bound, (inputs, outputs)), np.zeros(outputs))

    network = Network(layer(x.shape[1], units), layer(units, classes))
    hidden, output = network.hidden, network.output
    adam = Adam([hidden.weights, hidden.bias, output.weights, output.bias])
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch):
            rows = order[start : start + batch]
            inputs, decay = x[rows], l2 / len(rows)
            activity = np.maximum(hidden(inputs), 0.0)
            # The softmax is inside the loss: its gradient is by the logits, which is all that is left to propagate.
            slope = loss.gradient(y[rows], output(activity))
            back = (slope @ output.weights.T) * (activity > 0)
            gradients = [
                inputs.T @ back + decay * hidden.weights,
                back.sum(axis=0),
                activity.T @ slope + decay * output.weights,
                slope.sum(axis=0),
            ]
            adam.step(gradients, rate=1e-3)
    return network
