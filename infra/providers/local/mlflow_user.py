"""Resource MlflowUser: a login at MLflow with a generated password, and the file its owner reads it from."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from infra.providers.local import files, mlflow_client, rotation_mark
from infra.providers.local.kind import Values
from infra.providers.local.mlflow_resource import Tracked
from infra.providers.local.secret_file import WRITTEN, status_of

_BYTES = 24


class MlflowUser(Tracked):
    """A login. The password stands in the encrypted state and in the credentials file, nowhere else."""

    inputs = frozenset({"home", "login", "identity", "roles", "path"})
    replaced_by = frozenset({"home", "login", "path"})
    made = frozenset({"password"})
    secret = frozenset({"password"})

    def desired(self, inputs: Values) -> Values:
        """The credentials file holds the password."""
        del inputs
        return {"status": WRITTEN}

    def create(self, inputs: Values) -> tuple[str, Values]:
        """Make the login; one that is there gets a new password, since nobody knows the old one."""
        password = secrets.token_urlsafe(_BYTES)
        who = {"username": inputs["login"], "password": password}
        try:
            mlflow_client.call(inputs["home"], "POST", "2.0/mlflow/users/create", **who)
        except mlflow_client.AlreadyThere:
            mlflow_client.call(inputs["home"], "PATCH", "2.0/mlflow/users/update-password", **who)
        return inputs["login"], self._write(inputs, password)

    def look(self, state: Values) -> Values | None:
        """Gone when the login is; drift when the file is missing, open to others or holds something else."""
        mlflow_client.call(state["home"], "GET", "2.0/mlflow/users/get", username=state["login"])
        return {**state, "status": status_of(Path(state["path"]), "password", state["password"])}

    def update(self, state: Values, inputs: Values) -> Values:
        """Write the file again; the password stays, unless a new one is asked for.

        The password is set either way: an update that was killed may have left another one at the server.
        """
        path = Path(inputs["path"])
        asked = rotation_mark.overlap(path) is not None
        password = secrets.token_urlsafe(_BYTES) if asked else state["password"]
        mlflow_client.call(
            inputs["home"], "PATCH", "2.0/mlflow/users/update-password", username=inputs["login"], password=password
        )
        written = self._write(inputs, password)
        rotation_mark.done(path)
        return written

    def remove(self, state: Values) -> None:
        """Delete login and file."""
        rotation_mark.done(Path(state["path"]))
        Path(state["path"]).unlink(missing_ok=True)
        mlflow_client.call(state["home"], "DELETE", "2.0/mlflow/users/delete", username=state["login"])

    @staticmethod
    def _write(inputs: Values, password: str) -> Values:
        who = {key: inputs[key] for key in ("identity", "roles", "login")}
        files.write(Path(inputs["path"]), json.dumps({**who, "password": password}, indent=2) + "\n")
        return {**inputs, "password": password, "status": WRITTEN}
