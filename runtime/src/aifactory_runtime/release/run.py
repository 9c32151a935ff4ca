"""Carries out a release: reads what is known, asks the state machine, does one thing, and reads again."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.gate.labelled_window import Window
from aifactory_runtime.registry import champion as champions
from aifactory_runtime.registry.authors import tag
from aifactory_runtime.registry.port import CHALLENGER, CHAMPION, PREFIX, Version
from aifactory_runtime.release import (
    activation,
    approval_question,
    approvals,
    authors,
    candidate,
    choice,
    code_history,
    exclusive,
    live_test,
    newest_labels,
    put_back,
    tags,
)
from aifactory_runtime.release.candidate import Candidate
from aifactory_runtime.release.machine import Action, Facts, LiveTest, Rules, next_step
from aifactory_runtime.release.side import Side, open_side, source_of
from aifactory_runtime.release.staging_test import integration_test

Say = Callable[[str], None]
_MOST_STEPS = 20


@dataclass(frozen=True)
class Outcome:
    """What a release came to."""

    environment: str
    version: int
    model_sha256: str
    commit: str
    changed: bool
    live_test: str | None = None
    """Id of the test that it is in: it is not champion yet."""


class Release:
    """One candidate on its way into one environment."""

    def __init__(self, chosen: Candidate, target: Side, named: bool, say: Say, *, waits: bool = True) -> None:
        self._candidate = chosen
        self._target = target
        self._named = named
        self._waits = waits
        self._say = say
        self._misfit = candidate.misfit(chosen)
        self._gate_passed = candidate.gate_refusal(chosen, say) is None
        candidate.say_left_out(chosen, say)
        self._failure: str | None = None
        self._window: Window | None = None
        """What the newest labels of the target say, once they were asked."""
        self._begun: set[str] = set()
        """Live tests that this release began: named or not, they are not begun a second time."""
        self._rules = Rules(
            after_staging=target.name == "prod",
            tests=target.name == "staging",
            approval=target.contract.approval,
            trains_here=target.name == target.contract.train_in == "prod",
            tries=target.contract.trial != "direct" and target.contract.serves,
            judges=target.name == "prod" and not target.embedded,
        )

    def run(self) -> Outcome:
        """Go on until nothing is left to do. FactoryError when it is refused, NeedsPerson when a person has to act."""
        changed = False
        live_test.settle(self._target)
        for _ in range(_MOST_STEPS):
            step = next_step(self._rules, self._facts())
            if step.action is Action.REFUSE:
                self._reconcile()
                raise FactoryError(f"{self._candidate.name} is not released to {self._target.name}: {step.reason}")
            if step.action is Action.ASK_FOR_APPROVAL:
                self._reconcile()
                raise approval_question.question(self._candidate, self._target, self._window)
            if step.action in {Action.DONE, Action.AWAIT_VERDICT}:
                return self._outcome(changed)
            self._say(f"{self._target.name}: {step.action.value}")
            self._act(step.action)
            changed = True
        raise FactoryError("the release does not come to an end: another one runs at the same time; run it again")

    def _facts(self) -> Facts:
        """Everything the state machine asks, as it is now."""
        sha256 = self._candidate.sha256
        copy = self._copy()
        champion = champions.champion(self._target.registry)
        challenger = self._target.registry.by_alias(CHALLENGER)
        return Facts(
            sha256=sha256,
            gate_passed=self._gate_passed,
            misfit=self._misfit,
            withdrawn=bool(copy and self._was_withdrawn(copy) and not self._named),
            staged_sha256=sha256 if self._candidate.tested_here else None,
            approved_sha256=sha256 if self._approver() else None,
            target_sha256=copy.model_sha256 if copy else None,
            prepared=self._target.embedded or self._target.snapshots.is_made(self._candidate.commit),
            challenger_sha256=challenger.model_sha256 if challenger else None,
            champion_sha256=champion.model_sha256 if champion else None,
            marked=bool(copy and copy.tags.get(tags.STAGE) in (CHAMPION, tags.TESTED)),
            active_sha256=sha256 if copy and self._is_active(copy) else None,
            tested_sha256=sha256 if copy and self._as_there(copy).tested_here else None,
            failure=self._failed_before(copy),
            put_back=put_back.is_back(self._target),
            judged=self._window is not None,
            lost_on_labels=self._lost_on_labels(),
            **self._facts_of_tests(copy),
        )

    def _facts_of_tests(self, copy: Version | None) -> dict[str, Any]:
        """What is known of live tests: the candidate's own, and another one that runs."""
        found = live_test.running(self._target)
        record = live_test.of(copy)
        if record is not None and (self._is_over(copy, record) or record.commit != self._candidate.commit):
            record = None
        if found is None or (record is not None and record.id == found[1].id):
            other = None
        else:
            other = f"version {found[0].number} is in a live test there since {found[1].began}"
        state = _state(record)
        return {
            "live_test": state,
            "lost_because": f"its live test ended ({record.why})" if record else "",
            "tried_now": bool(copy and record and live_test.is_served(self._target, copy, record)),
            "other_test": other,
        }

    def _is_over(self, copy: Version | None, record: live_test.Record) -> bool:
        """Whether its test is of before: it was champion since, or a person names it to be tried again."""
        if record.verdict is None:
            return False
        left = copy is not None and copy.tags.get(tags.STAGE) in {tags.RETIRED, tags.WITHDRAWN}
        return left or (record.verdict != "promote" and self._named and record.id not in self._begun)

    def _was_withdrawn(self, copy: Version) -> bool:
        taken_back = code_history.has(copy, tags.TAKEN_BACK, self._candidate.commit)
        return taken_back or copy.tags.get(tags.STAGE) == tags.WITHDRAWN

    def _is_active(self, copy: Version) -> bool:
        return code_history.current(copy) == self._candidate.commit and activation.is_active(self._target, copy)

    def _as_there(self, copy: Version) -> Candidate:
        """The target's own version with this code."""
        return Candidate(self._target, copy, self._candidate.commit)

    def _failed_before(self, copy: Version | None) -> str | None:
        """Why it failed the test in the target with this code; a version that is named is tested again."""
        if self._failure or self._named or copy is None:
            return self._failure
        from_before = champions.did_fail(copy) and tags.FAILED_WITH not in copy.tags
        if not (from_before or code_history.has(copy, tags.FAILED_WITH, self._candidate.commit)):
            return None
        number = self._candidate.version.number
        return f"it failed the integration test there before; to test it again: --version {number}"

    def _act(self, action: Action) -> None:
        if action is Action.COPY:
            self._bring()
        elif action is Action.PREPARE:
            version, commit = self._candidate.version, self._candidate.commit
            self._target.snapshots.prepare(commit, code_history.lock(self._target, version, commit))
        elif action is Action.JUDGE:
            self._judge()
        elif action is Action.MAKE_CHALLENGER:
            self._target.registry.set_alias(CHALLENGER, self._there().number)
        elif action is Action.BEGIN_TEST:
            self._begun.add(live_test.begin(self._target, self._there(), self._candidate.commit).id)
        elif action is Action.SERVE_CHALLENGER:
            version = self._there()
            if record := live_test.of(version):
                live_test.serve(self._target, version, record)
        elif action is Action.MAKE_CHAMPION:
            self._make_champion()
        elif action is Action.MARK:
            self._target.registry.set_tag(self._there().number, tags.STAGE, CHAMPION)
        elif action is Action.ACTIVATE:
            self._activate()
        elif action is Action.TEST:
            self._test()
        elif action is Action.PUT_BACK:
            self._put_back()

    def _judge(self) -> None:
        """Hold it against the champion on the newest labels, and write down what they say, whatever it is."""
        champion = champions.champion(self._target.registry)
        if champion is None:
            raise FactoryError(f"{self._target.name} has lost its champion meanwhile: run release again")
        self._window = newest_labels.judge(self._candidate, self._target, champion)
        self._say(self._window.sentence)
        facts: dict[str, Any] = {"model": self._target.contract.model_name, "model_sha256": self._candidate.sha256}
        facts |= {"champion": champion.number, "code_commit": self._candidate.commit, "found": self._window.sentence}
        self._target.audit("judged on newest labels", facts | {"verdict": self._window.verdict})

    def _lost_on_labels(self) -> str | None:
        """Why the newest labels keep it back; one that is alike goes on into a live test, or when a person names it."""
        found = self._window
        if found is None or (found.verdict == "level" and (self._named or self._rules.tries)):
            return None
        reason = found.objection(newest_labels.settings_of(self._candidate, self._target).gate.window)
        if reason is None or found.verdict == "worse":
            return reason
        return f"{reason}; to release it all the same, name it with --version"

    def _bring(self) -> None:
        """Copy the bytes to the target's own store, and say where they came from."""
        source, version = self._candidate.source, self._candidate.version
        own = tags.OF_ENVIRONMENT | ({tags.INTEGRATION, tags.TESTED_WITH} if self._rules.tests else set())
        carried = {key: value for key, value in version.tags.items() if key not in own}
        carried.setdefault(tags.TRAINING_RUN, f"{source.name}/{version.run_id}")
        carried[tags.FROM] = f"{source.name}/{version.number}"
        if self._target.contract.risk == "high":
            carried |= tag(authors.of(self._candidate))
        with tempfile.TemporaryDirectory(prefix="aifactory-") as temporary:
            folder = Path(temporary) / "model"
            source.registry.download(version, folder)
            reason = candidate.unlike(self._candidate, folder)
            if reason:
                raise FactoryError(f"{self._candidate.name} is not released to {self._target.name}: {reason}")
            copied = self._target.registry.register(folder, carried)
        if copied.model_sha256 != version.model_sha256:
            raise FactoryError(f"the copy in {self._target.name} is not what {source.name} has: run release again")

    def _make_champion(self) -> None:
        """Move the alias, last but for the mark: killed before, all is done again; killed after, the mark is missing.

        The line that says so is written first, as a line too many harms less than one too few.
        """
        registry, version = self._target.registry, self._there()
        before = champions.champion(registry)
        person = self._take_over_findings(version)
        if person:
            self._say(f"{self._target.name}: approved by {person}")
        code_history.begin(self._target, version, self._candidate.commit)
        if before is not None:
            registry.set_tag(version.number, tags.PREVIOUS, str(before.number))
            registry.set_tag(before.number, tags.STAGE, tags.RETIRED)
        facts = self._audit_facts() | {"before": before.number if before else None, "approved_by": person}
        self._target.audit("champion moved", facts)
        registry.set_alias(CHAMPION, version.number)
        registry.set_tag(version.number, tags.STAGE, CHAMPION)

    def _take_over_findings(self, version: Version) -> str | None:
        """Say on the target's version who approved this release, how it was tested and compared; who approved."""
        tested, person, registry = self._candidate.tested_here, self._approver(), self._target.registry
        if person:
            registry.set_tag(version.number, tags.APPROVED_BY, person)
        if self._window is not None:
            registry.set_tag(version.number, tags.LABELS, self._window.sentence)
        packages = self._candidate.version.tags.get(tags.SAME_ANSWERS)
        if packages and packages != version.tags.get(tags.SAME_ANSWERS):
            registry.set_tag(version.number, tags.SAME_ANSWERS, packages)
        if self._rules.after_staging and tested and tested != version.tags.get(tags.INTEGRATION):
            registry.set_tag(version.number, tags.INTEGRATION, tested)
            registry.set_tag(version.number, tags.TESTED_WITH, self._candidate.commit)
        return person

    def _activate(self) -> None:
        """Have it served with this code; for a champion that was served with other code before, this is the release."""
        version = self._there()
        if code_history.current(version) != self._candidate.commit:
            self._take_over_findings(version)
        self._target.audit("released", self._audit_facts())
        code_history.go_on(self._target, version, self._candidate.commit)
        activation.activate(self._target, self._there())

    def _test(self) -> None:
        """Ask the service in the target as a consumer would; the version carries the report's digest when it passed."""
        version = self._there()
        activation.wait_until_served(self._target, version)
        report, sha256 = integration_test.integration_test(self._candidate, self._target, version)
        self._target.audit("integration-tested", self._audit_facts() | {"passed": report["passed"], "report": sha256})
        if report["passed"]:
            self._target.registry.set_tag(version.number, tags.STAGE, tags.TESTED)
            self._target.registry.set_tag(version.number, tags.INTEGRATION, sha256)
            self._target.registry.set_tag(version.number, tags.TESTED_WITH, self._candidate.commit)
            return
        found = "; ".join(f"{check['name']}: {check['found']}" for check in report["checks"] if not check["passed"])
        self._failure = f"it fails the integration test ({found})"
        if code_history.before(version) is None:  # else the model passed with other code
            self._target.registry.set_tag(version.number, tags.STAGE, tags.FAILED)
        code_history.add(self._target, version, tags.FAILED_WITH, self._candidate.commit)

    def _put_back(self) -> None:
        """What was there before the failed model is served again."""
        back = put_back.put_back(self._target)
        facts = {"model": self._target.contract.model_name, "version": back.number if back else None}
        self._target.audit("put back", facts)
        served = f"{self._target.name} has version {back.number} again" if back else f"{self._target.name} has none now"
        self._say(served)
        if self._failure:
            self._failure += f"; {served}"

    def _reconcile(self) -> None:
        """What a killed release or rollback left: serving.json follows the champion alias, whatever comes next."""
        champion = champions.champion(self._target.registry)
        if champion is not None and not activation.is_active(self._target, champion):
            activation.activate(self._target, champion)

    def _copy(self) -> Version | None:
        """The version of the target that has the candidate's bytes."""
        if self._candidate.source.name == self._target.name:
            return self._target.registry.version(self._candidate.version.number)
        same = [one for one in self._target.registry.versions() if one.model_sha256 == self._candidate.sha256]
        return same[-1] if same else None

    def _there(self) -> Version:
        found = self._copy()
        if found is None:
            raise FactoryError(f"{self._candidate.name} has vanished from {self._target.name}: run release again")
        return found

    def _approver(self) -> str | None:
        """Who approved it, parted by commas, or whose certificate; None while it is not enough, or nobody is asked."""
        if self._rules.approval == "none":
            return None
        return approvals.standing(self._target.contract, self._target.registry, self._candidate).by or None

    def _outcome(self, changed: bool) -> Outcome:
        version = self._there()
        found = live_test.running(self._target)
        test = found[1].id if found else None
        if self._waits and test is None:
            activation.wait_until_served(self._target, version)
        return Outcome(self._target.name, version.number, version.model_sha256, self._candidate.commit, changed, test)

    def _audit_facts(self) -> dict[str, object]:
        """What every line of this release says."""
        version = self._there()
        return {
            "model": self._target.contract.model_name,
            "version": version.number,
            "code_commit": self._candidate.commit,
            **{
                key.removeprefix(PREFIX): value
                for key, value in version.tags.items()
                if key in tags.AUDITED or key.startswith((tags.BASELINE, tags.OPERATIONS))
            },
        }


def _state(record: live_test.Record | None) -> LiveTest:
    if record is None:
        return LiveTest.NONE
    if record.verdict is None:
        return LiveTest.RUNNING
    return LiveTest.WON if record.verdict == "promote" else LiveTest.LOST


def release(root: Path, target: str, number: int | None, say: Say) -> Outcome:
    """Release version `number` of the source environment to `target`, or else what `choice.choose` takes.

    FactoryError when that one may not go there, and at once while another release or rollback runs there.
    """
    side = open_side(root, target)
    name = source_of(side)
    source = side if name == target else open_side(root, name)
    side.refuse_retired()
    if note := side.contract.unasked:
        say(note)
    with exclusive.held(side.contract):
        chosen = choice.choose(source, target, number, say)
        outcome = Release(chosen, side, number is not None, say).run()
    if (name, target) == ("dev", "staging"):
        _follow(chosen, say)
    return outcome


def _follow(chosen: Candidate, say: Say) -> None:
    """What staging took is dev's champion too: later candidates have to beat it, and its code trains them on schedule.

    Nobody waits for dev's service, which may be stopped.
    """
    dev = chosen.source
    if dev.contract.retired is None:
        with exclusive.held(dev.contract):
            Release(chosen, dev, True, say, waits=False).run()
