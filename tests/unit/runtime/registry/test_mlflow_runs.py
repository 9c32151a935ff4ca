"""Runs over SQLite, as MLflow's pages show them."""

from __future__ import annotations

import json

from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.registry.mlflow import MlflowRegistry


def test_given_a_run_when_its_data_and_metric_are_said_then_mlflows_pages_have_them(
    registry: MlflowRegistry, context: Context
) -> None:
    run_id = registry.start_run("one", {"aifactory.commit": "c" * 40})
    registry.log_data(run_id, "prepared", "d" * 64, {"age": "int64", "name": "string"}, {"delta_table_version": 3})
    registry.judge_by("rmse", lower_is_better=True)

    run = registry._runs.get_run(run_id)
    (given,) = run.inputs.dataset_inputs
    assert (given.dataset.name, given.dataset.digest, given.tags[0].value) == ("prepared", "d" * 36, "training")
    assert json.loads(given.dataset.source) == {"delta_table_version": 3}
    types = {column["name"]: column["type"] for column in json.loads(given.dataset.schema)["mlflow_colspec"]}
    assert types == {"age": "long", "name": "string"}
    assert run.data.tags["mlflow.source.git.commit"] == "c" * 40
    assert run.data.tags["mlflow.source.name"] == context.contract.use_case
    tags = registry._runs.get_experiment(run.info.experiment_id).tags
    assert tags["mlflow.experiment.primaryMetric.name"] == "rmse"
    assert tags["mlflow.experiment.primaryMetric.greaterIsBetter"] == "False"
    assert tags["mlflow.experimentKind"] == "custom_model_development"
