"""What the pipeline is measured against: one script, the same libraries, nothing else. Run in an empty folder.

Usage: bare_pipeline.py CUSTOMERS.csv FOLDER. Reads the CSV, checks it with pandera, writes a Delta table, splits, fits,
evaluates, logs parameters, metrics and the skops model to MLflow over SQLite in FOLDER, and registers the model.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

import mlflow
import mlflow.sklearn
import numpy as np
import pandas as pd
import pandera.pandas as pa
import sklearn
from arro3.core import Array, Table
from deltalake import write_deltalake
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, log_loss, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

COLUMNS = [f"x{number:02d}" for number in range(19)]
TARGET = "y"
SCHEMA = pa.DataFrameSchema(
    {
        **{name: pa.Column(float, pa.Check.in_range(-100, 100), nullable=True) for name in COLUMNS},
        TARGET: pa.Column(int, pa.Check.isin([0, 1])),
    },
    strict=True,
)


def main() -> None:
    """The whole pipeline, top to bottom."""
    source, folder = Path(sys.argv[1]), Path(sys.argv[2]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    frame = SCHEMA.validate(pd.read_csv(source))
    table = Table.from_pydict({name: Array.from_numpy(frame[name].to_numpy()) for name in frame.columns})
    write_deltalake(str(folder / "tables" / "raw"), table, mode="overwrite")

    train, test = train_test_split(frame, test_size=0.2, random_state=7)
    model = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression(C=1.0))
    model.fit(train[COLUMNS].to_numpy(np.float64), train[TARGET].to_numpy())
    values, labels = test[COLUMNS].to_numpy(np.float64), test[TARGET].to_numpy()
    shares = model.predict_proba(values)
    metrics = {
        "accuracy": accuracy_score(labels, model.predict(values)),
        "f1": f1_score(labels, model.predict(values)),
        "log_loss": log_loss(labels, shares),
        "roc_auc": roc_auc_score(labels, shares[:, 1]),
    }

    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    mlflow.set_experiment(experiment_id=mlflow.create_experiment("bare", str(folder / "artifacts")))
    with mlflow.start_run():
        mlflow.log_params({"C": 1.0, "seed": 7})
        mlflow.log_metrics(metrics)
        mlflow.sklearn.log_model(
            model,
            name="model",
            serialization_format="skops",
            skops_trusted_types=["numpy.dtype"],
            pip_requirements=[f"scikit-learn=={sklearn.__version__}"],
            registered_model_name="bare",
        )
    print(metrics)


if __name__ == "__main__":
    main()
