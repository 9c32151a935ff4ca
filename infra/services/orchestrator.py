"""The one code location of the orchestrator: trains, scores, tidies on a schedule, ticks when files change, anchors.

Dagster reads the annotations of ops as they stand, so this one module does not postpone them.
It reads the applied manifests in `usecases/` at each tick, so a further use case needs no process and no reload. A run
starts the interpreter of the released snapshot; nothing of a use case is imported here.
"""

# Dagster is in the servers' environment only, where nothing is type-checked.
# mypy: disable-error-code="import-not-found,misc,untyped-decorator"

import json
import logging
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import anchoring
import running
import ticking
from cronsim import CronSim, CronSimError
from dagster import (
    Config,
    DagsterRunStatus,
    DefaultScheduleStatus,
    Definitions,
    InitLoggerContext,
    OpExecutionContext,
    PipesSubprocessClient,
    RunRequest,
    ScheduleEvaluationContext,
    SkipReason,
    job,
    logger,
    op,
    schedule,
)

STARTED = running.seconds()
"""When the process that asks the schedules started: each run is a child of it."""
# Ours and supervisor's, not the pipeline's.
_DROPPED = ("DAGSTER_HOME", "FACTORY_HOME", "SUPERVISOR_PROCESS_NAME", "SUPERVISOR_GROUP_NAME", "SUPERVISOR_SERVER_URL")


@dataclass(frozen=True)
class Work:
    """What a schedule starts: which setting of an environment holds it, what is run, and as which identity."""

    setting: str
    arguments: tuple[str, ...]
    identity: str
    needs: str = ""
    """Module of the runtime that released code must have for it: code from before has no such command."""


# Retraining registers a candidate, which only release may; scoring reads the champion, as a scoring service does.
WORK = {
    "retraining": Work("retraining", ("run", "--kind", "retraining"), "release"),
    "scoring": Work("batch", ("score",), "service"),
    "tidying": Work("retention", ("tidy", "--yes"), "release", needs="retention/rules.py"),
    "tick": Work("retraining", ("tick",), "release"),
}
_BY_REQUEST = ("tick", "--calendar")
"""What the calendar starts of code that knows requests: it writes one, as everything does that wants a training."""


@dataclass(frozen=True)
class Applied:
    """One use case in one environment, as applied, with its schedule for one kind of work."""

    use_case: str
    environment: str
    cron: str | None
    retired: bool = False

    @property
    def folder(self) -> Path:
        """Its folder in the home."""
        return _home() / self.environment / self.use_case

    @property
    def name(self) -> str:
        """Name in run keys and messages."""
        return f"{self.use_case}.{self.environment}"

    @property
    def provisioned(self) -> bool:
        """Whether it is still applied: a run may have waited while it was destroyed."""
        return (_home() / "usecases" / f"{self.name}.json").exists()

    @property
    def released(self) -> bool:
        """Whether there is code to run."""
        return (self.folder / "serving" / "current").exists()

    def lacks(self, work: Work) -> bool:
        """Whether the code that is released is too old for this work."""
        return bool(work.needs) and not ticking.knows(self.folder, work.needs)

    def command(self, work: str) -> tuple[str, ...]:
        """What is run of its code for a kind of work."""
        return _BY_REQUEST if work == "retraining" and ticking.can_tick(self.folder) else WORK[work].arguments


def _home() -> Path:
    return Path(os.environ["FACTORY_HOME"])


def contracts(folder: Path, use_case: str) -> dict[str, str]:
    """The environments of a use case as variables, for work that goes on in another one: see `config.environment`."""
    found = {}
    for path in folder.glob(f"{use_case}.*.json"):
        try:
            environment = json.loads(path.read_text(encoding="utf-8"))["environment"]
            found[f"AIFACTORY_CONTRACT_{environment['environment'].upper()}"] = json.dumps(environment)
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            continue  # named at each minute by the schedules
    return found


def applied(folder: Path, work: Work) -> tuple[list[Applied], list[str]]:
    """Every applied manifest in `folder`, and a sentence for each that cannot be read: it must not stop the others."""
    found, troubles = [], []
    for path in sorted(folder.glob("*.json")):
        try:
            found.append(_read(path, work.setting))
        # Files are written by other programs, so any form can stand in one.
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            troubles.append(f"{path.name} cannot be read: run factory up for it again")
    return found, troubles


def _read(path: Path, setting: str) -> Applied:
    content = json.loads(path.read_text(encoding="utf-8"))
    environment = content["environment"]["environment"]
    settings = content["manifest"]["environments"][environment]
    use_case, cron = content["environment"]["use_case"], (settings.get(setting) or {}).get("schedule")
    retired = bool(content["environment"].get("retired"))
    if not isinstance(use_case, str) or not isinstance(cron, str | None):
        raise TypeError(f"{path} holds another type than text")
    return Applied(use_case, environment, None if retired else cron, retired)


def due(found: Applied, slot: datetime) -> bool:
    """Whether the minute `slot` (UTC) is one that the use case's schedule names; ValueError when it is no schedule."""
    if found.cron is None:
        return False
    moment = slot.astimezone(UTC)
    try:
        return next(CronSim(found.cron, moment - timedelta(seconds=1)), None) == moment
    except CronSimError as error:
        raise ValueError(str(error)) from None


def wanted(found: list[Applied], slot: datetime) -> tuple[list[Applied], list[str]]:
    """Use cases that are due at `slot`, and a sentence for each that cannot be told."""
    asked, troubles = [], []
    for one in found:
        try:
            if due(one, slot):
                asked.append(one)
        except ValueError:
            troubles.append(
                f"{one.name} has no valid schedule ({one.cron!r}): mend it in factory.yaml, then factory up"
            )
    return asked, troubles


def plan(found: list[Applied]) -> str:
    """Who has a schedule and which: what a person who opens a tick wants to know. One location knows no use case."""
    planned = [f"{one.name} at {one.cron}" for one in found if one.cron]
    return f"scheduled (UTC): {', '.join(planned)}" if planned else "no use case has a schedule"


class Target(Config):
    """Which use case to run, where, and what of it."""

    use_case: str
    environment: str
    work: str


@op
def run_released_code(context: OpExecutionContext, config: Target, pipes: PipesSubprocessClient) -> None:
    """Run a command of the released snapshot with its own interpreter, as the identity that the work needs."""
    target, work = Applied(config.use_case, config.environment, None), WORK[config.work]
    if not target.provisioned:
        context.log.warning(f"{target.name} is no longer provisioned: what waited for its turn is not run")
        return
    current = target.folder / "serving" / "current"
    credentials = _home() / "credentials" / target.environment / target.use_case / f"{work.identity}.json"
    package = target.use_case.replace("-", "_")
    command = ["env", *(part for name in _DROPPED for part in ("-u", name))]
    command += [str(current / ".venv" / "bin" / "python"), "-m", package, *target.command(config.work)]
    environment = {
        **contracts(_home() / "usecases", target.use_case),
        "AIFACTORY_ENV_FILE": str(target.folder / "environment.json"),
        "AIFACTORY_IDENTITY": work.identity,
        "AIFACTORY_CREDENTIALS_FILE": str(credentials),
        "PYTHONPATH": os.pathsep.join(str(current / folder) for folder in ticking.CODE),
    }
    done = pipes.run(context=context, command=command, env=environment, cwd=str(current))
    done.get_results(implicit_materializations=False)


class _FirstLine(logging.Formatter):
    """A line an event: what failed has said why itself, and the traceback of the orchestrator would bury it."""

    def format(self, record: logging.LogRecord) -> str:
        """The event without its traceback, which the orchestrator's page shows."""
        return super().format(record).partition("\n")[0]


@logger
def lines(_context: InitLoggerContext) -> logging.Logger:
    """Events of a run among what its process says."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_FirstLine("%(asctime)s - %(levelname)s - %(message)s"))
    found = logging.Logger("aifactory", logging.DEBUG)
    found.addHandler(handler)
    return found


@job(logger_defs={"lines": lines})
def retraining() -> None:
    """One run of one use case's released pipeline."""
    run_released_code()


@job(logger_defs={"lines": lines})
def scoring() -> None:
    """One batch of one use case, scored by its champion with the code that belongs to it."""
    run_released_code()


@job(logger_defs={"lines": lines})
def tidying() -> None:
    """One use case's environment is tidied by its released code."""
    run_released_code()


@job(logger_defs={"lines": lines})
def tick() -> None:
    """What is due of one use case in one environment: its own code knows."""
    run_released_code()


@op
def write_heads(context: OpExecutionContext) -> None:
    """Write the heads of audit logs that moved."""
    _told(anchoring.anchor(_home()), context.log)


@job(logger_defs={"lines": lines})
def anchor() -> None:
    """What the schedule does each minute without a run."""
    write_heads()


def _told(report: anchoring.Report, log: logging.Logger) -> str:
    """What was anchored; troubles are warnings."""
    if report.troubles:
        log.warning("; ".join(report.troubles))
    written = f"the head of the audit log of {', '.join(report.written)} is anchored"
    return written if report.written else "no audit log has moved"


def _due_by_schedule(name: str, context: ScheduleEvaluationContext) -> Iterator[RunRequest | SkipReason]:
    """One run for each use case whose schedule for this work names this minute."""
    slot = context.scheduled_execution_time
    found, unread = applied(_home() / "usecases", WORK[name])
    asked, untold = wanted(found, slot)
    reasons = unread + untold
    waiting = [one.name for one in asked if not one.released]
    released = [one for one in asked if one.released]
    able = [one for one in released if not one.lacks(WORK[name])]
    older = [one.name for one in released if one not in able]
    under_way = running.places(context.instance, name, running.BEFORE) if able else frozenset()
    ready = [one for one in able if one.name not in under_way]
    queued = [one.name for one in able if one.name in under_way]
    if waiting:
        reasons.append(f"due, but nothing is released yet: {', '.join(waiting)}")
    if older:
        reasons.append(f"due, but what is released is too old for it, release a newer commit: {', '.join(older)}")
    if queued:
        reasons.append(f"due, and its run of before still waits: {', '.join(queued)}")
    if not ready:
        yield SkipReason("; ".join([*(reasons or ["nothing is due"]), plan(found)]))
    elif reasons:
        # A tick that starts runs cannot say a reason for skipping too.
        context.log.warning("; ".join(reasons))
    for one in ready:
        yield _run(one, name, slot, {"schedule": str(one.cron)})


def _run(one: Applied, work: str, slot: datetime, said: dict[str, str]) -> RunRequest:
    target = {"use_case": one.use_case, "environment": one.environment}
    return RunRequest(
        run_key=f"{one.name}:{slot.isoformat()}",
        run_config={
            "ops": {"run_released_code": {"config": {**target, "work": work}}},
            "loggers": {"lines": {}},
        },
        tags={f"aifactory/{key}": value for key, value in {**target, **said}.items()}
        | {running.PLACE: one.name, running.WORK: work},
    )


def _due_by_files(context: ScheduleEvaluationContext) -> Iterator[RunRequest | SkipReason]:
    """One run for each use case where files have changed, or a time has come, since its last tick."""
    if lost := running.end_lost(context.instance, STARTED):
        context.log.warning(f"{len(lost)} runs were lost with an earlier start: {', '.join(lost)}")
    slot = context.scheduled_execution_time
    found, unread = applied(_home() / "usecases", WORK["tick"])
    ready = [one for one in found if not one.retired and ticking.can_tick(one.folder)]
    due_now = [one for one in ready if ticking.is_due(one.folder, slot.astimezone(UTC))]
    # One that runs leaves what it does not see to the minute after it; a queue that grew each minute would never end.
    states = (*running.BEFORE, DagsterRunStatus.STARTED)
    under_way = running.places(context.instance, "tick", states) if due_now else frozenset()
    asked = [one for one in due_now if one.name not in under_way]
    if not asked:
        waits = [f"{len(due_now)} ticks of before still wait or run"] if due_now else []
        yield SkipReason(
            "; ".join([*unread, *waits, f"nothing has changed in {len(ready) - len(due_now)} environments"])
        )
    elif unread:
        context.log.warning("; ".join(unread))
    for one in asked:
        yield _run(one, "tick", slot, {})


_WHO = "Its latest tick names every use case with its cron, in UTC."
_every_minute = partial(
    schedule, cron_schedule="* * * * *", execution_timezone="UTC", default_status=DefaultScheduleStatus.RUNNING
)


@_every_minute(job=retraining, description=f"Asks each minute who is due to train again. {_WHO}")
def retraining_every_minute(context: ScheduleEvaluationContext) -> Iterator[RunRequest | SkipReason]:
    """Asks each minute who is due to train again."""
    yield from _due_by_schedule("retraining", context)


@_every_minute(job=scoring, description=f"Asks each minute whose table is due to be scored. {_WHO}")
def scoring_every_minute(context: ScheduleEvaluationContext) -> Iterator[RunRequest | SkipReason]:
    """Asks each minute whose table is due to be scored."""
    yield from _due_by_schedule("scoring", context)


@_every_minute(
    job=tick, description="Asks each minute whose files have changed since its last tick, or where its time has come."
)
def tick_every_minute(context: ScheduleEvaluationContext) -> Iterator[RunRequest | SkipReason]:
    """Asks each minute where something may be due."""
    yield from _due_by_files(context)


@_every_minute(job=anchor, description="Writes the head of each audit log that moved to the tracking server.")
def anchor_every_minute(context: ScheduleEvaluationContext) -> SkipReason:
    """Anchors the heads of audit logs here: no run is started for it."""
    return SkipReason(_told(anchoring.anchor(_home()), context.log))


@_every_minute(job=tidying, description=f"Asks each minute which environment is due to be tidied. {_WHO}")
def tidying_every_minute(context: ScheduleEvaluationContext) -> Iterator[RunRequest | SkipReason]:
    """Asks each minute which environment is due to be tidied."""
    yield from _due_by_schedule("tidying", context)


defs = Definitions(
    jobs=[retraining, scoring, tidying, tick, anchor],
    schedules=[
        retraining_every_minute,
        scoring_every_minute,
        tidying_every_minute,
        tick_every_minute,
        anchor_every_minute,
    ],
    resources={"pipes": PipesSubprocessClient()},
)
