"""Heads of audit logs in MLflow, as a home's identity `anchor` writes them: parameters, which nobody can change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from aifactory_runtime.contract import EnvironmentContract, names
from aifactory_runtime.registry.mlflow_runs import Runs
from aifactory_runtime.registry.port import Head

_LINE, _TIME, _LOG, _END = "line-", "time-", "log", "ended"
"""Parameters of a run, as `infra/services/anchoring.py` writes them."""
ORDER = "attributes.start_time ASC"
PAGE = 1_000


def of_log(contract: EnvironmentContract) -> str:
    """What finds the runs with heads of an environment's log."""
    return f"params.{_LOG} = '{names.stack(contract.use_case, contract.environment)}'"


def heads(runs: Iterable[Mapping[str, str]]) -> list[Head]:
    """Heads in the parameters of runs, oldest run first."""
    found: list[Head] = []
    for values in runs:
        lines = {name: value for name, value in sorted(values.items()) if name.startswith(_LINE)}
        numbers = {name.removeprefix(_LINE): value for name, value in lines.items()}
        found += [Head(int(number), value, _moment(values.get(_TIME + number))) for number, value in numbers.items()]
        if _END in values:  # what follows is of another log, which came when this environment was made again
            found = []
    return found


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


class Anchors(Runs):
    """The part of `registry.port.Registry` that is about audit logs."""

    def anchored(self) -> Sequence[Head] | None:
        """Heads of this environment's audit log, oldest first; None where there is no place for any."""
        with self.told():
            experiment = self._runs.get_experiment_by_name(names.ANCHOR)
            if experiment is None:
                return None
            return heads(run.data.params for run in self._anchor_runs(experiment.experiment_id))

    def _anchor_runs(self, experiment: str) -> list[Any]:
        """Runs of this environment's log, oldest first; deleted ones, too: to delete takes a right that nobody has."""
        from mlflow.entities import ViewType

        found: list[Any] = []
        token = None
        while True:
            page = self._runs.search_runs(
                [experiment],
                of_log(self._contract),
                ViewType.ALL,
                PAGE,
                [ORDER],
                page_token=token,
            )
            found += page
            token = page.token
            if not token:
                return found
