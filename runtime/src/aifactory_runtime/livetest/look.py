"""One look at the live test of an environment: what its labels prove by now, and what follows from that."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.contract.kpi import Says
from aifactory_runtime.contract.manifest import Labels as LabelSettings
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.livetest import kpi, proxies, units, verdict
from aifactory_runtime.livetest.rows import Row, requests
from aifactory_runtime.livetest.verdict import Finding, Guard, Labels, Rules, Unjudged, Verdict
from aifactory_runtime.registry.port import Version
from aifactory_runtime.release import exclusive, live_test, trial_rules
from aifactory_runtime.release.candidate import Candidate
from aifactory_runtime.release.live_test import Record
from aifactory_runtime.release.run import Release
from aifactory_runtime.release.side import Side, open_side, source_of

Say = Callable[[str], None]
_ENDS: dict[Verdict, Literal["promote", "withdraw", "keep"]] = {
    Verdict.PROMOTE: "promote",
    Verdict.WITHDRAW: "withdraw",
    Verdict.KEEP: "keep",
}


class Reads(Protocol):
    """What reads the recorded rows of a test with their labels."""

    def __call__(
        self,
        contract: EnvironmentContract,
        settings: LabelSettings,
        record: Record,
        now: datetime,
        says: Says | None = None,
    ) -> Sequence[Row]:
        """The rows that belong to the test, as they are known `now`; `says` works out their KPI."""


@dataclass(frozen=True)
class Standing:
    """How a live test stands, or how it ended."""

    environment: str
    test: str | None
    version: int | None = None
    verdict: str = ""
    why: str = ""
    periods: int = 0
    units: int = 0
    log_fortune: float = 0.0
    """Promotion is at 3.0, the logarithm of 20."""
    better_by: tuple[float, float] = (-1.0, 1.0)
    """How much lower the challenger's loss is, on average, but for a chance of 5 %."""
    guards: tuple[Guard, ...] = ()
    """What may withdraw it beside that: how much worse it is, and how much is allowed."""
    unjudged: tuple[Unjudged, ...] = ()
    """What should, and could not be judged: why not."""
    changed: str = ""
    """What the repo says otherwise by now than the rules that the test goes on with."""


def look(root: Path, environment: str, reads: Reads, say: Say, now: datetime | None = None) -> Standing:
    """Look at the test that runs in `environment`, and act: promote, withdraw, keep the champion, hold, or go on.

    Nothing is looked at before another whole period has closed. Killed anywhere, the next look goes on.
    """
    side = open_side(root, environment)
    side.refuse_retired()
    with exclusive.held(side.contract):
        found = live_test.settle(side)
        if found is None:
            return _without(side, root, say)
        version, record = found
        if not live_test.is_served(side, version, record):
            live_test.serve(side, version, record)
        moment = now or datetime.now(UTC)
        since = (moment - datetime.fromisoformat(record.began)).total_seconds()
        rules = rules_of(record)
        changed = trial_rules.changes(record, live_test.kept_kpi(version, record), side.project)
        if changed:
            say(f"live test {record.id}: {changed}")
        closed, passed = _periods(record, rules, since)
        if closed <= record.looked and passed <= record.passed and since < rules.longest + rules.wait:
            return _standing(side, version, record, _as_before(side, record, rules, since), changed)
        finding = _found(side, (version, record), reads, rules, moment)
        ended = _written(side, (version, record), finding, (closed, passed))
        if ended is not None and ended.verdict == "promote":
            _promote(side, root, version, ended, say)
        return _standing(side, version, record, finding, changed)


def _periods(record: Record, rules: Rules, since: float) -> tuple[int, int]:
    """How many periods are over with the time for their labels, and, where proxies are watched, how many are at all."""
    closed = units.closed_periods(min(since, rules.longest + rules.wait), rules.period, rules.wait)
    return closed, units.closed_periods(min(since, rules.longest), rules.period, 0.0) if record.proxies else 0


def _found(side: Side, test: tuple[Version, Record], reads: Reads, rules: Rules, moment: datetime) -> Finding:
    """What the rows of the test come to, with the KPI where there is one: by the rules that it began with."""
    version, record = test
    kept = record.rules or trial_rules.of(side.project)[0]
    since = (moment - datetime.fromisoformat(record.began)).total_seconds()
    says = trial_rules.says(kept, live_test.kept_kpi(version, record), side.project)
    found = reads(side.contract, kept.labels, record, moment, says)
    counted = requests(found, rules, classes=kept.problem == "classification")
    return verdict.of(rules, counted, since, _watched(kept, record, found, rules, since))


def _watched(
    kept: trial_rules.Kept, record: Record, found: Sequence[Row], rules: Rules, since: float
) -> list[Guard | Unjudged]:
    """What may end the test beside the loss."""
    by_answers = proxies.guards(record.stated_proxies, found, rules, since)
    return [kpi.guard(kept.stated_kpi, found, rules, since), *by_answers]


def _as_before(side: Side, record: Record, rules: Rules, since: float) -> Finding:
    """What the last look found, as nothing new can be known; before the first one, what there is to wait for."""
    if record.found is not None:
        before = msgspec.convert(record.found, Finding)
    else:
        kept = record.rules or trial_rules.of(side.project)[0]
        watched = _watched(kept, record, [], rules, since)
        before = verdict.of(rules, requests([], rules, classes=True), since, watched)
    return replace(before, verdict=Verdict.WAIT, why="no further period has closed yet")


def rules_of(record: Record) -> Rules:
    """The rules of the verdict, as the test was stated."""
    labels = Labels(record.labels)
    return Rules(record.share, record.period, record.wait, record.longest, labels)


def _without(side: Side, root: Path, say: Say) -> Standing:
    """No test runs: one that was won is released if that was interrupted."""
    last = live_test.last(side)
    if last is None:
        return Standing(side.name, None)
    version, record = last
    if live_test.is_won(side):
        _promote(side, root, version, record, say)
    return Standing(side.name, None, version.number, record.verdict or "", record.why)


def _written(side: Side, found: tuple[Version, Record], finding: Finding, periods: tuple[int, int]) -> Record | None:
    """Write what was found; the record of how the test ended, None when it goes on."""
    version, record = found
    facts = asdict(finding) | {"verdict": finding.verdict.value}
    after = live_test.looked(side, version, record, periods, facts)
    ends = _ENDS.get(finding.verdict)
    return live_test.end(side, version, after, ends, finding.why) if ends else None


def _promote(side: Side, root: Path, version: Version, record: Record, say: Say) -> None:
    """The winner goes on being released: by the same path, with the same conditions."""
    name = source_of(side)
    source = side if name == side.name else open_side(root, name)
    same = [one for one in source.registry.versions() if one.model_sha256 == version.model_sha256]
    if not same:
        raise FactoryError(
            f"version {version.number} of {side.name} has vanished from {name}: release it by its number"
        )
    Release(Candidate(source, same[-1], record.commit), side, False, say).run()


def _standing(side: Side, version: Version, record: Record, finding: Finding, changed: str) -> Standing:
    low, high = (round(bound, 4) for bound in finding.interval)
    fortune = finding.log_fortune if math.isfinite(finding.log_fortune) else 0.0
    return Standing(
        side.name,
        record.id,
        version.number,
        finding.verdict.value,
        finding.why,
        finding.periods,
        finding.units,
        round(fortune, 3),
        (low, high),
        finding.guards,
        finding.unjudged,
        changed,
    )
