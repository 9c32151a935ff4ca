"""Runs MLflow's server with logins as one process: migrations first, then uvicorn in this very process.

`mlflow server` would do the same in a parent and a child. Killed, that parent leaves its child serving, and the parent
costs 250 MB and 4 s at each start. The settings below are those the command line sets for `--app-name basic-auth
--serve-artifacts --enable-workspaces` with one worker and no job execution.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI
    from sqlalchemy import Engine

AUTH = """[mlflow]
default_permission = NO_PERMISSIONS
database_uri = sqlite:///{database}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
grant_default_workspace_access = false
auth_cache_ttl_seconds = 60
"""
_SELDOM = (50_000, 20, 50)
"""Objects made between collections at the start: with Python's own 700 MLflow's imports take a fifth longer."""


def main() -> None:
    """Serve until SIGTERM."""
    usual = gc.get_threshold()
    gc.set_threshold(*_SELDOM)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="databases and artefacts")
    parser.add_argument("--admin", type=Path, required=True, help="JSON with the administrator's login and password")
    parser.add_argument("--session-key", type=Path, required=True, help="JSON with the key that signs form sessions")
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    database = f"sqlite:///{arguments.folder / 'mlflow.db'}"
    artifacts = arguments.folder / "artifacts"
    os.environ.update(_settings(arguments.folder, database, artifacts, arguments.host, arguments.port))
    os.environ.update(_secrets(arguments.admin, arguments.session_key))
    _make(arguments.folder / "mlflow.db", _tracking_tables)
    _make(arguments.folder / "auth.db", _auth_tables)
    app = _application(database)
    gc.freeze()  # what was imported stays: no collection need walk it again
    gc.set_threshold(*usual)
    _serve(app, arguments.host, arguments.port)


def _make(database: Path, tables: Callable[[Engine], None]) -> None:
    """Make a database that is not there, complete or not at all.

    MLflow's migrations cannot be resumed: killed half way they leave a database that no later start can open.
    """
    from sqlalchemy import create_engine, event

    if database.exists():
        return
    making = database.with_name(f".{database.name}.making")
    making.unlink(missing_ok=True)
    engine = create_engine(f"sqlite:///{making}")
    # Nothing is forced to disk on the way, because a half-made file is thrown away anyway; the finished one is.
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    tables(engine)
    engine.dispose()
    with making.open("rb+") as file:
        os.fsync(file.fileno())
    making.replace(database)


def _tracking_tables(engine: Engine) -> None:
    from mlflow.store.db.utils import _initialize_tables

    _initialize_tables(engine)


def _auth_tables(engine: Engine) -> None:
    from mlflow.server.auth.db.utils import migrate_if_needed

    migrate_if_needed(engine, "head")


def _settings(folder: Path, database: str, artifacts: Path, host: str, port: int) -> dict[str, str]:
    """What `mlflow server` puts into the environment of its worker."""
    auth = folder / "auth.ini"
    auth.write_text(AUTH.format(database=folder / "auth.db"), encoding="utf-8")
    return {
        "MLFLOW_AUTH_CONFIG_PATH": str(auth),
        "MLFLOW_ENABLE_WORKSPACES": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_SERVER_ALLOWED_HOSTS": f"{host}:{port},localhost:{port}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "_MLFLOW_SERVER_FILE_STORE": database,
        "_MLFLOW_SERVER_REGISTRY_STORE": database,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(artifacts),
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SGI_NAME": "uvicorn",
        "_MLFLOW_IN_JOB_EXECUTOR": "false",
    }


def _secrets(admin: Path, session_key: Path) -> dict[str, str]:
    """Read here, so that no secret stands in supervisor's configuration."""
    login = json.loads(admin.read_text(encoding="utf-8"))
    return {
        "MLFLOW_AUTH_ADMIN_USERNAME": login["login"],
        "MLFLOW_AUTH_ADMIN_PASSWORD": login["password"],
        "MLFLOW_FLASK_SERVER_SECRET_KEY": json.loads(session_key.read_text(encoding="utf-8"))["token"],
    }


def _application(database: str) -> FastAPI:
    """The server's application, its databases brought to this version.

    Before the first request: concurrent first requests race the migrations and leave lasting errors. Without MLflow's
    assistant: it would let everybody with a login start a coding agent and a shell as this process.
    """
    from mlflow.server import app
    from mlflow.server.assistant.api import assistant_router
    from mlflow.server.auth import create_app
    from mlflow.server.handlers import initialize_backend_stores

    assistant_router.routes.clear()
    initialize_backend_stores(database, database, "mlflow-artifacts:/")
    made: FastAPI = create_app(app)
    return made


def _serve(app: FastAPI, host: str, port: int) -> None:
    import uvicorn
    from mlflow.server import _UVICORN_LOG_CONFIG

    uvicorn.run(app, host=host, port=port, log_config=str(_UVICORN_LOG_CONFIG))


if __name__ == "__main__":
    main()
