"""The registry port over MLflow, one object per environment and identity: a server with a login, or SQLite.

MLflow's own client takes its login from the process's environment, so two identities could not be used side by side.
The stores below it take it as an argument; they are what is used here.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from aifactory_runtime.config.credentials import Credentials
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.registry import artifacts, database
from aifactory_runtime.registry.mlflow_anchors import Anchors
from aifactory_runtime.registry.mlflow_approvals import Approvals
from aifactory_runtime.registry.mlflow_errors import one_line
from aifactory_runtime.registry.mlflow_versions import Versions

_DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    # Seven retries with a growing pause are minutes of silence when a server is stopped.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
}


class MlflowRegistry(Versions, Approvals, Anchors):
    """`registry.port.Registry` over a pair of MLflow stores."""


def connect(contract: EnvironmentContract, credentials: Credentials | None) -> MlflowRegistry:
    """The registry of one environment under one identity; credentials from `config.credentials.of`."""
    for key, value in _DEFAULTS.items():
        os.environ.setdefault(key, value)
    for logger in ("alembic", "mlflow.store.db.utils", "mlflow.tracking"):
        logging.getLogger(logger).setLevel(logging.WARNING)
    with one_line(contract.tracking_uri):
        if contract.tracking_uri.startswith("sqlite:"):
            return _embedded(contract)
        return _server(contract, credentials)


def _embedded(contract: EnvironmentContract) -> MlflowRegistry:
    """SQLite: experiment and model are made when they are not there."""
    from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as Models
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as Runs

    database.make(Path(contract.tracking_uri.removeprefix("sqlite:///")))
    root = Path(contract.artifact_uri) / "mlflow"
    runs = Runs(contract.tracking_uri, str(root))
    return MlflowRegistry(
        contract,
        runs=runs,
        models=Models(contract.registry_uri),
        files=artifacts.DiskFiles(root),
        user=contract.identity,
        create=True,
    )


def _server(contract: EnvironmentContract, credentials: Credentials | None) -> MlflowRegistry:
    from mlflow.store.model_registry.rest_store import RestStore as Models
    from mlflow.store.tracking.rest_store import RestStore as Runs
    from mlflow.utils.rest_utils import MlflowHostCreds

    login = credentials.login if credentials else None
    password = credentials.password if credentials else None
    host = MlflowHostCreds(contract.tracking_uri, username=login, password=password)
    models = MlflowHostCreds(contract.registry_uri, username=login, password=password)
    return MlflowRegistry(
        contract,
        runs=Runs(lambda: host),
        models=Models(lambda: models),
        files=artifacts.ProxyFiles(host),
        user=login or contract.identity,
        create=False,
    )
