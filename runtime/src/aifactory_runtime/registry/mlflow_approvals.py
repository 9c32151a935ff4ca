"""Approvals as runs in MLflow, each in an experiment that only its approver can write."""

from __future__ import annotations

from collections.abc import Sequence

from aifactory_runtime.registry.mlflow_runs import Runs
from aifactory_runtime.registry.port import APPROVED_MODEL, APPROVED_REPORT, Approval

_MOST = 200


class Approvals(Runs):
    """The part of `registry.port.Registry` that is about approvals."""

    def record_approval(self, person: str, model_sha256: str, report_sha256: str) -> None:
        """Write an approval where only `person` can."""
        tags = {APPROVED_MODEL: model_sha256, APPROVED_REPORT: report_sha256}
        with self.told():
            run_id = self.begin_run(self._contract.approvals_experiment(person), f"approval by {person}", tags)
        self.finish_run(run_id)

    def approvals(self, person: str) -> Sequence[Approval]:
        """What `person` approved, newest first; empty when there is no place for it."""
        from mlflow.entities import ViewType

        with self.told():
            experiment = self._runs.get_experiment_by_name(self._contract.approvals_experiment(person))
            if experiment is None:
                return []
            runs = self._runs.search_runs(
                [experiment.experiment_id], "", ViewType.ACTIVE_ONLY, _MOST, ["attributes.start_time DESC"]
            )
        return [
            Approval(person, tags[APPROVED_MODEL], tags[APPROVED_REPORT], run.info.user_id, run.info.start_time)
            for run in runs
            if APPROVED_MODEL in (tags := run.data.tags) and APPROVED_REPORT in tags
        ]
