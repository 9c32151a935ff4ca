"""Writes model.py: gradient boosting where rows are many, a regularised linear model where they are few."""

from __future__ import annotations

from aifactory.scaffold.science.brief import Brief


def source(brief: Brief) -> str:
    """Source of `model.py`."""
    if brief.trees:
        name = "HistGradientBoostingRegressor" if brief.regression else "HistGradientBoostingClassifier"
        loss = '        loss="absolute_error",\n' if brief.heavy else ""
        why = (
            "\n    It is judged by absolute errors, as a few targets are far larger than the rest."
            if brief.heavy
            else ""
        )
        return _TREES.format(name=name, loss=loss, why=why)
    return _LINEAR.format(**_linear(brief))


def _linear(brief: Brief) -> dict[str, str]:
    """The linear model that fits the problem, as the template below names it."""
    if brief.heavy:
        return {
            "name": "HuberRegressor",
            "step": "predict",
            "made": "HuberRegressor(alpha=penalty_strength, max_iter=max_iterations)",
            "what": "a linear regression that single large errors do not pull away",
            "iterations": ", max_iterations: int = 1000",
        }
    if brief.regression:
        return {
            "name": "Ridge",
            "step": "predict",
            "made": "Ridge(alpha=penalty_strength)",
            "what": "a ridge regression",
            "iterations": "",
        }
    return {
        "name": "LogisticRegression",
        "step": "classify",
        "made": "LogisticRegression(C=1 / penalty_strength, max_iter=max_iterations)",
        "what": "a logistic regression",
        "iterations": ", max_iterations: int = 1000",
    }


def parameters(brief: Brief) -> dict[str, float | int]:
    """What `make_model` is called with."""
    if brief.trees:
        return {"learning_rate": 0.1, "rounds": 150, "leaves": 31}
    return {"penalty_strength": 1.0}


_TREES = '''"""What learns: an unfitted scikit-learn estimator over the columns of features.py."""

from __future__ import annotations

from sklearn.ensemble import {name}


def make_model(learning_rate: float = 0.1, rounds: int = 150, leaves: int = 31) -> {name}:
    """Gradient boosting; missing values are values of their own. Settings come from `train.parameters` in conf/.

    More `leaves` find finer differences and learn more by heart; a smaller `learning_rate` needs more `rounds`.{why}
    Any estimator over a float64 matrix fits in its place.
    """
    return {name}(
{loss}        learning_rate=learning_rate,
        max_iter=rounds,
        max_leaf_nodes=leaves,
        early_stopping=False,
    )
'''

_LINEAR = '''"""What learns: an unfitted scikit-learn estimator over the columns of features.py."""

from __future__ import annotations

from sklearn.impute import SimpleImputer
from sklearn.linear_model import {name}
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler


def make_model(penalty_strength: float = 1.0{iterations}) -> Pipeline:
    """Fill gaps, scale, then {what}. Settings come from `train.parameters` in conf/.

    `penalty_strength` pulls the weights towards zero: more of it, a simpler model, which few rows need. Any estimator
    over a float64 matrix fits in its place.
    """
    return Pipeline(
        [
            ("fill", SimpleImputer(strategy="median", keep_empty_features=True)),
            ("scale", StandardScaler()),
            ("{step}", {made}),
        ]
    )
'''
