"""Resource Membership: a login has a role at MLflow."""

from __future__ import annotations

import contextlib

from infra.providers.local import mlflow_client, mlflow_role
from infra.providers.local.kind import Values
from infra.providers.local.mlflow_resource import Tracked


class Membership(Tracked):
    """A login in a role, both by name."""

    inputs = frozenset({"home", "login", "role"})
    replaced_by = inputs

    def create(self, inputs: Values) -> tuple[str, Values]:
        """Put the login into the role; done when it is in already."""
        role = mlflow_role.find(inputs["home"], inputs["role"])["id"]
        with contextlib.suppress(mlflow_client.AlreadyThere):
            mlflow_client.call(
                inputs["home"], "POST", "3.0/mlflow/roles/assign", username=inputs["login"], role_id=role
            )
        return f"{inputs['login']} in {inputs['role']}", inputs

    def look(self, state: Values) -> Values | None:
        """Gone when login, role or the tie between them is."""
        roles = mlflow_client.call(state["home"], "GET", "3.0/mlflow/users/roles/list", username=state["login"])[
            "roles"
        ]
        return state if any(role["name"] == state["role"] for role in roles) else None

    def update(self, state: Values, inputs: Values) -> Values:
        """Nothing of it can change; the engine replaces it instead."""
        del state
        return inputs

    def remove(self, state: Values) -> None:
        """Take the login out of the role."""
        role = mlflow_role.find(state["home"], state["role"])["id"]
        mlflow_client.call(state["home"], "DELETE", "3.0/mlflow/roles/unassign", username=state["login"], role_id=role)
