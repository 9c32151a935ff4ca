"""Tidies one environment: rows are packed, and what no rule keeps is removed. Quotas do not stop it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aifactory_runtime import files
from aifactory_runtime.audit import log as audit
from aifactory_runtime.capture import compaction
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.data.removals import CODE, ENVIRONMENT, RUN, Removal
from aifactory_runtime.data.tables import SCORED
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.events import log as events
from aifactory_runtime.labels import compaction as labels
from aifactory_runtime.monitoring import exclusive as monitors
from aifactory_runtime.monitoring import expected, packing
from aifactory_runtime.pipeline import exclusive
from aifactory_runtime.registry.port import Registry
from aifactory_runtime.retention import known, removing, rules
from aifactory_runtime.retention.rules import Days, Known, Plan
from aifactory_runtime.serving.trial import scores_log

ACTION = "tidied"
_UNUSED = "no released code leads to it"
Open = Callable[[], Registry]


@dataclass(frozen=True)
class Tidied:
    """What a tidying does, or would do; `troubles` say what of it was not done."""

    predictions: int
    removals: tuple[Removal, ...] = ()
    notes: tuple[str, ...] = ()
    troubles: tuple[str, ...] = field(default=())
    windows: int = 0
    """Of monitors, that are packed."""


def look(contract: EnvironmentContract, registry: Open, now: datetime | None = None) -> Tidied:
    """What there is to do; nothing is changed."""
    moment = now or datetime.now(UTC)
    _, plan = _plan(contract, registry(), moment)
    predictions, windows = compaction.waiting(Path(contract.capture_uri)), packing.waiting(Path(contract.data_uri))
    return Tidied(predictions, plan.removals, plan.notes, windows=windows)


def tidy(contract: EnvironmentContract, registry: Open, who: str, now: datetime | None = None) -> Tidied:
    """Do it. FactoryError at once while another tidying runs; what goes wrong with one part stops no other.

    Old rows go before predictions are packed, which needs room, and once more after it, since old ones may be among
    them.
    """
    moment, troubles = now or datetime.now(UTC), list[str]()
    with held(contract):
        removals, notes = list[Removal](), tuple[str, ...]()
        predictions = windows = 0
        for part in ("remove", "pack", "pack monitors", "remove"):
            try:
                if part == "pack":
                    predictions = compaction.compact(Path(contract.capture_uri), Path(contract.data_uri)).rows
                    labels.compact(Path(contract.capture_uri), Path(contract.data_uri))
                elif part == "pack monitors":
                    with monitors.waited(Path(contract.artifact_uri) / expected.FOLDER):
                        windows = packing.pack(Path(contract.data_uri))
                else:
                    done = _remove(contract, registry(), who, moment)
                    removals, notes = removals + list(done.removals), done.notes
            except FactoryError as error:
                if str(error) not in troubles:
                    troubles.append(str(error))
        if removals:
            _say_in_audit(contract, removals, who)
    return Tidied(predictions, tuple(removals), notes, tuple(troubles), windows)


def held(contract: EnvironmentContract) -> AbstractContextManager[None]:
    """One at a time removes, or says what is to be kept."""
    place = Path(contract.artifact_uri) / "tidy.lock"
    return files.lock(place, f"{contract.environment} is being tidied (process {{holder}}): wait until it ends")


def _remove(contract: EnvironmentContract, registry: Registry, who: str, now: datetime) -> Plan:
    """Under the lock of the pipeline, as what a run that is under way reads and writes may be in no record yet."""
    events.close_if_before(Path(contract.events_uri), now - timedelta(days=contract.events_days))
    scores_log.close_if_before(Path(contract.capture_uri), now - timedelta(days=contract.predictions_days))
    try:
        with exclusive.held(Path(contract.artifact_uri)):
            found, plan = _plan(contract, registry, now)
            removing.remove(contract, plan, found.runs, who, now)
            return plan
    except files.Busy as error:
        found, plan = _plan(contract, registry, now)
        left = tuple(one for one in plan.removals if one.kind not in (RUN, SCORED, *rules.VACUUMED))
        part = replace(plan, removals=left, stay={})
        removing.remove(contract, part, found.runs, who, now)
        return replace(part, notes=(*plan.notes, f"runs and tables stay: {error}"))


def _plan(contract: EnvironmentContract, registry: Registry, now: datetime) -> tuple[Known, Plan]:
    found, notes = known.known(contract, registry, now)
    plan = rules.plan(found, _days(contract), now.date())
    environments = _environments(contract, plan)
    return found, replace(plan, removals=plan.removals + environments, notes=(*notes, *plan.notes))


def _days(contract: EnvironmentContract) -> Days:
    monitors = contract.events_days if contract.monitors_days is None else contract.monitors_days
    return Days(contract.predictions_days, contract.labels_days, contract.events_days, monitors)


def _environments(contract: EnvironmentContract, plan: Plan) -> tuple[Removal, ...]:
    """Environments that no code leads to once that of the plan is gone."""
    claims = known.claims(contract)
    dropped = [commit for one in plan.removals if one.kind == CODE for commit in one.names]
    names = claims.surplus_environments(claims.surplus(known.in_use(contract), dropped))
    return (Removal(ENVIRONMENT, tuple(names), _UNUSED),) if names else ()


def _say_in_audit(contract: EnvironmentContract, removals: list[Removal], who: str) -> None:
    counts: dict[str, int] = {}
    for one in removals:
        counts[one.kind] = counts.get(one.kind, 0) + len(one.names)
    audit.append(Path(contract.audit_uri), ACTION, who, {"removed": counts})
