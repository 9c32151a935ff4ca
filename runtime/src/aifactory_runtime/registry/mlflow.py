"""The registry port over MLflow, one object per environment and identity: a server with a login, or SQLite.

MLflow's own client takes its login from the process's environment, so two identities could not be used side by side.
The stores below it take it as an argument; they are what is used here.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aifactory_runtime.config.credentials import Credentials
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.registry import artifacts, database, model_folder
from aifactory_runtime.registry.port import (
    APPROVED_MODEL,
    APPROVED_REPORT,
    COMMIT,
    DATA,
    FIGURES,
    MODEL_SHA256,
    Approval,
    Version,
)

_MODEL = "model"
_PARENT = "mlflow.parentRunId"
_PAGE = 200
_PRIMARY = "mlflow.experiment.primaryMetric."
_KIND, _TRAINING = "mlflow.experimentKind", "custom_model_development"
"""Makes MLflow's pages show what belongs to trained models, not to language models."""
_MAX_VALUE = 5_000
_MAX_SCHEMA = 65_535
_DIGEST = 36
_COLUMN_TYPES = {"double": "double", "int64": "long", "bool": "boolean", "timestamp[us]": "datetime"}
"""MLflow's names for Arrow's types; all others are texts."""
_REFUSED = {"PERMISSION_DENIED", "UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED"}
"""What MLflow makes of 403 and 401, whether the answer says so or only its status does."""
_DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    # Seven retries with a growing pause are minutes of silence when a server is stopped.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
}


def connect(contract: EnvironmentContract, credentials: Credentials | None) -> MlflowRegistry:
    """The registry of one environment under one identity; credentials from `config.credentials.of`."""
    for key, value in _DEFAULTS.items():
        os.environ.setdefault(key, value)
    for logger in ("alembic", "mlflow.store.db.utils", "mlflow.tracking"):
        logging.getLogger(logger).setLevel(logging.WARNING)
    with _one_line(contract.tracking_uri):
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


class MlflowRegistry:
    """`registry.port.Registry` over a pair of MLflow stores."""

    def __init__(
        self, contract: EnvironmentContract, *, runs: Any, models: Any, files: artifacts.Files, user: str, create: bool
    ) -> None:
        self._contract = contract
        self._runs = runs
        self._models = models
        self._files = files
        self._user = user
        self._create = create
        self._experiments: dict[str, str] = {}

    def start_run(self, name: str, tags: Mapping[str, str], parent: str | None = None) -> str:
        """Begin a run in the environment's experiment, below the run `parent` if there is one, and return its id."""
        tags = {**tags, **({} if parent is None else {_PARENT: parent})}
        with self._told():
            return self._start_run(self._contract.experiment, name, tags)

    def log(
        self,
        run_id: str,
        params: Mapping[str, object] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Add to a run in one call; a parameter once written cannot change."""
        from mlflow.entities import Metric, Param, RunTag

        now = _now()
        with self._told():
            self._runs.log_batch(
                run_id,
                [Metric(key, float(value), now, 0) for key, value in (metrics or {}).items()],
                [Param(key, str(value)) for key, value in (params or {}).items()],
                [RunTag(key, value[:_MAX_VALUE]) for key, value in (tags or {}).items()],
            )

    def log_file(self, run_id: str, name: str, content: bytes) -> None:
        """Keep a small file with the run."""
        with self._told():
            self._files.put(f"{self._run_address(run_id)}/{name}", content)

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
        with self._told():
            self._runs.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])])

    def judge_by(self, metric: str, *, lower_is_better: bool) -> None:
        """Say which figure decides: MLflow's list of runs has a column for it, and shows training runs first."""
        from mlflow.entities import ExperimentTag

        tags = {_PRIMARY + "name": metric, _PRIMARY + "greaterIsBetter": str(not lower_is_better), _KIND: _TRAINING}
        with self._told():
            experiment = self._experiment_id(self._contract.experiment)
            known = self._runs.get_experiment(experiment).tags
            for key, value in tags.items():
                if known.get(key) != value:
                    self._runs.set_experiment_tag(experiment, ExperimentTag(key, value))

    def finish_run(self, run_id: str, failed: bool = False) -> None:
        """End a run."""
        from mlflow.entities import RunStatus

        with self._told():
            status = RunStatus.FAILED if failed else RunStatus.FINISHED
            self._runs.update_run_info(run_id, status, _now(), None)

    def register(self, folder: Path, tags: Mapping[str, str], run_id: str | None = None) -> Version:
        """Register the model folder, once: equal model and data give the version that is there.

        The files go up first and the version with all its tags is one transaction, so a kill leaves no version or all
        of it, and a rerun finds it.
        """
        from mlflow.entities.model_registry import ModelVersionTag

        sha256 = model_folder.digest(folder)
        tags = {**tags, MODEL_SHA256: sha256}
        with self._told():
            found = self._same(tags)
            if found is not None:
                return found
            run_id = run_id or self._run_of(sha256)
            address = self._run_address(run_id)
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    self._files.put(f"{address}/{_MODEL}/{path.relative_to(folder).as_posix()}", path.read_bytes())
            self._ensure_model()
            made = self._models.create_model_version(
                self._contract.model_name,
                self._source(run_id),
                run_id,
                [ModelVersionTag(key, value[:_MAX_VALUE]) for key, value in tags.items()],
            )
        return self.version(int(made.version))

    def versions(self) -> Sequence[Version]:
        """All versions, oldest first."""
        found: list[Version] = []
        token: str | None = None
        with self._told():
            while True:
                page = self._models.search_model_versions(
                    f"name = '{self._contract.model_name}'", max_results=_PAGE, page_token=token
                )
                found.extend(_version(one) for one in page)
                token = page.token
                if not token:
                    return sorted(found, key=lambda version: version.number)

    def version(self, number: int) -> Version:
        """One version; FactoryError when there is none of that number."""
        with self._told():
            return _version(self._models.get_model_version(self._contract.model_name, str(number)))

    def by_alias(self, alias: str) -> Version | None:
        """The version an alias points at."""
        from mlflow.exceptions import MlflowException

        with self._told():
            try:
                return _version(self._models.get_model_version_by_alias(self._contract.model_name, alias))
            except MlflowException as error:
                # A missing alias is INVALID_PARAMETER_VALUE, a model nobody has registered yet is not found.
                if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
                    return None
                raise

    def set_alias(self, alias: str, number: int) -> None:
        """Point an alias at a version."""
        with self._told():
            self._models.set_registered_model_alias(self._contract.model_name, alias, str(number))

    def set_tag(self, number: int, key: str, value: str) -> None:
        """Set one tag of a version."""
        from mlflow.entities.model_registry import ModelVersionTag

        with self._told():
            self._models.set_model_version_tag(
                self._contract.model_name, str(number), ModelVersionTag(key, value[:_MAX_VALUE])
            )

    def artifact_address(self, version: Version) -> str:
        """Where the files lie: a folder on disk or an `mlflow-artifacts:` address."""
        with self._told():
            return f"{self._run_address(version.run_id)}/{_MODEL}"

    def download(self, version: Version, folder: Path) -> None:
        """Copy the files to `folder` and check them against the version's digest; FactoryError leaves no folder."""
        address = self.artifact_address(version)
        try:
            with self._told():
                self._files.get_folder(address, folder)
            if model_folder.digest(folder) != version.model_sha256:
                raise FactoryError(
                    f"version {version.number} of {self._contract.model_name} is not what was registered "
                    "(sha256 differs): do not use it, register the model again"
                )
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def record_approval(self, person: str, model_sha256: str, report_sha256: str) -> None:
        """Write an approval where only `person` can."""
        tags = {APPROVED_MODEL: model_sha256, APPROVED_REPORT: report_sha256}
        with self._told():
            run_id = self._start_run(self._contract.approvals_experiment(person), f"approval by {person}", tags)
        self.finish_run(run_id)

    def approvals(self, person: str) -> Sequence[Approval]:
        """What `person` approved, newest first; empty when there is no place for it."""
        from mlflow.entities import ViewType

        with self._told():
            experiment = self._runs.get_experiment_by_name(self._contract.approvals_experiment(person))
            if experiment is None:
                return []
            runs = self._runs.search_runs(
                [experiment.experiment_id], "", ViewType.ACTIVE_ONLY, _PAGE, ["attributes.start_time DESC"]
            )
        return [
            Approval(person, tags[APPROVED_MODEL], tags[APPROVED_REPORT], run.info.user_id, run.info.start_time)
            for run in runs
            if APPROVED_MODEL in (tags := run.data.tags) and APPROVED_REPORT in tags
        ]

    def _start_run(self, experiment: str, name: str, tags: Mapping[str, str]) -> str:
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
        listed = [RunTag(key, value[:_MAX_VALUE]) for key, value in {**tags, **shown}.items()]
        run = self._runs.create_run(self._experiment_id(experiment), self._user, _now(), listed, name)
        return str(run.info.run_id)

    def _experiment_id(self, name: str) -> str:
        if name not in self._experiments:
            found = self._runs.get_experiment_by_name(name)
            if found is not None:
                self._experiments[name] = str(found.experiment_id)
            elif self._create:
                place = Path(self._contract.artifact_uri) / "mlflow" / name.replace("/", ".")
                self._experiments[name] = str(self._runs.create_experiment(name, str(place), []))
            else:
                raise FactoryError(
                    f"experiment {name} is not there or {self._user} may not see it: "
                    f"run factory up {self._contract.environment}"
                )
        return self._experiments[name]

    def _ensure_model(self) -> None:
        """In the embedded default the registered model is made on demand; elsewhere only provisioning makes it."""
        from mlflow.exceptions import MlflowException

        if not self._create:
            return
        try:
            self._models.create_registered_model(self._contract.model_name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _same(self, tags: Mapping[str, str]) -> Version | None:
        """The registered version of equal model and data."""
        wanted = [tags.get(key) for key in (MODEL_SHA256, *DATA)]
        for version in self.versions():
            if [version.tags.get(key) for key in (MODEL_SHA256, *DATA)] == wanted:
                return version
        return None

    def _run_of(self, sha256: str) -> str:
        """A run for a model that was trained elsewhere: the one an interrupted call has begun, else a new one."""
        from mlflow.entities import ViewType

        experiment = self._experiment_id(self._contract.experiment)
        runs = self._runs.search_runs([experiment], f"tags.`{MODEL_SHA256}` = '{sha256}'", ViewType.ACTIVE_ONLY, 1)
        if runs:
            return str(runs[0].info.run_id)
        run_id = self._start_run(self._contract.experiment, f"model {sha256[:12]}", {MODEL_SHA256: sha256})
        self.finish_run(run_id)
        return run_id

    def _source(self, run_id: str) -> str:
        """Where MLflow says that a version lies.

        A server's page of a version reads the files there, to show the signature, and cannot follow `runs:/`. The
        embedded default can, and a path on disk would be wrong once the repo is moved.
        """
        return f"runs:/{run_id}/{_MODEL}" if self._create else f"{self._run_address(run_id)}/{_MODEL}"

    def _run_address(self, run_id: str) -> str:
        return self._files.today(str(self._runs.get_run(run_id).info.artifact_uri))

    @contextmanager
    def _told(self) -> Iterator[None]:
        with _one_line(self._contract.tracking_uri):
            yield


@contextmanager
def _one_line(address: str) -> Iterator[None]:
    """MLflow's errors, and those of the database under it, as one line that says what to do."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except _database_errors(address) as error:
        said = str(error).strip().partition("\n")[0][:200]
        raise FactoryError(f"{address}: {said}; restore it from a backup, or move it away to begin anew") from None
    except MlflowException as error:
        first = str(error.message).strip().splitlines()[0][:300] if str(error.message).strip() else error.error_code
        if _unreachable(error):
            raise FactoryError(f"MLflow at {address} does not answer: run factory start, then this again") from None
        if error.error_code in _REFUSED:
            raise FactoryError(f"MLflow at {address} refuses this login: {first}; check with factory status") from None
        raise FactoryError(f"MLflow at {address}: {first}") from None


def _unreachable(error: BaseException) -> bool:
    """Whether nobody answered; MLflow keeps it as the cause, but in its own threads only in the text."""
    from requests.exceptions import ConnectionError as NoConnection
    from requests.exceptions import Timeout

    cause = error.__cause__ or error.__context__
    return isinstance(cause, NoConnection | Timeout) or "Max retries exceeded" in str(error)


def _database_errors(address: str) -> tuple[type[Exception], ...]:
    """What a damaged or full database raises beside MLflow; none where a server answers."""
    if not address.startswith("sqlite:"):
        return ()
    from sqlalchemy.exc import DatabaseError

    return (DatabaseError,)


def _version(found: Any) -> Version:
    tags = dict(found.tags)
    return Version(int(found.version), tags.get(MODEL_SHA256, ""), found.run_id or "", tags)


def _now() -> int:
    return time.time_ns() // 1_000_000
