"""Resource RegisteredModel: a name in the model registry; its versions and aliases belong to releases."""

from __future__ import annotations

from infra.providers.local import mlflow_client
from infra.providers.local.kind import Values
from infra.providers.local.mlflow_resource import Tracked


class RegisteredModel(Tracked):
    """A registered model. What releases put into it is never touched."""

    inputs = frozenset({"home", "name", "tags"})
    replaced_by = frozenset({"home", "name"})

    def create(self, inputs: Values) -> tuple[str, Values]:
        """Make or adopt it."""
        try:
            tags = [{"key": key, "value": value} for key, value in inputs.get("tags", {}).items()]
            mlflow_client.call(
                inputs["home"], "POST", "2.0/mlflow/registered-models/create", name=inputs["name"], tags=tags
            )
        except mlflow_client.AlreadyThere:
            return inputs["name"], self.update(inputs, inputs)
        return inputs["name"], inputs

    def look(self, state: Values) -> Values | None:
        """Gone when deleted or renamed; drift when a tag of ours is another."""
        found = mlflow_client.call(state["home"], "GET", "2.0/mlflow/registered-models/get", name=state["name"])
        there = {tag["key"]: tag["value"] for tag in found["registered_model"].get("tags", [])}
        return {**state, "tags": {key: there[key] for key in state.get("tags", {}) if key in there}}

    def update(self, state: Values, inputs: Values) -> Values:
        """Set the tags."""
        del state
        for key, value in inputs.get("tags", {}).items():
            mlflow_client.call(
                inputs["home"],
                "POST",
                "2.0/mlflow/registered-models/set-tag",
                name=inputs["name"],
                key=key,
                value=value,
            )
        return inputs

    def remove(self, state: Values) -> None:
        """Delete it with its versions."""
        mlflow_client.call(state["home"], "DELETE", "2.0/mlflow/registered-models/delete", name=state["name"])
