"""Losses as objectives and metrics of XGBoost, LightGBM and CatBoost.

An objective hands over gradients and Hessians of raw margins, such as logits, summed and not averaged, in the layout
and dtype of the library. None of the libraries is imported here.
"""

from ._init_score import init_score as init_score
from .catboost import catboost_metric as catboost_metric, catboost_objective as catboost_objective
from .lightgbm import lightgbm_metric as lightgbm_metric, lightgbm_objective as lightgbm_objective
from .xgboost import xgboost_metric as xgboost_metric, xgboost_objective as xgboost_objective

__all__ = ["catboost_metric", "catboost_objective", "init_score", "lightgbm_metric", "lightgbm_objective",
           "xgboost_metric", "xgboost_objective"]  # fmt: skip
