"""The tick: looks at what has happened in an environment, and does what is due. The schedule calls it, or a person.

It goes over everything until nothing is left to do. Killed anywhere, the next one goes on: what is wanted is written
down before the file that asked for it goes, a training before it begins, and what it came to before anything follows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aifactory_runtime import files
from aifactory_runtime.config import project as projects
from aifactory_runtime.config.project import Project
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.triggers import (
    causes,
    chores,
    deciding,
    idle,
    inbox,
    log,
    notifying,
    releasing,
    request,
    telling,
    training,
    watch,
)
from aifactory_runtime.triggers.causes import Causes
from aifactory_runtime.triggers.chores import CHORES, Chore, Done, Failure
from aifactory_runtime.triggers.deciding import Decided
from aifactory_runtime.triggers.here import Here
from aifactory_runtime.triggers.releasing import Step
from aifactory_runtime.triggers.request import Ask, Request
from aifactory_runtime.triggers.rule import Decision
from aifactory_runtime.triggers.watch import Watch

Say = Callable[[str], None]
RETRY = timedelta(minutes=10)
"""After so long a tick that was killed is repeated."""
_APPROVAL = timedelta(hours=1)
"""How often a release that waits for a person is tried, beside each time that somebody approves something there."""
_MOST_PASSES = 50


@dataclass
class Report:
    """What a tick did, and what waits; each a line for people."""

    busy: bool = False
    """Another tick is at it, and takes this up."""
    done: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    """Chores that failed, and channels that took no message."""


def tick(root: Path, say: Say, *, calendar: bool = False, all_chores: Sequence[Chore] = CHORES) -> Report:
    """Do what is due in the environment that the project at `root` runs against.

    `calendar` says that the schedule of factory.yaml names this minute. FactoryError when nothing can be recorded.
    """
    project = projects.load(root)
    contract = project.environment.contract
    if contract.retired is not None:
        say(f"retired: {contract.retired}")
        return Report()
    place = log.folder(contract)
    if calendar:
        now = datetime.now(UTC)
        log.ask(place, Ask("calendar", f"{now:%Y-%m-%dT%H:%M}", "the schedule", "its minute has come"), now)
    with ExitStack() as held:
        try:
            held.enter_context(files.lock(place / watch.LOCK, "process {holder} is at it"))
        except files.Busy:
            return Report(busy=True)
        return _Tick(project, say, all_chores).run()


class _Tick:
    """One tick, which is alone."""

    def __init__(self, project: Project, say: Say, all_chores: Sequence[Chore]) -> None:
        self._project = project
        self._say = say
        self._chores = all_chores
        self._report = Report()
        self._tried: set[str] = set()
        self._again: list[timedelta] = []

    def run(self) -> Report:
        here, now = Here(self._project), datetime.now(UTC)
        here.inbox.mkdir(parents=True, exist_ok=True, mode=0o700)
        stamps = self._look(here)
        watch.write(here.folder, Watch(now + RETRY, stamps))
        seen = idle.look(here)
        self._told(here, chores.do(self._chores, here, now), last=False)
        for _ in range(_MOST_PASSES):
            here, self._again = Here(self._project), []
            stamps = self._look(here)  # before the pass: what it leaves unseen differs from them
            if not self._pass(here, datetime.now(UTC)):
                break
        self._told(here, chores.finish(self._chores, here, datetime.now(UTC)), last=True)
        told = self._notify(here)
        now = datetime.now(UTC)
        waits = [*(now + wait for wait in self._again), *told]
        usual, later = (min([chores.next_due(self._chores, here, now, idle=idly), *waits]) for idly in (False, True))
        after = Watch(usual, stamps)
        if not self._report.failures:
            after = idle.of(here, after, seen, later, now)
        watch.write(here.folder, after)
        return self._report

    def _told(self, here: Here, done: Done, *, last: bool) -> None:
        """Which chores failed or work again, of those that come last or of the others.

        Of the last ones only what is new is told: what is written after the look at the files calls the next tick.
        """
        self._report.failures += [f"{one.name}: {one.reason}" for one in done.failed]
        telling.chores(here, done, again=not last)

    def _notify(self, here: Here) -> list[datetime]:
        """Tell people of problems, those of this tick among them; when there is more to tell, if ever."""
        came = notifying.notify(here)
        self._report.done += [f"told: {title}" for title in came.told]
        self._report.failures += [f"{notifying.NAME}: {trouble}" for trouble in came.troubles]
        failed = [Failure(notifying.NAME, came.troubles[0])] if came.troubles else []
        telling.chores(here, Done(failed, [notifying.NAME] if came.worked else []))
        return [came.again] if came.again is not None else []

    def _look(self, here: Here) -> Mapping[str, watch.Stamp]:
        """What the next tick waits for, as it is now."""
        logs = [path for place in (here.folder, here.events) for path in sorted(place.glob("events-*.jsonl"))[-1:]]
        table = [] if here.table is None or not here.trains else watch.parts(here.table)
        code = Path(here.contract.release_uri) / "current"
        return watch.look([here.inbox, *logs, *table, code, *releasing.watched(here, log.read(here.folder))])

    def _pass(self, here: Here, now: datetime) -> bool:
        """Write down what asks, do one thing of what is due; whether anything changed."""
        known, events = log.read(here.folder), causes.read_events(here)
        changed = self._write_down(here, causes.look(here, known, events, now), now)
        if changed:
            known, events = log.read(here.folder), causes.read_events(here)
        decided = deciding.decide(here, known, events, now)
        telling.problems(here, decided, events, now)
        self._report.waiting = [
            f"{one.request.key}: {one.verdict.decision.value}, {one.verdict.reason}"
            for one in decided
            if one.verdict.decision in (Decision.WAIT, Decision.ASK)
        ]
        self._again += [one.verdict.again for one in decided if one.verdict.decision is Decision.WAIT]
        acts = [one for one in decided if one.verdict.decision not in (Decision.WAIT, Decision.ASK)]
        return bool(acts and self._act(here, acts[0])) or self._release(here) or changed

    def _write_down(self, here: Here, found: Causes, now: datetime) -> bool:
        """Every new request, before what asked for it goes."""
        for ask in found.first:
            log.see(here.folder, ask.trigger, ask.key, now)
        for ask in found.asks:
            if ask.key in found.findings:
                telling.triage(here, ask, *found.findings[ask.key])
            if log.ask(here.folder, ask, now):
                self._report.done.append(f"{ask.key}: asked, {ask.why}")
        for message in found.messages:
            if message.ask is None:
                telling.set_aside(here, inbox.set_aside(message), message.refused)
            else:
                inbox.done(message)
        return bool(found.first or found.asks or found.messages)

    def _act(self, here: Here, one: Decided) -> bool:
        """Do what was decided over a request; whether that changed anything."""
        decision, reason = one.verdict.decision, one.verdict.reason
        if decision is Decision.TRAIN:
            self._train(here, one.request)
            return True
        if decision is Decision.HAND_ON:
            return self._hand_on(here, one.request)
        if one.request.began:  # its training never came to an end
            telling.trained(here, {"outcome": request.FAILED, "reason": reason})
        if decision is Decision.TASK:
            telling.experiment_task(here, reason)
        self._end(here, one.request, request.REFUSED, {"reason": reason})
        return True

    def _train(self, here: Here, one: Request) -> None:
        if not one.began:
            telling.began(here, one)
        log.say(here.folder, one, request.BEGAN, here.fingerprint.values())
        self._say(f"{one.key}: training begins")
        facts = training.train(here, one, self._say)
        telling.trained(here, facts)
        self._end(here, one, request.DONE, facts)

    def _hand_on(self, here: Here, one: Request) -> bool:
        """Ask where models are trained: requests cross environments, rows do not."""
        try:
            there = Here(projects.load(here.project.root, here.contract.train_in))
            inbox.put(there.inbox, *telling.message(here, one))
        except FactoryError as error:
            self._report.waiting.append(f"{one.key}: cannot be handed on: {error}")
            self._again.append(RETRY)
            return False
        self._end(here, one, request.DONE, {"outcome": request.HANDED_ON, "reason": f"to {here.contract.train_in}"})
        return True

    def _end(self, here: Here, one: Request, state: str, facts: Mapping[str, Any]) -> None:
        log.say(here.folder, one, state, facts)
        said = [str(facts.get("outcome", state)), *([str(facts["reason"])] if facts.get("reason") else [])]
        self._report.done.append(f"{one.key}: {', '.join(said)}")

    def _release(self, here: Here) -> bool:
        """One step of a candidate that was registered; whether there was one."""
        if not here.releases:
            return False
        found = releasing.steps(log.read(here.folder))
        for step in releasing.overtaken(found):
            facts = {"environment": step.environment, "reason": releasing.OVERTAKEN}
            log.say(here.folder, step.request, request.STOPPED, facts)
        return bool(found) and self._advance(here, found[-1])

    def _advance(self, here: Here, step: Step) -> bool:
        if step.environment in self._tried:  # it waits for a person; once a tick is often enough
            self._again.append(_APPROVAL)
            return False
        came = releasing.advance(here, step.environment, self._say)
        if came.state is None:
            self._again.append(timedelta(minutes=1))
            return False
        self._tried.add(step.environment)
        telling.released(here, step, came)
        if step.request.released.get(step.environment) != came.state:
            log.say(here.folder, step.request, came.state, {"environment": step.environment, **came.facts})
        self._report.done.append(f"{step.request.key}: {step.environment}: {came.state}")
        return True
