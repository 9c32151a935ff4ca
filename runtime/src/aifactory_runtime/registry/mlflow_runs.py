"""Runs in MLflow's tracking store: begun, filled and ended in the environment's experiments."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.registry import artifacts
from aifactory_runtime.registry.mlflow_errors import one_line
from aifactory_runtime.registry.port import COMMIT, FIGURES

MAX_VALUE = 5_000
"""What MLflow keeps of a tag."""
_PARENT = "mlflow.parentRunId"
_PRIMARY = "mlflow.experiment.primaryMetric."
_KIND, _TRAINING = "mlflow.experimentKind", "custom_model_development"
"""Makes MLflow's pages show what belongs to trained models, not to language models."""
_MAX_SCHEMA = 65_535
_DIGEST = 36
_COLUMN_TYPES = {"double": "double", "int64": "long", "bool": "boolean", "timestamp[us]": "datetime"}
"""MLflow's names for Arrow's types; all others are texts."""


class Runs:
    """The part of `registry.port.Registry` that is about runs, over a tracking store."""

    def __init__(
        self, contract: EnvironmentContract, *, runs: Any, files: artifacts.Files, user: str, create: bool
    ) -> None:
        self._contract = contract
        self._runs = runs
        self._files = files
        self._user = user
        self._create = create
        self._experiments: dict[str, str] = {}

    def start_run(self, name: str, tags: Mapping[str, str], parent: str | None = None) -> str:
        """Begin a run in the environment's experiment, below the run `parent` if there is one, and return its id."""
        tags = {**tags, **({} if parent is None else {_PARENT: parent})}
        with self.told():
            return self.begin_run(self._contract.experiment, name, tags)

    def log(
        self,
        run_id: str,
        params: Mapping[str, object] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Add to a run in one call; a parameter once written cannot change."""
        from mlflow.entities import Metric, Param, RunTag

        at = now()
        with self.told():
            self._runs.log_batch(
                run_id,
                [Metric(key, float(value), at, 0) for key, value in (metrics or {}).items()],
                [Param(key, str(value)) for key, value in (params or {}).items()],
                [RunTag(key, value[:MAX_VALUE]) for key, value in (tags or {}).items()],
            )

    def log_file(self, run_id: str, name: str, content: bytes) -> None:
        """Keep a small file with the run."""
        with self.told():
            self._files.put(f"{self.run_address(run_id)}/{name}", content)

    def log_data(
        self, run_id: str, name: str, digest: str, columns: Mapping[str, str], about: Mapping[str, Any]
    ) -> None:
        """Say which table a run learned from, as MLflow's page of a run shows it."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        types = [
            {"name": column, "type": _COLUMN_TYPES.get(kind, "string"), "required": False}
            for column, kind in columns.items()
        ]
        schema, source = json.dumps({"mlflow_colspec": types}), json.dumps(about)
        dataset = Dataset(name, digest[:_DIGEST], "delta_table", source, schema if len(schema) <= _MAX_SCHEMA else None)
        with self.told():
            self._runs.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])])

    def judge_by(self, metric: str, *, lower_is_better: bool) -> None:
        """Say which figure decides: MLflow's list of runs has a column for it, and shows training runs first."""
        from mlflow.entities import ExperimentTag

        tags = {_PRIMARY + "name": metric, _PRIMARY + "greaterIsBetter": str(not lower_is_better), _KIND: _TRAINING}
        with self.told():
            experiment = self.experiment_id(self._contract.experiment)
            known = self._runs.get_experiment(experiment).tags
            for key, value in tags.items():
                if known.get(key) != value:
                    self._runs.set_experiment_tag(experiment, ExperimentTag(key, value))

    def finish_run(self, run_id: str, failed: bool = False) -> None:
        """End a run."""
        from mlflow.entities import RunStatus

        with self.told():
            status = RunStatus.FAILED if failed else RunStatus.FINISHED
            self._runs.update_run_info(run_id, status, now(), None)

    def begin_run(self, experiment: str, name: str, tags: Mapping[str, str]) -> str:
        """Begin a run in any experiment, and return its id."""
        from mlflow.entities import RunTag

        shown = {
            "mlflow.user": self._user,
            "mlflow.source.name": self._contract.use_case,
            "mlflow.source.type": "LOCAL",
        }
        if commit := tags.get(COMMIT):
            shown["mlflow.source.git.commit"] = commit
        if remark := tags.get(FIGURES):
            shown["mlflow.note.content"] = remark  # the description, at the top of a run's page
        listed = [RunTag(key, value[:MAX_VALUE]) for key, value in {**tags, **shown}.items()]
        run = self._runs.create_run(self.experiment_id(experiment), self._user, now(), listed, name)
        return str(run.info.run_id)

    def experiment_id(self, name: str) -> str:
        """Id of an experiment; only the embedded default makes one that is missing."""
        if name not in self._experiments:
            found = self._runs.get_experiment_by_name(name)
            if found is not None:
                self._experiments[name] = str(found.experiment_id)
            elif self._create:
                self._experiments[name] = self.make_experiment(name)
            else:
                raise FactoryError(
                    f"experiment {name} is not there or {self._user} may not see it: "
                    f"run factory up {self._contract.environment}"
                )
        return self._experiments[name]

    def make_experiment(self, name: str) -> str:
        """Make an experiment that is not there, and return its id."""
        place = Path(self._contract.artifact_uri) / "mlflow" / name.replace("/", ".")
        return str(self._runs.create_experiment(name, str(place), []))

    def run_address(self, run_id: str) -> str:
        """Where the files of a run lie today."""
        return self._files.today(str(self._runs.get_run(run_id).info.artifact_uri))

    @contextmanager
    def told(self) -> Iterator[None]:
        """Errors of the stores become one line."""
        with one_line(self._contract.tracking_uri):
            yield


def now() -> int:
    """Milliseconds since 1970, as MLflow counts."""
    return time.time_ns() // 1_000_000
