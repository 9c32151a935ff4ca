"""Resource MlflowExperiment: an experiment by name; grants go by its id."""

from __future__ import annotations

from infra.providers.local import mlflow_client
from infra.providers.local.kind import Values
from infra.providers.local.mlflow_resource import Tracked

_BY_NAME = "2.0/mlflow/experiments/get-by-name"


class MlflowExperiment(Tracked):
    """An experiment. MLflow keeps the name of a deleted one, so that one is brought back instead of made."""

    inputs = frozenset({"home", "name", "tags"})
    replaced_by = frozenset({"home", "name"})
    made = frozenset({"experiment_id"})

    def create(self, inputs: Values) -> tuple[str, Values]:
        """Make it, adopt it, or bring it back."""
        home, name = inputs["home"], inputs["name"]
        try:
            identity = mlflow_client.call(home, "POST", "2.0/mlflow/experiments/create", name=name)["experiment_id"]
        except mlflow_client.AlreadyThere:
            found = mlflow_client.call(home, "GET", _BY_NAME, experiment_name=name)["experiment"]
            identity = found["experiment_id"]
            if found["lifecycle_stage"] == "deleted":
                mlflow_client.call(home, "POST", "2.0/mlflow/experiments/restore", experiment_id=identity)
        return identity, self._tagged(inputs, identity)

    def look(self, state: Values) -> Values | None:
        """Gone when deleted or renamed."""
        found = mlflow_client.call(state["home"], "GET", _BY_NAME, experiment_name=state["name"])["experiment"]
        if found["lifecycle_stage"] == "deleted" or found["experiment_id"] != state["experiment_id"]:
            return None
        there = {tag["key"]: tag["value"] for tag in found.get("tags", [])}
        return {**state, "tags": {key: there[key] for key in state.get("tags", {}) if key in there}}

    def update(self, state: Values, inputs: Values) -> Values:
        """Set the tags."""
        return self._tagged(inputs, state["experiment_id"])

    def remove(self, state: Values) -> None:
        """Delete it."""
        mlflow_client.call(state["home"], "POST", "2.0/mlflow/experiments/delete", experiment_id=state["experiment_id"])

    @staticmethod
    def _tagged(inputs: Values, identity: str) -> Values:
        for key, value in inputs.get("tags", {}).items():
            mlflow_client.call(
                inputs["home"],
                "POST",
                "2.0/mlflow/experiments/set-experiment-tag",
                experiment_id=identity,
                key=key,
                value=value,
            )
        return {**inputs, "experiment_id": identity}
