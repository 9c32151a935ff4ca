"""Writes the model that `mlflow models serve` is measured with. Usage: bare_serving.py ROWS.csv MODEL.skops FOLDER."""

from __future__ import annotations

import sys

import mlflow.sklearn
import pandas as pd
import skops.io
from mlflow.models import infer_signature


def main() -> None:
    """The same estimator on the same columns, in MLflow's own form, with the signature that it checks requests by."""
    source, model, target = sys.argv[1:]
    types = skops.io.get_untrusted_types(file=model)
    estimator = skops.io.load(model, trusted=types)
    rows = pd.read_csv(source, nrows=1_000).drop(columns="y")
    signature = infer_signature(rows, estimator.predict_proba(rows.to_numpy()))
    mlflow.sklearn.save_model(
        estimator, target, signature=signature, pyfunc_predict_fn="predict_proba", skops_trusted_types=types
    )


if __name__ == "__main__":
    main()
