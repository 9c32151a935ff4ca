"""`python -m aifactory_runtime.warm`: import what commands import, so that Python compiles it while the setup runs.

That is a quarter of the files that a lock installs: compiling them all takes three times as long.
"""

from __future__ import annotations

import importlib

PACKAGES = (
    "skops.io",  # first: it looks through all modules that are loaded
    "mlflow.sklearn",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.store.model_registry.sqlalchemy_store",
    "pandera.pandas",
    "deltalake",
    "pyarrow.dataset",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "lightgbm",
    "xgboost",
    "fastapi",
    "uvicorn",
    "hypothesis.extra.numpy",
)


def main() -> None:
    """Import each; what is missing or broken is told by the command that needs it."""
    for name in PACKAGES:
        try:
            importlib.import_module(name)
        except Exception:  # noqa: S112 - a package may fail as it likes
            continue


if __name__ == "__main__":
    main()
