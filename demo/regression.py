"""Regressions, each beside scikit-learn's for the same objective."""

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LinearRegression, PoissonRegressor, QuantileRegressor
from sklearn.metrics import d2_tweedie_score, mean_absolute_error, r2_score, root_mean_squared_log_error

import fastloss as fl

from . import data, plain
from .data import Array
from .result import Result
from .timing import compare, timed
from .training import fit_linear, fit_linear_adam


def diabetes_squares() -> Result:
    """Progress of diabetes by least squares."""
    d = data.diabetes()
    model, seconds = timed(lambda: fit_linear(lambda z: fl.mse(d.y, z), d.x))
    theirs, reference = timed(lambda: LinearRegression().fit(d.x, d.y))
    return Result(
        fl.mse,
        d,
        "R2",
        r2_score(d.test_y, model(d.test_x)),
        "LinearRegression",
        theirs.score(d.test_x, d.test_y),
        compare(fl.mse, plain.squared_error, d.y, model(d.x)),
        seconds,
        reference,
    )


def diabetes_median() -> Result:
    """Progress of diabetes by least absolute deviations; the reference solves it exactly, as a linear program."""
    d = data.diabetes()
    model, seconds = timed(lambda: fit_linear_adam(lambda z: fl.mae(d.y, z), d.x, steps=5000, rate=1.0))
    theirs, reference = timed(lambda: QuantileRegressor(quantile=0.5, alpha=0).fit(d.x, d.y))
    return Result(
        fl.mae,
        d,
        "MAE",
        mean_absolute_error(d.test_y, model(d.test_x)),
        "QuantileRegressor",
        mean_absolute_error(d.test_y, theirs.predict(d.test_x)),
        compare(fl.mae, plain.absolute_error, d.y, model(d.x)),
        seconds,
        reference,
    )


def visits_poisson() -> Result:
    """Visits to a doctor by Poisson regression."""
    d = data.doctor_visits()
    loss = fl.Poisson(from_logits=True)
    model, seconds = timed(lambda: fit_linear(lambda z: loss(d.y, z), d.x))
    theirs, reference = timed(lambda: PoissonRegressor(alpha=0, max_iter=1000).fit(d.x, d.y))
    return Result(
        loss,
        d,
        "D2, Poisson",
        d2_tweedie_score(d.test_y, loss.activate(model(d.test_x)), power=1),
        "PoissonRegressor",
        theirs.score(d.test_x, d.test_y),
        compare(loss, plain.poisson, d.y, model(d.x)),
        seconds,
        reference,
    )


def investment_logarithms() -> Result:
    """Investments over three orders of magnitude, p = exp(z) - 1."""
    d = data.investment()

    def criterion(z: Array) -> tuple[float, Array]:
        p = np.expm1(z)
        loss, slope = fl.msle(d.y, p)
        return loss, slope * (p + 1)  # the chain rule: dp/dz = exp(z) = p + 1

    model, seconds = timed(lambda: fit_linear(criterion, d.x))
    theirs, reference = timed(
        lambda: TransformedTargetRegressor(LinearRegression(), func=np.log1p, inverse_func=np.expm1).fit(d.x, d.y)
    )
    return Result(
        fl.msle,
        d,
        "RMSLE",
        root_mean_squared_log_error(d.test_y, np.expm1(model(d.test_x))),
        "LinearRegression of log1p",
        root_mean_squared_log_error(d.test_y, theirs.predict(d.test_x)),
        compare(fl.msle, plain.squared_log_error, d.y, np.expm1(model(d.x))),
        seconds,
        reference,
    )
