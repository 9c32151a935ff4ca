"""Figures of a classifier on labelled rows, by name; a figure that cannot be computed is left out, never a NaN."""

from __future__ import annotations

import math
from typing import Any

from aifactory_runtime.data.columns import Matrix

_BINARY = 2


def of(estimator: Any, values: Matrix, labels: Any) -> dict[str, float]:
    """roc_auc, accuracy, log_loss and f1 on rows; with more than two classes one against the rest, averaged."""
    from sklearn.metrics import accuracy_score, f1_score, log_loss, roc_auc_score

    classes = estimator.classes_
    predicted = estimator.predict(values)
    binary = len(classes) == _BINARY
    averaged = {"pos_label": classes[1]} if binary else {"average": "macro"}
    found = {
        "accuracy": accuracy_score(labels, predicted),
        "f1": f1_score(labels, predicted, zero_division=0.0, **averaged),
    }
    if hasattr(estimator, "predict_proba") and set(labels) <= set(classes):
        shares = estimator.predict_proba(values)
        found["log_loss"] = log_loss(labels, shares, labels=classes)
        if len(set(labels)) == len(classes):
            ranked = shares[:, 1] if binary else shares
            more = {} if binary else {"multi_class": "ovr", "labels": classes}
            found["roc_auc"] = roc_auc_score(labels, ranked, **more)
    return {name: float(value) for name, value in found.items() if math.isfinite(value)}
