"""Reads what an environment holds: runs, registered versions, tables, days, events, released code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from pathlib import Path

from aifactory_runtime import files
from aifactory_runtime.capture import log_file
from aifactory_runtime.capture.moving import DAY
from aifactory_runtime.contract import EnvironmentContract, names
from aifactory_runtime.data import removals, tables, upkeep
from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.events import log, older, record
from aifactory_runtime.events.event import Event
from aifactory_runtime.monitoring import packing
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.pipeline.snapshots.claims import Claims
from aifactory_runtime.registry import champion as champions
from aifactory_runtime.registry.port import (
    CHALLENGER,
    COMMIT,
    DATA,
    DATA_OF,
    FAILED,
    RELEASED_WITH,
    STAGE,
    Registry,
    Version,
)
from aifactory_runtime.release import tags
from aifactory_runtime.retention import keeping, rules
from aifactory_runtime.retention.rules import Batch, Known, Model, Run, Segment
from aifactory_runtime.serving.trial import scores_log
from aifactory_runtime.storage.place import Place

BY_DAY = (tables.CAPTURED, rules.LABELS)
"""Tables whose files hold one day each."""


def known(contract: EnvironmentContract, registry: Registry, now: datetime) -> tuple[Known, list[str]]:
    """The environment as it is, and a line for each thing that could not be told and is therefore left alone."""
    data, artifacts = Path(contract.data_uri), Path(contract.artifact_uri)
    models = [_model(version, contract.environment) for version in registry.versions()]
    logged, notes = _events(Path(contract.events_uri), now)
    found = Known(
        runs=[_run(artifacts, name) for name in files.names(artifacts / "runs") if handoffs.is_id(name)],
        models=models,
        champions=_champions(registry),
        in_test=_in_test(registry),
        answered=_answered(contract) if any(model.failed for model in models) else frozenset(),
        kept=keeping.kept(Path(contract.audit_uri)),
        versions={name: _versions(data, name) for name in rules.VACUUMED},
        newest={name: found.version for name in rules.VACUUMED if (found := tables.latest(data, name))},
        days={name: _days(data, name) for name in BY_DAY} | {tables.MONITORS: packing.days(data)},
        batches=batches(data),
        segments=logged.segments,
        event_files=logged.single,
        open_problems=logged.open,
        watched_since=logged.watched_since,
        other_scores=[Segment(name, day) for name, day in scores_log.closed(Path(contract.capture_uri))],
        code=claims(contract).held(),
        in_use=in_use(contract),
    )
    return found, notes


def claims(contract: EnvironmentContract) -> Claims:
    """What the environment holds on to of the released code."""
    return Claims(Path(contract.snapshot_uri), contract.use_case, contract.environment)


def in_use(contract: EnvironmentContract) -> frozenset[str]:
    """Commits that a service runs, here or in an environment of the same home."""
    places = {contract.release_uri.replace(f"/{contract.environment}/", f"/{name}/") for name in names.ENVIRONMENTS}
    links = (link for place in {*places, contract.release_uri} for link in Path(place).glob("*") if link.is_symlink())
    return frozenset(link.readlink().name for link in links)


def _run(artifacts: Path, run: str) -> Run:
    try:
        handoff = handoffs.load(artifacts, run)
    except UsageProblem:
        return Run(run, None)
    return Run(run, {name: table.version for name, table in handoff.tables.items()}, handoff.mlflow_run)


def _model(version: Version, environment: str) -> Model:
    """A version; the run and the tables of one that was trained elsewhere are not here."""
    where, run = version.trained(environment)
    commits = [version.tags.get(COMMIT, ""), *version.tags.get(RELEASED_WITH, "").split()]
    named = {tag.removeprefix(DATA_OF): version.tags[tag].partition("@")[0] for tag in DATA if tag in version.tags}
    here = where == environment
    return Model(
        number=version.number,
        failed=champions.did_fail(version),
        run=run if here else "",
        tables={name: int(number) for name, number in named.items() if number.isdigit()} if here else {},
        commits=tuple(filter(None, commits)),
    )


def _champions(registry: Registry) -> list[int]:
    def chain() -> Iterator[int]:
        version = champions.champion(registry)
        while version is not None:
            yield version.number
            version = champions.before(registry, version, {FAILED, tags.WITHDRAWN})

    return list(islice(chain(), rules.CHAMPIONS))


def _in_test(registry: Registry) -> frozenset[int]:
    """The challenger: the alias cannot be deleted, so on the champion or on what is over it means none."""
    found = registry.by_alias(CHALLENGER)
    over = {tags.RETIRED, tags.WITHDRAWN, FAILED}
    return frozenset() if found is None or found.tags.get(STAGE) in over else frozenset({found.number})


def _answered(contract: EnvironmentContract) -> frozenset[int]:
    """Versions that recorded predictions are by; only asked when one failed, since that reads every prediction."""
    data, capture = Path(contract.data_uri), Path(contract.capture_uri)
    found: set[str] = set()
    for name in (tables.CAPTURED, tables.SCORED):
        if tables.latest(data, name) is not None:
            for frame in tables.batches(data, name, columns=["model_version"]):
                found |= set(map(str, frame["model_version"].unique()))
    for path in (*log_file.segments(capture).all(), capture / log_file.OLDER):
        with suppress(FileNotFoundError), path.open("rb") as lines:
            found |= {_version_of(line) for line in lines}
    return frozenset(int(number) for number in found if number.isdigit())


def _version_of(line: bytes) -> str:
    _, _, rest = line.partition(b'"model_version"')
    return rest.lstrip(b': "').partition(b'"')[0].decode("ascii", "replace")


def _versions(data: Place, name: str) -> list[int]:
    """Versions that were not removed yet."""
    gone = {number for one in removals.read(data) if one.kind == name for number in one.names}
    return [number for number in upkeep.contents(data, name) if str(number) not in gone]


def _days(data: Place, name: str) -> frozenset[date]:
    return frozenset(date.fromisoformat(file.most) for file in upkeep.files(data, name, DAY))


def batches(data: Place) -> list[Batch]:
    """Batches of `scored` by the files they were written to; the day is that of the youngest row."""
    ids = {file.path: file for file in upkeep.files(data, tables.SCORED, "prediction_id")}
    times = {file.path: file.most for file in upkeep.files(data, tables.SCORED, "scored_at")}
    found = [
        Batch(tables.batch_of(file.least), date.fromisoformat(times[path][:10]))
        for path, file in ids.items()
        if tables.batch_of(file.least) == tables.batch_of(file.most)
    ]
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class _Events:
    """Closed files of the log, files from before it, keys of open problems; see `Known` for `watched_since`."""

    segments: list[Segment] = field(default_factory=list)
    single: list[Segment] = field(default_factory=list)
    open: frozenset[str] = frozenset()
    watched_since: date | None = None


def _events(folder: Path, now: datetime) -> tuple[_Events, list[str]]:
    """Nothing of it may go where one is damaged, nor what a problem might need; and why."""
    found = record.read(folder)
    if found.damaged:
        return _Events(watched_since=date.min), [f"{found.damaged[0]}: no event is removed until that is mended"]
    segments = [_segment(path.name, log.of_segment(path)) for path in log.segments(folder)[:-1]]
    single = [Segment(str(one.file), one.time.date(), frozenset({one.key})) for one in older.read(folder).events]
    problems = found.problems.open(now)
    watched = [one.opened.date() for one in problems if "window" in one.facts]
    return _Events(segments, single, frozenset(one.key for one in problems), min(watched, default=None)), []


def _segment(name: str, events: list[Event]) -> Segment:
    return Segment(name, max(one.time.date() for one in events), frozenset(one.key for one in events))
