"""Which runs of the orchestrator wait or go on, and which ended without a word, as with a reboot.

A run's process is a child of the code location's. One that was killed with it stays "started" in Dagster's records for
good, and takes the place of one that could go on: Dagster looks after lost runs in clusters only.
"""

# Dagster is in the servers' environment only, where nothing is type-checked.
# mypy: disable-error-code="import-not-found,misc"

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

PLACE, WORK = "aifactory/place", "aifactory/work"
"""Tags by which runs are told apart; dagster.yaml limits how many of them go on at once."""
BEFORE = (DagsterRunStatus.QUEUED, DagsterRunStatus.NOT_STARTED, DagsterRunStatus.STARTING)
"""States of a run that has yet to look at anything: it does what a further one would."""
_WITH_PROCESS = (DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING)
_LOST = "its process went with an earlier start of the orchestrator; what it was to do is due again by itself"


def seconds() -> float:
    """A clock that nobody sets; it goes on while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def places(instance: DagsterInstance, work: str, states: Sequence[DagsterRunStatus]) -> frozenset[str]:
    """Where a run of this work is in one of these states."""
    found = instance.get_runs(RunsFilter(tags={WORK: work}, statuses=list(states)))
    return frozenset(run.tags[PLACE] for run in found if PLACE in run.tags)


def end_lost(instance: DagsterInstance, started: float) -> list[str]:
    """End the runs whose process went before this code location started, `started` by `seconds`; their ids."""
    # Records have the time of day: the start is told in it as it is set now.
    since = datetime.now(UTC) - timedelta(seconds=seconds() - started)
    found = instance.get_run_records(RunsFilter(statuses=list(_WITH_PROCESS)))
    lost = [one.dagster_run for one in found if _utc(one.update_timestamp) < since]
    for run in lost:
        instance.report_run_failed(run, _LOST)
    return [run.run_id for run in lost]


def _utc(moment: Any) -> datetime:
    """Dagster's records hold UTC, with or without saying so."""
    told: datetime = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return told
