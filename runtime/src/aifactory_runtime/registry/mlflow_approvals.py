"""Approvals and certificates as runs in MLflow, each in an experiment that only its approver can write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aifactory_runtime.registry.mlflow_runs import Runs
from aifactory_runtime.registry.port import (
    APPROVED_MODEL,
    APPROVED_REPORT,
    CERTIFIED_COUNT,
    CERTIFIED_GATE,
    WITHDRAWN_GATE,
    Approval,
    Certificate,
)

_MOST = 200
_TIME = "attributes.start_time DESC"
"""By the clock of who wrote the run."""


class Approvals(Runs):
    """The part of `registry.port.Registry` that is about approvals and certificates."""

    def record_approval(self, person: str, model_sha256: str, report_sha256: str) -> None:
        """Write an approval where only `person` can."""
        tags = {APPROVED_MODEL: model_sha256, APPROVED_REPORT: report_sha256}
        with self.told():
            run_id = self.begin_run(self._contract.approvals_experiment(person), f"approval by {person}", tags)
        self.finish_run(run_id)

    def approvals(self, person: str) -> Sequence[Approval]:
        """What `person` approved, newest first; empty when there is no place for it."""
        return [
            Approval(person, tags[APPROVED_MODEL], tags[APPROVED_REPORT], run.info.user_id, run.info.start_time)
            for run in self._newest(person, "", _MOST)
            if APPROVED_MODEL in (tags := run.data.tags) and APPROVED_REPORT in tags
        ]

    def record_certificate(self, person: str, gate_sha256: str | None) -> None:
        """Write a certificate of the gate, or None that it is withdrawn, where only `person` can."""
        last = self._last_certificate(person)
        count = last.data.tags.get(CERTIFIED_COUNT, "0") if last else "0"
        tags = {CERTIFIED_GATE: gate_sha256 or WITHDRAWN_GATE, CERTIFIED_COUNT: f"{int(count) + 1:010d}"}
        with self.told():
            run_id = self.begin_run(self._contract.approvals_experiment(person), f"certificate by {person}", tags)
        self.finish_run(run_id)

    def certificate(self, person: str) -> Certificate | None:
        """What `person` said last of the gate; None when they never did, or there is no place for it."""
        last = self._last_certificate(person)
        if last is None:
            return None
        said = last.data.tags[CERTIFIED_GATE]
        return Certificate(person, None if said == WITHDRAWN_GATE else said, last.info.user_id)

    def _last_certificate(self, person: str) -> Any | None:
        """The run with the highest count; those of before there was one come after all that have it, by their time."""
        wanted, order = f"tags.`{CERTIFIED_GATE}` LIKE '%'", f"tags.`{CERTIFIED_COUNT}` DESC"
        return next(iter(self._newest(person, wanted, 1, order)), None)

    def _newest(self, person: str, wanted: str, most: int, *order: str) -> Sequence[Any]:
        from mlflow.entities import ViewType

        with self.told():
            experiment = self._runs.get_experiment_by_name(self._contract.approvals_experiment(person))
            if experiment is None:
                return []
            found: Sequence[Any] = self._runs.search_runs(
                [experiment.experiment_id], wanted, ViewType.ACTIVE_ONLY, most, [*order, _TIME]
            )
            return found
