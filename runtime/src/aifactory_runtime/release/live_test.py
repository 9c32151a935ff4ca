"""The live test of an environment: its record on the challenger's version, and what is served because of it.

The record is a tag, written when the test begins and when it ends; serving.json and the link to the challenger's code
follow from it. So a test that was killed anywhere, or taken out by the service itself, is brought in line by the next
release, rollback or look at it.
"""

from __future__ import annotations

import secrets
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from aifactory_runtime.config import layout
from aifactory_runtime.contract.trial import Proxy, Trial
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.events import kinds
from aifactory_runtime.events import record as problems
from aifactory_runtime.pipeline.snapshots import snapshot
from aifactory_runtime.registry import champion as champions
from aifactory_runtime.registry import model_folder
from aifactory_runtime.registry.port import CHALLENGER, Version
from aifactory_runtime.release import activation, code_history, tags, trial_rules
from aifactory_runtime.release.side import Side
from aifactory_runtime.serving import document
from aifactory_runtime.serving.document import Document, ServingFolder

Verdict = Literal["promote", "withdraw", "keep"]
ENDS = "live test ends"
"""Action of the audit line that says how a test ended: `test`, `verdict`, `why`."""
_SECOND_WORKER = "serving/trial/second_worker.py"
_START_SECONDS = 90.0
_LOOK_SECONDS = 0.2


class Record(msgspec.Struct, frozen=True):
    """A test as it was stated when it began, and how it ended; times are ISO instants or seconds."""

    id: str
    kind: Literal["shadow", "ab"]
    share: float
    period: float
    labels: Literal["all", "affected"]
    wait: float
    longest: float
    timeout: float
    errors: float
    latency: float
    began: str
    commit: str
    """Of the challenger's code."""
    champion: int
    """Version that it is tried against."""
    looked: int = 0
    """Periods that were over when it was last looked at."""
    verdict: Verdict | None = None
    why: str = ""
    ended: str = ""
    extended: float = 0.0
    """Seconds of `longest` that people added while it ran."""
    found: dict[str, Any] | None = None
    """What the last look found, as the audit log has it."""
    passed: int = 0
    """Periods whose answers were looked at, where proxy metrics are watched: those wait for no label."""
    proxies: tuple[dict[str, Any], ...] = ()
    """Proxy metrics as `contract.trial.Proxy` says them."""
    rules: trial_rules.Kept | None = None
    """What the repo said besides when it began; none of a test from before that was kept."""

    @classmethod
    def stated(cls, trial: Trial, commit: str, champion: int) -> Record:
        """A test that begins now, as the environment asks for it."""
        now = datetime.now(UTC)
        values = trial.model_dump(exclude={"guards"}) | trial.guards.model_dump()
        values["proxies"] = tuple(one.model_dump(exclude_none=True) for one in trial.proxies)
        values["share"] = trial.share if trial.kind == "ab" else 0.0
        name = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        return cls(id=name, began=now.isoformat(timespec="milliseconds"), commit=commit, champion=champion, **values)

    @property
    def stated_proxies(self) -> tuple[Proxy, ...]:
        """The proxy metrics that are watched."""
        return tuple(Proxy.model_validate(one) for one in self.proxies)


def of(version: Version | None) -> Record | None:
    """The last test of a version; None when it never was in one."""
    found = version.tags.get(tags.TRIAL) if version else None
    return msgspec.json.decode(found, type=Record) if found else None


def kept_kpi(version: Version, record: Record) -> str | None:
    """The text of kpi.py that the test began with; None where it needs none, or none was kept then."""
    rules = record.rules
    if rules is None or rules.kpi is None or rules.kpi.sha256 is None:
        return None
    return version.tags.get(tags.TRIAL_KPI, "")


def running(side: Side) -> tuple[Version, Record] | None:
    """The challenger whose test has not ended, and its record."""
    found = last(side)
    return found if found is not None and found[1].verdict is None else None


def last(side: Side) -> tuple[Version, Record] | None:
    """The challenger's last test, ended or not; None when there never was one."""
    version = side.registry.by_alias(CHALLENGER)
    record = of(version)
    return (version, record) if version is not None and record is not None else None


def is_won(side: Side) -> bool:
    """Whether the challenger won and is about to become champion: a release ends what is served for its test."""
    found, champion = last(side), champions.champion(side.registry)
    if found is None or champion is None or found[0].tags.get(tags.STAGE) in {tags.RETIRED, tags.WITHDRAWN}:
        return False
    return found[0].number != champion.number and found[1].verdict == "promote"


def begin(side: Side, version: Version, commit: str) -> Record:
    """Write that the test of `version` with the code of `commit` begins; FactoryError where none can be run."""
    champion = champions.champion(side.registry)
    if champion is None:
        raise FactoryError(f"{side.name} has no champion to try a challenger against: run release again")
    if reason := _untriable(side, champion, version, commit):
        raise FactoryError(
            f"version {version.number} of {side.name} cannot be tried on live requests: {reason}. To release it "
            f"without, write trial: {{kind: direct}} under {side.name} in factory.yaml, then factory up {side.name}"
        )
    stated = Record.stated(side.contract.stated_trial(), commit, champion.number)
    rules, kpi = trial_rules.of(side.project)
    # A label counts only after `labels.wait`, so no period closes before.
    record = msgspec.structs.replace(stated, wait=max(stated.wait, rules.label_wait), rules=rules)
    if kpi is not None:
        side.registry.set_tag(version.number, tags.TRIAL_KPI, kpi)
    side.audit("live test begins", _facts(side, version) | msgspec.to_builtins(record))
    _write(side, version, record)
    problems.over(_events(side), [kinds.CHALLENGER_WITHDRAWN], {"test": record.id})
    return record


def is_served(side: Side, version: Version, record: Record) -> bool:
    """Whether serving.json and the link are as the test asks for."""
    found = side.serving.known()
    link = side.serving.challenger
    leads = link.is_symlink() and link.readlink() == side.snapshots.of(record.commit)
    if found is None or found.trial is None or not leads:
        return False
    return (found.trial.id, found.challenger) == (record.id, activation.served(side, version, record.commit))


def serve(side: Side, version: Version, record: Record) -> None:
    """Start the challenger's worker, wait until it has its model, then let it have its share of requests.

    FactoryError when it does not start: the test has ended then, and the champion goes on.
    """
    activation.prepare_code(side, version, record.commit)
    version_now = champions.champion(side.registry)
    champion = activation.served(side, version_now) if version_now else None
    challenger = activation.served(side, version, record.commit)
    side.serving.write(Document(side.serving.next_sequence(), champion, challenger))
    snapshot.activate(side.serving.challenger, side.snapshots.of(record.commit))
    if reason := _not_started(side, version):
        why = f"its worker does not serve it after {_START_SECONDS:g} s: {reason}"
        end(side, version, record, "withdraw", why)
        raise FactoryError(f"version {version.number} is withdrawn from its live test in {side.name}: {why}")
    trial = document.Trial(record.id, record.kind, record.share, record.timeout, record.errors, record.latency)
    shares = {"champion": 1 - record.share, "challenger": record.share}
    written = Document(side.serving.next_sequence(), champion, challenger, shares, trial=trial)
    side.serving.write(written)


def end(side: Side, version: Version, record: Record, verdict: Verdict, why: str, *, by_person: bool = False) -> Record:
    """Write how the test ended, and take the challenger out; to be promoted it goes on being released.

    The line that says so comes first, as a line too many harms less than one too few. A challenger that no person took
    out is a problem of whoever trained it.
    """
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    ended = msgspec.structs.replace(record, verdict=verdict, why=why, ended=now)
    side.audit(ENDS, _facts(side, version) | {"test": record.id, "verdict": verdict, "why": why})
    if verdict == "withdraw" and not by_person:
        owner = side.project.manifest.monitors.model.owner
        facts = {"owner": owner, "version": version.number, "test": record.id, "reason": why}
        problems.found(_events(side), kinds.CHALLENGER_WITHDRAWN, facts)
    _write(side, version, ended)
    if verdict != "promote":  # else it goes when it is champion: nobody is answered by the older model in between
        clear(side)
    return ended


def looked(side: Side, version: Version, record: Record, periods: tuple[int, int], found: dict[str, Any]) -> Record:
    """Write what a look found; the record that says so.

    `periods` are those that were looked at with their labels, and those whose answers were, for proxy metrics.
    """
    side.audit("live test looked at", _facts(side, version) | {"test": record.id, "periods": periods[0]} | found)
    after = msgspec.structs.replace(record, looked=periods[0], passed=periods[1], found=found)
    _write(side, version, after)
    return after


def end_running(side: Side, why: str) -> None:
    """Withdraw the challenger of the test that runs, if one does: the champion that it is tried against goes."""
    if found := running(side):
        end(side, *found, "withdraw", why, by_person=True)


def extend(side: Side, version: Version, record: Record, seconds: float, why: str) -> Record:
    """Let the test that runs go on for so much longer; nothing else of it changes.

    FactoryError once its longest time is over: what it came to may be known by then.
    """
    since = (datetime.now(UTC) - datetime.fromisoformat(record.began)).total_seconds()
    if since >= record.longest:
        raise FactoryError(
            f"the longest time of test {record.id} is over: what it came to can be known, so it is not extended; "
            f"to try version {version.number} anew, name it with release --version once the test has ended"
        )
    longer = msgspec.structs.replace(record, longest=record.longest + seconds, extended=record.extended + seconds)
    facts = {"test": record.id, "by": seconds, "longest": longer.longest, "looked": record.looked, "why": why}
    side.audit("live test extended", _facts(side, version) | facts)
    _write(side, version, longer)
    return longer


def settle(side: Side) -> tuple[Version, Record] | None:
    """Write down what the service did by itself, and clear away what a killed test left; the test that runs."""
    found = running(side)
    if found is None:
        if not is_won(side):
            clear(side)
        return None
    said = side.serving.withdrawn()
    if said is None or said.test != found[1].id:
        return found
    end(side, *found, "withdraw", f"the service took it out: {said.why}")
    return None


def clear(side: Side) -> None:
    """No challenger is served: first nobody asks it, then its worker ends."""
    found = side.serving.known()
    if found is not None and (found.challenger or found.trial):
        side.serving.write(Document(side.serving.next_sequence(), found.champion))
    side.serving.challenger.unlink(missing_ok=True)


def _write(side: Side, version: Version, record: Record) -> None:
    side.registry.set_tag(version.number, tags.TRIAL, msgspec.json.encode(record).decode())


def _events(side: Side) -> Path:
    return Path(side.contract.events_uri)


def _facts(side: Side, version: Version) -> dict[str, Any]:
    model = side.contract.model_name
    return {"model": model, "version": version.number, "model_sha256": version.model_sha256}


def _not_started(side: Side, version: Version) -> str | None:
    """Why the challenger's worker does not have the version; None as soon as it has."""
    folder = ServingFolder(side.serving.root, document.CHALLENGERS_REPORTS)
    until = time.monotonic() + _START_SECONDS
    reason = "no worker reports; is the service applied by this factory? factory up brings its launcher up to date"
    while time.monotonic() < until:
        for status in folder.statuses():
            if status.champion is not None and status.champion.sha256 == version.model_sha256:
                return None
            reason = status.reason or reason
        time.sleep(_LOOK_SECONDS)
    return reason


def _untriable(side: Side, champion: Version, version: Version, commit: str) -> str | None:
    """Why the two cannot stand beside each other; None when they can."""
    for who, code in (("champion", code_history.current(champion)), ("challenger", commit)):
        root = side.snapshots.of(code)
        runtime = layout.runtime_folder(root)  # none where the runtime is a package of the environment
        if runtime.is_dir() and not (runtime / _SECOND_WORKER).is_file():
            return f"the {who}'s code (commit {code[:12]}) has a runtime that knows no live tests"
    ours, theirs = _schema(side, champion), _schema(side, version)
    missing = sorted({column.name for column in theirs.columns} - {column.name for column in ours.columns})
    if missing:
        return f"it needs the column {missing[0]!r}, which requests to the champion do not bring"
    if list(theirs.classes) != list(ours.classes):
        return "its classes are not the champion's"
    return None


def _schema(side: Side, version: Version) -> model_folder.InputSchema:
    with tempfile.TemporaryDirectory(prefix="aifactory-") as temporary:
        side.registry.download(version, Path(temporary) / "model")
        return model_folder.read_schema(Path(temporary) / "model")
