"""Resource MlflowRole: a role at MLflow and exactly the grants it has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.providers.local import mlflow_client
from infra.providers.local.kind import Values
from infra.providers.local.mlflow_resource import Tracked

WORKSPACE = "default"
LEVELS = frozenset({"READ", "USE", "EDIT", "MANAGE"})
_TYPES = frozenset({"experiment", "registered_model"})
_GRANT = ("type", "pattern", "permission")

Grant = dict[str, str]


class MlflowRole(Tracked):
    """A role; `permissions` is a list of `{"type", "pattern", "permission"}`. A grant nobody asked for is drift."""

    inputs = frozenset({"home", "name", "permissions"})
    replaced_by = frozenset({"home", "name"})
    made = frozenset({"role_id"})

    def check(self, inputs: Values) -> Mapping[str, str]:
        """Only grants on one named thing: MLflow takes a pattern such as `churn.*` silently and matches nothing."""
        for grant in inputs.get("permissions", []):
            if grant["type"] not in _TYPES or grant["permission"] not in LEVELS or "*" in str(grant["pattern"]):
                return {"permissions": f"name one experiment or registered_model and a permission, not {grant}"}
        return {}

    def create(self, inputs: Values) -> tuple[str, Values]:
        """Make or adopt the role, then give it its grants."""
        home, name = inputs["home"], inputs["name"]
        try:
            role = mlflow_client.call(home, "POST", "3.0/mlflow/roles/create", workspace=WORKSPACE, name=name)["role"]
        except mlflow_client.AlreadyThere:
            role = find(home, name)
        return str(role["id"]), self.update({"role_id": role["id"]}, inputs)

    def look(self, state: Values) -> Values | None:
        """Gone when deleted; drift when its grants are others."""
        role = find(state["home"], state["name"])
        there = [{key: grant[key] for key in _GRANT} for grant in _grants(state["home"], role["id"])]
        same = _as_set(there) == _as_set(state["permissions"])
        permissions = state["permissions"] if same else sorted(there, key=lambda grant: tuple(grant.values()))
        return {**state, "role_id": role["id"], "permissions": permissions}

    def update(self, state: Values, inputs: Values) -> Values:
        """Add the grants that are missing, take away those that are too many."""
        home, role = inputs["home"], state["role_id"]
        wanted = _as_set(inputs["permissions"])
        there = {tuple(grant[key] for key in _GRANT): grant["id"] for grant in _grants(home, role)}
        # One thing can be granted once per role: take away before adding.
        for grant, identity in there.items():
            if grant not in wanted:
                mlflow_client.call(home, "DELETE", "3.0/mlflow/roles/permissions/remove", role_permission_id=identity)
        for kind, pattern, permission in sorted(wanted - there.keys()):
            mlflow_client.call(
                home,
                "POST",
                "3.0/mlflow/roles/permissions/add",
                role_id=role,
                resource_type=kind,
                resource_pattern=pattern,
                permission=permission,
            )
        return {**inputs, "role_id": role}

    def remove(self, state: Values) -> None:
        """Delete the role; its grants go with it."""
        role = find(state["home"], state["name"])
        mlflow_client.call(state["home"], "DELETE", "3.0/mlflow/roles/delete", role_id=role["id"])


def find(home: str, name: str) -> dict[str, Any]:
    """The role of that name; NotThere when there is none."""
    for role in mlflow_client.call(home, "GET", "3.0/mlflow/roles/list", workspace=WORKSPACE)["roles"]:
        if role["name"] == name:
            return dict(role)
    raise mlflow_client.NotThere(f"there is no role {name}")


def _grants(home: str, role: int) -> list[dict[str, Any]]:
    listed = mlflow_client.call(home, "GET", "3.0/mlflow/roles/permissions/list", role_id=role)["role_permissions"]
    return [
        {
            "id": grant["id"],
            "type": grant["resource_type"],
            "pattern": grant["resource_pattern"],
            "permission": grant["permission"],
        }
        for grant in listed
    ]


def _as_set(grants: list[Grant]) -> set[tuple[str, ...]]:
    return {tuple(grant[key] for key in _GRANT) for grant in grants}
