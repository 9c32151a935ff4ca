"""The release state machine: what is known of a candidate in, the next thing to do out. No I/O, so it can be proven.

gate -> (staging: tested there) -> (prod: held against its newest labels) -> approval where required -> copied ->
challenger -> (live test) -> champion -> active.
A candidate that fails the test in staging makes room again for what was served before. Where the target trains on its
own data (`train_in: prod`) only what was trained there may become champion; its bytes came to staging to be tested.
While a challenger is tried on live requests nothing else is released: its test goes on until there is a verdict.
Everything known is read anew before each action, so a release that was killed anywhere goes on where it stopped.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from aifactory_runtime.contract.manifest import Approval

GATE_REFUSED = "the gate did not let it pass: see the report of its run, and train again"
UNTESTED = "it has not passed the integration test in staging: run release --to staging first"


class Action(Enum):
    """What a release does next."""

    REFUSE = "refuse"
    ASK_FOR_APPROVAL = "ask for approval"
    JUDGE = "hold it against the champion on the newest labels there"
    COPY = "copy the model to the target"
    PREPARE = "make the snapshot of code and environment"
    MAKE_CHALLENGER = "make it challenger"
    BEGIN_TEST = "begin its live test"
    SERVE_CHALLENGER = "let it have its share of requests"
    AWAIT_VERDICT = "wait for the verdict of its live test"
    MAKE_CHAMPION = "make it champion"
    MARK = "mark it as champion"
    ACTIVATE = "serve it"
    TEST = "integration test"
    PUT_BACK = "put back what was there before"
    DONE = "done"


class LiveTest(Enum):
    """Where the candidate stands with its live test in the target."""

    NONE = "none"
    RUNNING = "running"
    WON = "won"
    LOST = "lost"


@dataclass(frozen=True)
class Rules:
    """What the target environment asks of a release."""

    after_staging: bool
    """Only what passed staging's integration test may come here."""
    tests: bool
    """The integration test runs here."""
    approval: Approval
    trains_here: bool = False
    """Models are trained in the target: none is copied to it."""
    tries: bool = False
    """A candidate is tried on live requests beside the champion first."""
    judges: bool = False
    """A candidate is held against the champion on labelled predictions of the target first."""


@dataclass(frozen=True)
class Facts:
    """What is known of one candidate, found by its digest. Digests are None where there is nothing."""

    sha256: str
    gate_passed: bool
    misfit: str | None
    """Why code, lock or schema do not belong to the model; None when they do."""
    withdrawn: bool
    """It was champion of the target and rolled back, and the person who releases did not name it."""
    staged_sha256: str | None
    """Digest that passed staging's integration test."""
    approved_sha256: str | None
    """Digest that an approver of the target approved, with the report of that test."""
    target_sha256: str | None
    """Digest of the copy in the target's registry."""
    prepared: bool
    challenger_sha256: str | None
    champion_sha256: str | None
    marked: bool
    """Its stage says that it is champion, or has passed the test since."""
    active_sha256: str | None
    """Digest that serving.json names while `current` leads to the code that belongs to it."""
    tested_sha256: str | None
    """Digest that passed the integration test in the target."""
    failure: str | None = None
    """Why it did not pass the test in the target, in a sentence; None when it did, was not tested, or is retried."""
    live_test: LiveTest = LiveTest.NONE
    lost_because: str = ""
    """Why the test ended without it becoming champion; for LOST."""
    tried_now: bool = False
    """It is served as challenger, as its test asks for."""
    judged: bool = False
    """It was held against the champion on the newest labels of the target, or that was tried."""
    lost_on_labels: str | None = None
    """Why it may not follow the champion by these; None when it may, or nothing could be judged."""
    other_test: str | None = None
    """The live test of another candidate that runs in the target, in words."""
    put_back: bool = True
    """No model that failed the test is served in the target: what was there before it is again, or nothing."""


@dataclass(frozen=True)
class Step:
    """An action, and for REFUSE the reason in a sentence."""

    action: Action
    reason: str = ""


def next_step(rules: Rules, facts: Facts) -> Step:
    """What to do next with the candidate."""
    if not facts.put_back:
        return Step(Action.PUT_BACK)
    refused = _refusal(rules, facts)
    if refused:
        return Step(Action.REFUSE, refused)
    sha256 = facts.sha256
    not_champion = facts.champion_sha256 != sha256
    # A test that runs goes on as it was stated, also when the environment asks for none by now.
    tried = not_champion and (rules.tries or facts.live_test is LiveTest.RUNNING) and facts.champion_sha256 is not None
    new = facts.champion_sha256 is not None and not_champion and facts.live_test is LiveTest.NONE
    to_judge = rules.judges and new and not facts.judged
    missing = (
        (to_judge and facts.prepared, Action.JUDGE),  # where its code is there already, before a person is asked
        (rules.approval == "required" and facts.approved_sha256 != sha256, Action.ASK_FOR_APPROVAL),
        (facts.target_sha256 != sha256, Action.COPY),
        (not facts.prepared, Action.PREPARE),
        (to_judge, Action.JUDGE),
        (not_champion and facts.challenger_sha256 != sha256, Action.MAKE_CHALLENGER),
        (tried and facts.live_test is LiveTest.NONE, Action.BEGIN_TEST),
        (tried and facts.live_test is LiveTest.RUNNING and not facts.tried_now, Action.SERVE_CHALLENGER),
        (tried and facts.live_test is LiveTest.RUNNING, Action.AWAIT_VERDICT),
        (not_champion, Action.MAKE_CHAMPION),
        (not facts.marked, Action.MARK),
        (facts.active_sha256 != sha256, Action.ACTIVATE),
        (rules.tests and facts.tested_sha256 != sha256, Action.TEST),
    )
    return Step(next((action for is_missing, action in missing if is_missing), Action.DONE))


def _refusal(rules: Rules, facts: Facts) -> str | None:
    """Why the candidate may not go on at all; None when it may."""
    untested = rules.after_staging and facts.staged_sha256 != facts.sha256
    foreign = rules.trains_here and facts.target_sha256 != facts.sha256
    reasons = (
        (not facts.gate_passed, GATE_REFUSED),
        (facts.misfit, facts.misfit),
        (facts.failure, facts.failure),
        (facts.other_test, f"{facts.other_test}: wait for its verdict, or end it: livetest stop"),
        (facts.live_test is LiveTest.LOST, f"{facts.lost_because}; to try it again, name it with --version"),
        (facts.withdrawn, "it was rolled back; to release it all the same, name it with --version"),
        (untested, UNTESTED),
        (facts.lost_on_labels, facts.lost_on_labels),
        (foreign, "it was trained elsewhere, but with train_in: prod only what prod trained is released there"),
    )
    return next((reason for holds, reason in reasons if holds), None)
