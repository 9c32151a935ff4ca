"""Versions of one registered model in MLflow's registry store: registered, found, pointed at, downloaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.registry import artifacts, model_folder, same_version, whole
from aifactory_runtime.registry.mlflow_runs import MAX_VALUE, Runs
from aifactory_runtime.registry.port import MODEL_SHA256, Version

_MODEL = "model"
_PAGE = 200


class Versions(Runs):
    """The part of `registry.port.Registry` that is about versions, over a registry store beside the runs."""

    def __init__(
        self, contract: EnvironmentContract, *, runs: Any, models: Any, files: artifacts.Files, user: str, create: bool
    ) -> None:
        super().__init__(contract, runs=runs, files=files, user=user, create=create)
        self._models = models

    def register(self, folder: Path, tags: Mapping[str, str], run_id: str | None = None) -> Version:
        """Register the model folder, once: equal model and data give the version that is there.

        The files go up first and the version with all its tags is one transaction, so a kill leaves no version or all
        of it, and a rerun finds it.
        """
        from mlflow.entities.model_registry import ModelVersionTag

        sha256 = model_folder.digest(folder)
        tags = {**tags, MODEL_SHA256: sha256}
        with self.told():
            found = self._same(tags)
            if found is not None:
                return found
            run_id = run_id or self._run_of(sha256)
            address = self.run_address(run_id)
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    self._files.put(f"{address}/{_MODEL}/{path.relative_to(folder).as_posix()}", path.read_bytes())
            self._ensure_model()
            made = self._models.create_model_version(
                self._contract.model_name,
                self._source(run_id),
                run_id,
                [ModelVersionTag(key, value[:MAX_VALUE]) for key, value in tags.items()],
            )
        return self.version(int(made.version))

    def versions(self) -> Sequence[Version]:
        """All versions, oldest first."""
        found: list[Version] = []
        token: str | None = None
        with self.told():
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
        with self.told():
            return _version(self._models.get_model_version(self._contract.model_name, str(number)))

    def by_alias(self, alias: str) -> Version | None:
        """The version an alias points at."""
        from mlflow.exceptions import MlflowException

        with self.told():
            try:
                return _version(self._models.get_model_version_by_alias(self._contract.model_name, alias))
            except MlflowException as error:
                # A missing alias is INVALID_PARAMETER_VALUE, a model nobody has registered yet is not found.
                if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
                    return None
                raise

    def set_alias(self, alias: str, number: int) -> None:
        """Point an alias at a version."""
        with self.told():
            self._models.set_registered_model_alias(self._contract.model_name, alias, str(number))

    def set_tag(self, number: int, key: str, value: str) -> None:
        """Set one tag of a version."""
        from mlflow.entities.model_registry import ModelVersionTag

        with self.told():
            self._models.set_model_version_tag(
                self._contract.model_name, str(number), ModelVersionTag(key, value[:MAX_VALUE])
            )

    def artifact_address(self, version: Version) -> str:
        """Where the files lie: a folder on disk or an `mlflow-artifacts:` address."""
        with self.told():
            return f"{self.run_address(version.run_id)}/{_MODEL}"

    def download(self, version: Version, folder: Path) -> None:
        """Copy the files to `folder` and check them against the version's digest; FactoryError leaves no folder."""
        address = self.artifact_address(version)
        with whole.copy(folder, version, self._contract.model_name), self.told():
            self._files.get_folder(address, folder)

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
        wanted = same_version.identity(tags)
        return next((version for version in self.versions() if same_version.identity(version.tags) == wanted), None)

    def _run_of(self, sha256: str) -> str:
        """A run for a model that was trained elsewhere: the one an interrupted call has begun, else a new one."""
        from mlflow.entities import ViewType

        experiment = self.experiment_id(self._contract.experiment)
        runs = self._runs.search_runs([experiment], f"tags.`{MODEL_SHA256}` = '{sha256}'", ViewType.ACTIVE_ONLY, 1)
        if runs:
            return str(runs[0].info.run_id)
        run_id = self.begin_run(self._contract.experiment, f"model {sha256[:12]}", {MODEL_SHA256: sha256})
        self.finish_run(run_id)
        return run_id

    def _source(self, run_id: str) -> str:
        """Where MLflow says that a version lies.

        A server's page of a version reads the files there, to show the signature, and cannot follow `runs:/`. The
        embedded default can, and a path on disk would be wrong once the repo is moved.
        """
        return f"runs:/{run_id}/{_MODEL}" if self._create else f"{self.run_address(run_id)}/{_MODEL}"


def _version(found: Any) -> Version:
    tags = dict(found.tags)
    return Version(int(found.version), tags.get(MODEL_SHA256, ""), found.run_id or "", tags)
