"""The registry port on AWS: runs in an MLflow app, versions as model packages, approvals as objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aifactory_runtime.aws import anchors, approvals
from aifactory_runtime.aws.packages import Packages
from aifactory_runtime.aws.session import Session
from aifactory_runtime.aws.versions import PackagedVersions
from aifactory_runtime.contract import EnvironmentContract, names
from aifactory_runtime.registry.port import Approval, Certificate, Head, Version

if TYPE_CHECKING:
    from aifactory_runtime.registry.mlflow_runs import Runs


def connect(contract: EnvironmentContract) -> AwsRegistry:
    """The registry of one environment under whoever is logged in; FactoryError when that is nobody of its account."""
    session = Session(contract)
    _ = session.identity
    return AwsRegistry(session)


class AwsRegistry:
    """`registry.port.Registry` over an MLflow app, a model package group and the environment's bucket.

    Rights in an MLflow app are those of the app: who may write runs there may write everybody's. So versions, their
    tags with what the gate found, aliases and approvals are never read from it.
    """

    def __init__(self, session: Session) -> None:
        contract = self._contract = session.contract
        self._session = session
        self._versions = PackagedVersions(
            contract.model_name, Packages(session), session.store(contract.registry_uri), contract.registry_uri
        )
        self._approvals = approvals.ApprovalObjects(session, session.store(approvals.address(contract.registry_uri)))

    def start_run(self, name: str, tags: Mapping[str, str], parent: str | None = None) -> str:
        """Begin a run in the environment's experiment, below the run `parent` if there is one, and return its id."""
        return self._runs.start_run(name, tags, parent)

    def log(
        self,
        run_id: str,
        params: Mapping[str, object] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Add to a run; a parameter once written cannot change."""
        self._runs.log(run_id, params, metrics, tags)

    def log_file(self, run_id: str, name: str, content: bytes) -> None:
        """Keep a small file with the run."""
        self._runs.log_file(run_id, name, content)

    def log_data(
        self, run_id: str, name: str, digest: str, columns: Mapping[str, str], about: Mapping[str, Any]
    ) -> None:
        """Say which table a run learned from: its columns with their Arrow types, and what else leads to it."""
        self._runs.log_data(run_id, name, digest, columns, about)

    def judge_by(self, metric: str, *, lower_is_better: bool) -> None:
        """Say which figure decides, so that lists of runs show it first."""
        self._runs.judge_by(metric, lower_is_better=lower_is_better)

    def finish_run(self, run_id: str, failed: bool = False) -> None:
        """End a run."""
        self._runs.finish_run(run_id, failed)

    def register(self, folder: Path, tags: Mapping[str, str], run_id: str | None = None) -> Version:
        """Register the model folder, once: equal model and data give the version that is there.

        The files lie in the environment's bucket, whatever the run: without `run_id` there is none.
        """
        return self._versions.register(folder, tags, run_id, self._approved)

    def versions(self) -> Sequence[Version]:
        """All versions, oldest first."""
        return self._versions.versions()

    def version(self, number: int) -> Version:
        """One version; FactoryError when there is none of that number."""
        return self._versions.version(number)

    def by_alias(self, alias: str) -> Version | None:
        """The version an alias points at."""
        return self._versions.by_alias(alias)

    def set_alias(self, alias: str, number: int) -> None:
        """Point an alias at a version."""
        self._versions.set_alias(alias, number)

    def set_tag(self, number: int, key: str, value: str) -> None:
        """Set one tag of a version."""
        self._versions.set_tag(number, key, value)

    def artifact_address(self, version: Version) -> str:
        """Where the files lie: an `s3:` address."""
        return self._versions.address(version.number)

    def download(self, version: Version, folder: Path) -> None:
        """Copy the files to `folder` and check them against the version's digest; FactoryError leaves no folder."""
        self._versions.download(version, folder)

    def record_approval(self, person: str, model_sha256: str, report_sha256: str) -> None:
        """Write an approval where only `person` can; then the package shows it, once enough have approved."""
        self._approvals.record_approval(person, model_sha256, report_sha256)
        if why := self._approved(model_sha256):
            self._versions.approve(model_sha256, why)

    def approvals(self, person: str) -> Sequence[Approval]:
        """What `person` approved, newest first; empty when there is no place for it."""
        return self._approvals.approvals(person)

    def anchored(self) -> Sequence[Head] | None:
        """Heads of this environment's audit log, oldest first."""
        return anchors.read(self._session.store(anchors.address(self._contract.audit_uri)))

    def record_certificate(self, person: str, gate_sha256: str | None) -> None:
        """Write a certificate of the gate, or None that it is withdrawn, where only `person` can."""
        self._approvals.record_certificate(person, gate_sha256)

    def certificate(self, person: str) -> Certificate | None:
        """What `person` said last of the gate; None when they never did, or there is no place for it."""
        return self._approvals.certificate(person)

    def _approved(self, model_sha256: str) -> str | None:
        """Who approved a model, for the package to show: with `risk: high` two; a release asks for more than that."""
        enough = 2 if self._contract.risk == "high" else 1
        people = [person for person in self._contract.approvers if self._did_approve(person, model_sha256)]
        return f"approved by {', '.join(people)}" if len(people) >= enough else None

    def _did_approve(self, person: str, model_sha256: str) -> bool:
        login = names.login(person, self._contract.use_case, self._contract.environment)
        found = self._approvals.approvals(person)
        return any(one.model_sha256 == model_sha256 and one.user_id == login for one in found)

    @cached_property
    def _runs(self) -> Runs:
        from aifactory_runtime.aws.runs import SignedRuns

        return SignedRuns(self._session)
