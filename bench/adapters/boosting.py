"""`python -m bench.adapters.boosting [rounds|focal]`: a round of boosting with each objective, and focal loss.

rounds: XGBoost, LightGBM and CatBoost with their own objective for binary cross-entropy, one written in NumPy, and
fastloss's, in turns on the same data. focal: average precision of focal loss and cross-entropy on people with more
than 20 visits to a doctor in a year, over 30 splits of the RAND health insurance experiment.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import fastloss as fl
from fastloss import boosting

BCE = fl.BinaryCrossentropy(from_logits=True)
SIZES, FEATURES, ROUNDS = (10**4, 10**5, 10**6, 10**7), 10, 15
Contender = Callable[[], Any]


def numpy_derivatives(y: Any, z: Any) -> tuple[Any, Any]:
    p = 1 / (1 + np.exp(-z))
    return p - y, p * (1 - p)


class NumpyForCatBoost:
    no_jit = True

    def calc_ders_range(self, approxes: Any, targets: Any, weights: Any) -> Any:
        gradient, hessian = numpy_derivatives(targets, np.asarray(approxes))
        return np.stack([-gradient, -hessian], axis=1)


def xgboost_contenders(x: Any, y: Any) -> dict[str, Contender]:
    """What grows one more tree, by objective."""
    import xgboost

    matrix, found = xgboost.DMatrix(x, y), {}

    def of_numpy(z: Any, matrix: Any) -> Any:
        return numpy_derivatives(matrix.get_label(), z)

    for name, objective in {"own": None, "NumPy": of_numpy, "fastloss": boosting.xgboost_objective(BCE)}.items():
        settings = {"base_score": 0.5, "objective": "binary:logistic"} if objective is None else {"base_score": 0.0}
        booster = xgboost.Booster(settings, [matrix])
        found[name] = lambda b=booster, o=objective: b.update(matrix, b.num_boosted_rounds(), fobj=o)
    return found


def lightgbm_contenders(x: Any, y: Any) -> dict[str, Contender]:
    import lightgbm

    table = lightgbm.Dataset(x, y, params={"verbosity": -1}).construct()

    def of_numpy(z: Any, table: Any) -> Any:
        return numpy_derivatives(y, z)

    found = {}
    for name, objective in {"own": None, "NumPy": of_numpy, "fastloss": boosting.lightgbm_objective(BCE)}.items():
        settings = {"objective": "binary" if objective is None else "none", "verbosity": -1}
        booster = lightgbm.Booster(settings, table)
        found[name] = lambda b=booster, o=objective: b.update() if o is None else b.update(fobj=o)
    return found


def catboost_contenders(x: Any, y: Any, trees: int = 5) -> dict[str, Contender]:
    import catboost

    pool, found = catboost.Pool(x, y), {}
    for name, objective in {"own": "Logloss", "NumPy": NumpyForCatBoost(),
                            "fastloss": boosting.catboost_objective(BCE)}.items():  # fmt: skip
        settings = {"iterations": trees, "verbose": False, "allow_writing_files": False, "learning_rate": 0.1,
                    "loss_function": objective, "eval_metric": "Logloss", "metric_period": 100, "max_bin": 64,
                    "leaf_estimation_method": "Newton", "leaf_estimation_iterations": 1,
                    "boost_from_average": False}  # fmt: skip
        found[name] = lambda s=settings: catboost.CatBoost(s).fit(pool)
    return found


def in_turns(contenders: dict[str, Contender], rounds: int) -> dict[str, float]:
    """Median seconds of each."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(rounds + 2):
        for name in list(contenders)[:: 1 if turn % 2 else -1]:
            start = time.perf_counter()
            contenders[name]()
            if turn >= 2:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


LIBRARIES = {
    "XGBoost": (xgboost_contenders, np.float32, boosting.xgboost_objective(BCE), 1),
    "LightGBM": (lightgbm_contenders, np.float64, boosting.lightgbm_objective(BCE), 1),
    "CatBoost": (catboost_contenders, np.float64, None, 5),
}
"""What makes its contenders, the dtype of its margins, the objective, rounds of a call."""


def row(library: str, n: int) -> None:
    """A row of the table, in a process of its own: which OpenMP is there depends on what was imported."""
    make, dtype, objective, per_call = LIBRARIES[library]
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, FEATURES)).astype(np.float32)
    y = (x[:, 0] + x[:, 1] * x[:, 2] + rng.normal(size=n) > 0).astype(np.float32)
    found = in_turns(make(x, y), ROUNDS if n < 10**7 else 5)
    z = rng.normal(size=n).astype(dtype)
    alone = f"{1e3 * in_turns({'': lambda: objective(y, z)}, 9)['']:.3g} ms" if objective else ""
    own, of_numpy, ours = (1e3 * found[name] / per_call for name in ("own", "NumPy", "fastloss"))
    size = f"10^{len(str(n)) - 1}"
    print(f"| {library} | {size} | {own:.3g} ms | {of_numpy / own:.2f}x | {ours / own:.2f}x | {alone} |", flush=True)


def rounds() -> None:
    print("| library | rows | its own objective | one in NumPy | fastloss | of it the objective |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |", flush=True)
    for library in LIBRARIES:
        for n in SIZES[: 3 if library == "CatBoost" else None]:  # 10^7 would take minutes
            code = f"from bench.adapters.boosting import row; row({library!r}, {n})"
            subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": "."})


def focal() -> None:
    import xgboost
    from sklearn.metrics import average_precision_score
    from sklearn.model_selection import train_test_split
    from statsmodels.datasets import randhie

    frame = randhie.load_pandas().data
    x, y = frame.drop(columns="mdvis").to_numpy(float), (frame["mdvis"] > 20).to_numpy(int)
    losses = {"cross-entropy": BCE, "pos_weight=20": fl.BinaryCrossentropy(from_logits=True, pos_weight=20.0)}
    for gamma in (0.5, 1.0, 2.0):
        losses[f"focal, gamma={gamma:g}"] = fl.BinaryFocalCrossentropy(from_logits=True, gamma=gamma)
    scores: dict[str, list[float]] = {name: [] for name in losses}
    for seed in range(30):
        a, b, ya, yb = train_test_split(x, y, test_size=0.3, random_state=seed, stratify=y)
        for name, loss in losses.items():
            start = float(loss.activate(np.array(boosting.init_score(loss, ya))))
            model = xgboost.XGBClassifier(objective=boosting.xgboost_objective(loss), n_estimators=100, max_depth=3,
                                          learning_rate=0.1, base_score=start)  # fmt: skip
            scores[name].append(average_precision_score(yb, model.fit(a, ya).predict(b, output_margin=True)))
    base = np.array(scores["cross-entropy"])
    print(f"{len(y)} people, {y.mean():.2%} of them with more than 20 visits")
    print("| loss | average precision | difference to cross-entropy | splits in which it is better |")
    print("| --- | ---: | ---: | ---: |")
    for name, values in scores.items():
        off = np.array(values) - base
        spread = f"{off.mean():+.4f} ± {off.std(ddof=1) / len(off) ** 0.5:.4f}" if off.any() else ""
        print(f"| {name} | {np.mean(values):.4f} | {spread} | {int((off > 0).sum())} of {len(off)} |")


if __name__ == "__main__":
    for part in sys.argv[1:] or ["rounds", "focal"]:
        {"rounds": rounds, "focal": focal}[part]()
