"""A release that is killed at any write and called again."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from aifactory_runtime.config.settings import Settings
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.gate.labelled_window import Rows, Verdict, Window
from aifactory_runtime.registry.port import CHAMPION
from aifactory_runtime.release import activation, approvals, candidate, newest_labels, run, tags
from aifactory_runtime.release.approval_rule import Standing
from aifactory_runtime.release.candidate import Candidate
from aifactory_runtime.release.side import Side
from aifactory_runtime.release.staging_test import integration_test
from tests.unit.runtime.release.parts import PROJECT, Killed, Mortal, contract


def release_of_3(registry: Mortal, served: list[str], target: str, monkeypatch: pytest.MonkeyPatch) -> run.Release:
    """Version 3 on its way to the place of version 2; what is served stands last in `served`."""
    monkeypatch.setattr(activation, "is_active", lambda _, version: served[-1] == version.model_sha256)
    monkeypatch.setattr(activation, "activate", lambda _, version: served.append(version.model_sha256))
    monkeypatch.setattr(activation, "wait_until_served", lambda *_: None)
    monkeypatch.setattr(candidate, "misfit", lambda _: None)
    monkeypatch.setattr(candidate, "gate_refusal", lambda *_: None)
    monkeypatch.setattr(approvals, "standing", lambda *_: Standing(("kim.meyer",), enough=True))
    asked = {"train_in": "prod", "approval": "required" if target == "prod" else "none", "approvers": ("kim.meyer",)}

    def known() -> SimpleNamespace:
        return SimpleNamespace(
            champion=SimpleNamespace(sha256=served[-1], commit="d" * 40), challenger=None, trial=None
        )

    side = SimpleNamespace(
        name=target,
        registry=registry,
        serving=SimpleNamespace(known=known, challenger=Path("nowhere")),
        contract=contract(target, **asked),
    )
    side.embedded, side.audit, side.project = True, lambda *_: None, PROJECT
    version = replace(registry.version(3), tags={tags.COMMIT: "d" * 40, tags.INTEGRATION: "1" * 64})
    return run.Release(
        Candidate(cast("Side", SimpleNamespace(name="source", contract=side.contract)), version),
        cast("Side", side),
        False,
        print,
    )


@pytest.mark.parametrize(
    ("target", "passed", "dies_at"),
    [
        (target, passed, dies_at)
        for target, passed, writes in (("prod", True, 9), ("staging", True, 9), ("staging", False, 10))
        for dies_at in (*range(1, writes + 1), None)
    ],
)
def test_given_a_release_killed_at_any_write_when_called_again_then_the_registry_is_as_if_it_had_not_been(
    monkeypatch: pytest.MonkeyPatch, target: str, passed: bool, dies_at: int | None
) -> None:
    report = {"passed": passed, "checks": [{"name": "a check", "found": "nothing", "passed": passed}]}
    monkeypatch.setattr(integration_test, "integration_test", lambda *_: (report, "2" * 64))
    registry = Mortal(3, dies_at or -1)
    registry.aliases, served = {CHAMPION: 2}, [registry.version(2).model_sha256]
    for number, stage in ((2, CHAMPION if target == "prod" else tags.TESTED), (3, "candidate")):
        registry._versions[number] = replace(registry.version(number), tags={tags.COMMIT: "d" * 40, tags.STAGE: stage})

    if dies_at is not None:
        with pytest.raises(Killed):
            release_of_3(registry, served, target, monkeypatch).run()
    with nullcontext() if passed else pytest.raises(FactoryError, match="integration test"):
        release_of_3(registry, served, target, monkeypatch).run()

    stages = [registry.version(number).tags[tags.STAGE] for number in (1, 2, 3)]
    assert (
        stages
        == {
            ("prod", True): [tags.RETIRED, tags.RETIRED, CHAMPION],
            ("staging", True): [tags.RETIRED, tags.RETIRED, tags.TESTED],
            ("staging", False): [tags.RETIRED, tags.TESTED, tags.FAILED],
        }[target, passed]
    )
    found, champion = registry.version(3).tags, registry.by_alias(CHAMPION)
    assert champion is not None and champion.number == (3 if passed else 2)
    assert served[-1] == champion.model_sha256
    assert found[tags.PREVIOUS] == "2"
    assert found.get(tags.APPROVED_BY) == ("kim.meyer" if target == "prod" else None)
    assert found.get(tags.INTEGRATION) == ("1" * 64 if target == "prod" else "2" * 64 if passed else None)


@pytest.mark.parametrize(
    ("verdict", "named", "refused"),
    [
        ("better", False, None),
        ("not judged", False, None),
        ("level", False, "more labelled rows may tell.*; to release it all the same, name it with --version"),
        ("level", True, None),
        ("worse", True, "is worse than the champion's 0.8"),
    ],
)
def test_given_what_the_newest_labels_of_prod_say_when_released_then_it_counts_and_is_audited(
    monkeypatch: pytest.MonkeyPatch, verdict: Verdict, named: bool, refused: str | None
) -> None:
    window = Window(verdict, "too few", Rows("captured labels of prod", 500, "a", "b"), "roc_auc", 0.7, 0.8, 0.01)
    window = Window(verdict, "too few") if verdict == "not judged" else window
    monkeypatch.setattr(newest_labels, "judge", lambda *_: window)
    monkeypatch.setattr(newest_labels, "settings_of", lambda *_: Settings())
    registry, audited = Mortal(3, -1), list[tuple[str, dict[str, object]]]()
    registry.aliases, served = {CHAMPION: 2}, [registry.version(2).model_sha256]
    made = release_of_3(registry, served, "prod", monkeypatch)
    made._rules, made._named = replace(made._rules, judges=True), named
    monkeypatch.setattr(made._target, "audit", lambda action, facts: audited.append((action, dict(facts))))

    with nullcontext() if refused is None else pytest.raises(FactoryError, match=refused):
        made.run()

    assert (registry.aliases[CHAMPION] == 3) is (refused is None)
    assert (audited[0][0], audited[0][1]["verdict"]) == ("judged on newest labels", verdict)
    if refused is None:
        assert registry.version(3).tags["aifactory.newest_labels"] == window.sentence


@pytest.mark.parametrize(
    ("verdict", "tries", "kept"), [("level", True, False), ("level", False, True), ("worse", True, True)]
)
def test_given_a_live_test_that_follows_when_labels_see_no_difference_then_it_is_left_to_that(
    monkeypatch: pytest.MonkeyPatch, verdict: Verdict, tries: bool, kept: bool
) -> None:
    monkeypatch.setattr(newest_labels, "settings_of", lambda *_: Settings())
    registry = Mortal(3, -1)
    made = release_of_3(registry, [registry.version(2).model_sha256], "prod", monkeypatch)
    made._rules = replace(made._rules, tries=tries)
    made._window = Window(verdict, "", Rows("captured labels of prod", 500, "a", "b"), "roc_auc", 0.7, 0.8, 0.2)

    assert bool(made._lost_on_labels()) is kept
