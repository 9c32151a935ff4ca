"""The release state machine, over the whole space of facts: no way around staging, approval or the digest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.release.machine import Action, Facts, LiveTest, Rules, Step, next_step

SHA, OTHER = "a" * 64, "b" * 64
digests = st.sampled_from([None, SHA, OTHER])
rules_of_any_target = st.builds(
    Rules,
    after_staging=st.booleans(),
    tests=st.booleans(),
    approval=st.sampled_from(["none", "required"]),
    trains_here=st.booleans(),
    tries=st.booleans(),
    judges=st.booleans(),
)
any_facts = st.builds(
    Facts,
    sha256=st.just(SHA),
    gate_passed=st.booleans(),
    misfit=st.sampled_from([None, "it belongs to other code"]),
    withdrawn=st.booleans(),
    staged_sha256=digests,
    approved_sha256=digests,
    target_sha256=digests,
    prepared=st.booleans(),
    challenger_sha256=digests,
    champion_sha256=digests,
    marked=st.booleans(),
    active_sha256=digests,
    tested_sha256=digests,
    failure=st.sampled_from([None, "it failed the integration test there before"]),
    live_test=st.sampled_from(LiveTest),
    lost_because=st.just("its live test ended (its loss is higher)"),
    tried_now=st.booleans(),
    other_test=st.sampled_from([None, None, "version 2 is in a live test there since today"]),
    judged=st.booleans(),
    lost_on_labels=st.sampled_from([None, None, "it is worse than the champion on the newest labels"]),
    put_back=st.booleans(),
)
FRESH = Facts(
    sha256=SHA,
    gate_passed=True,
    misfit=None,
    withdrawn=False,
    staged_sha256=SHA,
    approved_sha256=SHA,
    target_sha256=None,
    prepared=False,
    challenger_sha256=None,
    champion_sha256=OTHER,
    marked=False,
    active_sha256=OTHER,
    tested_sha256=None,
)
PROD = Rules(after_staging=True, tests=False, approval="required")
CHANGES: dict[Action, dict[str, Any]] = {
    Action.COPY: {"target_sha256": SHA},
    Action.PREPARE: {"prepared": True},
    Action.JUDGE: {"judged": True},
    Action.MAKE_CHALLENGER: {"challenger_sha256": SHA},
    Action.BEGIN_TEST: {"live_test": LiveTest.RUNNING},
    Action.SERVE_CHALLENGER: {"tried_now": True},
    Action.MAKE_CHAMPION: {"champion_sha256": SHA, "marked": True},
    Action.MARK: {"marked": True},
    Action.ACTIVATE: {"active_sha256": SHA},
    Action.TEST: {"tested_sha256": SHA},
    Action.PUT_BACK: {"put_back": True, "active_sha256": OTHER, "champion_sha256": OTHER},
}
FAILS: dict[str, Any] = {"failure": "it fails the integration test", "put_back": False}
"""What a test changes when the candidate does not pass it."""
ENDS = {Action.REFUSE, Action.ASK_FOR_APPROVAL, Action.AWAIT_VERDICT, Action.DONE}


def _walk(rules: Rules, facts: Facts) -> tuple[list[Action], Step]:
    """Carry out what the machine says until it ends; the actions on the way and the last step."""
    taken: list[Action] = []
    while (step := next_step(rules, facts)).action not in ENDS:
        assert len(taken) < len(Action), "the machine goes in circles"
        taken.append(step.action)
        facts = replace(facts, **CHANGES[step.action])
    return taken, step


@given(rules=rules_of_any_target, facts=any_facts)
def test_given_any_facts_when_walked_then_it_ends_and_each_action_happens_once_at_most(
    rules: Rules, facts: Facts
) -> None:
    taken, _ = _walk(rules, facts)

    assert len(taken) == len(set(taken))


@given(rules=rules_of_any_target, facts=any_facts)
def test_given_any_facts_when_something_changes_in_the_target_then_every_condition_holds(
    rules: Rules, facts: Facts
) -> None:
    taken, _ = _walk(rules, facts)

    if set(taken) - {Action.PUT_BACK}:
        assert facts.gate_passed and facts.misfit is None and not facts.withdrawn and facts.failure is None
        assert not rules.trains_here or facts.target_sha256 == facts.sha256
        assert not rules.after_staging or facts.staged_sha256 == facts.sha256
        assert rules.approval == "none" or facts.approved_sha256 == facts.sha256


@given(rules=rules_of_any_target, facts=any_facts)
def test_given_any_facts_when_it_becomes_champion_then_its_own_bytes_and_code_were_there_and_it_was_challenger(
    rules: Rules, facts: Facts
) -> None:
    step = next_step(rules, facts)

    if step.action is Action.MAKE_CHAMPION:
        assert facts.target_sha256 == facts.sha256
        assert facts.prepared
        assert facts.challenger_sha256 == facts.sha256
        assert not rules.tries or facts.champion_sha256 is None or facts.live_test is LiveTest.WON
        assert facts.live_test is not LiveTest.RUNNING or facts.champion_sha256 is None
        assert facts.other_test is None, "the champion of a live test is not replaced meanwhile"


@given(rules=rules_of_any_target, facts=any_facts)
def test_given_a_target_that_trains_itself_when_walked_then_nothing_is_copied_to_it(rules: Rules, facts: Facts) -> None:
    taken, _ = _walk(replace(rules, trains_here=True), facts)

    assert Action.COPY not in taken


@given(rules=rules_of_any_target, facts=any_facts, killed_after=st.integers(0, 3))
def test_given_a_failed_test_when_walked_on_or_anew_then_it_is_put_back_and_refused_and_never_done(
    rules: Rules, facts: Facts, killed_after: int
) -> None:
    taken, _ = _walk(replace(rules, tests=True), facts)
    if Action.TEST not in taken:
        return
    for action in taken[: taken.index(Action.TEST)]:
        facts = replace(facts, **CHANGES[action])

    after, end = _walk(rules, replace(facts, **FAILS))

    assert after == [Action.PUT_BACK]
    assert end.action is Action.REFUSE and "fails the integration test" in end.reason
    for action in after[:killed_after]:
        facts = replace(facts, **CHANGES[action])
    assert _walk(rules, replace(facts, failure=FAILS["failure"]))[1] == end


@given(rules=rules_of_any_target, facts=any_facts)
def test_given_a_failed_model_in_the_target_when_another_comes_then_it_is_put_back_first(
    rules: Rules, facts: Facts
) -> None:
    taken, _ = _walk(rules, replace(facts, put_back=False))

    assert taken[0] is Action.PUT_BACK


@given(rules=rules_of_any_target, facts=any_facts, killed_after=st.integers(0, len(Action)))
def test_given_a_release_killed_anywhere_when_run_again_then_it_ends_as_one_that_was_not_killed(
    rules: Rules, facts: Facts, killed_after: int
) -> None:
    whole, end = _walk(rules, facts)
    before = whole[:killed_after]
    for action in before:
        facts = replace(facts, **CHANGES[action])

    rest, end_again = _walk(rules, facts)

    assert [*before, *rest] == whole
    assert end_again == end


def test_given_a_new_candidate_in_prod_when_walked_then_the_steps_come_in_their_order() -> None:
    taken, end = _walk(PROD, FRESH)

    assert [action.name for action in taken] == ["COPY", "PREPARE", "MAKE_CHALLENGER", "MAKE_CHAMPION", "ACTIVATE"]
    assert end.action is Action.DONE


def test_given_a_new_candidate_in_staging_when_walked_then_it_is_tested_last() -> None:
    taken, _ = _walk(Rules(after_staging=False, tests=True, approval="none"), FRESH)

    assert taken[-1] is Action.TEST


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"gate_passed": False}, "gate"),
        ({"misfit": "it belongs to other code"}, "other code"),
        ({"withdrawn": True}, "--version"),
        ({"staged_sha256": OTHER}, "release --to staging"),
        ({"staged_sha256": None}, "release --to staging"),
        ({"failure": "it failed the integration test there before"}, "failed the integration test"),
        ({"other_test": "version 2 is in a live test there since today"}, "or end it: livetest stop"),
        ({"live_test": LiveTest.LOST, "lost_because": "its live test ended (worse)"}, "name it with --version"),
    ],
)
def test_given_a_condition_that_fails_when_asked_then_it_is_refused_with_what_to_do(
    change: dict[str, Any], says: str
) -> None:
    step = next_step(PROD, replace(FRESH, **change))

    assert step.action is Action.REFUSE and says in step.reason


def test_given_an_approval_of_another_model_when_asked_then_a_person_is_asked_again() -> None:
    assert next_step(PROD, replace(FRESH, approved_sha256=OTHER)).action is Action.ASK_FOR_APPROVAL


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"gate_passed": False}, "the gate did not let it pass: see the report of its run, and train again"),
        ({"withdrawn": True}, "it was rolled back; to release it all the same, name it with --version"),
        (
            {"staged_sha256": None},
            "it has not passed the integration test in staging: run release --to staging first",
        ),
    ],
)
def test_given_a_refusal_when_told_then_the_sentence_says_what_to_do(change: dict[str, Any], sentence: str) -> None:
    assert next_step(PROD, replace(FRESH, **change)) == Step(Action.REFUSE, sentence)


@pytest.mark.parametrize(
    ("rules", "unasked"),
    [
        (replace(PROD, approval="none"), {"approved_sha256": None}),
        (replace(PROD, after_staging=False), {"staged_sha256": None}),
    ],
)
def test_given_a_target_that_does_not_ask_when_released_then_what_is_missing_does_not_count(
    rules: Rules, unasked: dict[str, Any]
) -> None:
    assert next_step(rules, replace(FRESH, **unasked)) == Step(Action.COPY)


def test_given_a_champion_when_released_again_then_it_is_not_made_challenger() -> None:
    champion = replace(FRESH, target_sha256=SHA, prepared=True, champion_sha256=SHA, challenger_sha256=None)

    assert _walk(PROD, champion)[0] == [Action.MARK, Action.ACTIVATE]
    assert _walk(PROD, replace(champion, marked=True))[0] == [Action.ACTIVATE]


def test_given_training_in_prod_when_a_model_from_elsewhere_comes_then_refused_and_its_own_goes_on() -> None:
    rules = replace(PROD, trains_here=True)

    foreign = next_step(rules, FRESH)
    taken, end = _walk(rules, replace(FRESH, target_sha256=SHA))

    assert foreign.action is Action.REFUSE and "only what prod trained" in foreign.reason
    assert [action.name for action in taken] == ["PREPARE", "MAKE_CHALLENGER", "MAKE_CHAMPION", "ACTIVATE"]
    assert end.action is Action.DONE


def test_given_an_environment_that_tries_when_a_candidate_comes_then_it_waits_as_challenger_until_it_has_won() -> None:
    rules = replace(PROD, tries=True)

    taken, end = _walk(rules, FRESH)
    assert [action.name for action in taken] == ["COPY", "PREPARE", "MAKE_CHALLENGER", "BEGIN_TEST", "SERVE_CHALLENGER"]
    assert end.action is Action.AWAIT_VERDICT

    there = replace(FRESH, target_sha256=SHA, prepared=True, challenger_sha256=SHA, tried_now=True)
    won, end = _walk(rules, replace(there, live_test=LiveTest.WON))
    assert ([action.name for action in won], end.action) == (["MAKE_CHAMPION", "ACTIVATE"], Action.DONE)


def test_given_a_test_that_runs_when_the_environment_asks_for_none_any_more_then_it_goes_on_as_it_was_stated() -> None:
    there = replace(FRESH, target_sha256=SHA, prepared=True, challenger_sha256=SHA, tried_now=True)

    assert next_step(PROD, replace(there, live_test=LiveTest.RUNNING)).action is Action.AWAIT_VERDICT
    assert next_step(PROD, there).action is Action.MAKE_CHAMPION


def test_given_no_champion_yet_when_an_environment_tries_then_the_first_model_becomes_champion_at_once() -> None:
    taken, end = _walk(replace(PROD, tries=True), replace(FRESH, champion_sha256=None, active_sha256=None))

    assert [action.name for action in taken] == ["COPY", "PREPARE", "MAKE_CHALLENGER", "MAKE_CHAMPION", "ACTIVATE"]
    assert end.action is Action.DONE


@pytest.mark.parametrize("prepared", [True, False])
def test_given_labels_in_prod_when_walked_then_they_are_asked_before_a_person_where_the_code_is_there(
    prepared: bool,
) -> None:
    rules = replace(PROD, judges=True)
    asked = replace(FRESH, approved_sha256=None, prepared=prepared)
    taken, step = _walk(rules, asked)
    assert (taken, step.action) == ([Action.JUDGE] if prepared else [], Action.ASK_FOR_APPROVAL)

    taken, step = _walk(rules, replace(asked, approved_sha256=SHA))
    assert taken.index(Action.JUDGE) < taken.index(Action.MAKE_CHALLENGER) and step.action is Action.DONE
    lost = replace(FRESH, judged=True, lost_on_labels="it is worse")
    assert next_step(rules, lost) == Step(Action.REFUSE, "it is worse")


@given(rules=rules_of_any_target, facts=any_facts)
def test_given_no_champion_or_a_live_test_when_walked_then_labels_are_not_asked(rules: Rules, facts: Facts) -> None:
    taken, _ = _walk(rules, facts)
    if Action.JUDGE in taken:
        assert rules.judges and facts.champion_sha256 == OTHER and facts.live_test is LiveTest.NONE
