"""What learns: an unfitted scikit-learn estimator over the columns of features.py."""

from __future__ import annotations

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler


def make_model(penalty_strength: float = 1.0, max_iterations: int = 1000) -> Pipeline:
    """Scale, then a logistic regression. The settings come from `train.parameters` in conf/base.yaml.

    `penalty_strength` pulls the weights towards zero: more of it, a simpler model. Any estimator with predict_proba
    fits in its place.
    """
    classifier = LogisticRegression(C=1 / penalty_strength, max_iter=max_iterations)
    return Pipeline([("scale", StandardScaler()), ("classify", classifier)])
