"""Heads of audit logs in MLflow, as a home's identity `anchor` writes them: parameters, which nobody can change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aifactory_runtime.contract import names
from aifactory_runtime.registry.mlflow_runs import Runs
from aifactory_runtime.registry.port import Head

_LINE, _LOG, _END = "line-", "log", "ended"
"""Parameters of a run, as `infra/services/anchoring.py` writes them."""
_PAGE = 1_000


class Anchors(Runs):
    """The part of `registry.port.Registry` that is about audit logs."""

    def anchored(self) -> Sequence[Head] | None:
        """Heads of this environment's audit log, oldest first; None where there is no place for any."""
        with self.told():
            experiment = self._runs.get_experiment_by_name(names.ANCHOR)
            if experiment is None:
                return None
            found: list[Head] = []
            for run in self._anchor_runs(experiment.experiment_id):
                values = run.data.params
                found += [
                    Head(int(name.removeprefix(_LINE)), value)
                    for name, value in sorted(values.items())
                    if name.startswith(_LINE)
                ]
                if _END in values:  # what follows is of another log, which came when this environment was made again
                    found = []
            return found

    def _anchor_runs(self, experiment: str) -> list[Any]:
        """Runs of this environment's log, oldest first; deleted ones, too: to delete takes a right that nobody has."""
        from mlflow.entities import ViewType

        log = names.stack(self._contract.use_case, self._contract.environment)
        found: list[Any] = []
        token = None
        while True:
            page = self._runs.search_runs(
                [experiment],
                f"params.{_LOG} = '{log}'",
                ViewType.ALL,
                _PAGE,
                ["attributes.start_time ASC"],
                page_token=token,
            )
            found += page
            token = page.token
            if not token:
                return found
