"""The record of a live test and what is served for it: in line again after a kill, or after the service acted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from aifactory_runtime.contract.trial import Trial
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.events import kinds, record
from aifactory_runtime.events.problems import Problem
from aifactory_runtime.registry.port import CHALLENGER
from aifactory_runtime.release import live_test, tags
from aifactory_runtime.release.live_test import Record
from aifactory_runtime.release.side import Side
from aifactory_runtime.serving import document
from aifactory_runtime.serving.document import Document, Served, ServingFolder, Withdrawn
from tests.unit.runtime.release.parts import Killed, contract
from tests.unit.runtime.release.parts import Served as Versions

CHAMPION = Served("2", "2" * 64, "/models/2", "d" * 40, "c" * 64)


class Place:
    """Prod with the champion 2 and version 3 in a live test."""

    def __init__(self, folder: Path) -> None:
        self.serving, self.lines = ServingFolder(folder / "serving"), list[tuple[str, Any]]()
        registry = Versions(3)
        registry.set_alias("champion", 2)
        registry.set_alias(CHALLENGER, 3)
        self.record = Record.stated(Trial(kind="ab", share=0.2), "d" * 40, 2)
        registry.set_tag(3, tags.TRIAL, msgspec.json.encode(self.record).decode())
        side = SimpleNamespace(name="prod", registry=registry, serving=self.serving)
        self.events = folder / "events"
        side.contract = contract("prod", events_uri=str(self.events))
        owner = SimpleNamespace(model=SimpleNamespace(owner="ana"))
        side.project = SimpleNamespace(manifest=SimpleNamespace(monitors=owner))
        side.audit = lambda action, facts: self.lines.append((action, facts))
        self.side = cast("Side", side)
        challenger = msgspec.structs.replace(CHAMPION, version="3", sha256="3" * 64)
        trial = document.Trial(self.record.id, "ab", 0.2, 0.5, 0.05, 0.25)
        self.serving.write(Document(4, CHAMPION, challenger, trial=trial))
        self.serving.challenger.symlink_to(folder)

    def problems(self) -> list[Problem]:
        return record.read(self.events).problems.open(datetime.now(UTC))

    def is_clear(self) -> bool:
        found = self.serving.read()
        assert found is not None and found.champion == CHAMPION
        return found.challenger is None and found.trial is None and not self.serving.challenger.is_symlink()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_given_a_challenger_that_the_service_took_out_when_settled_then_it_is_written_once_and_nothing_is_served(
    place: Place,
) -> None:
    place.serving.withdraw_challenger(Withdrawn.now(place.record.id, "11 of its last 200 calls failed"))

    assert live_test.settle(place.side) is None
    assert live_test.settle(place.side) is None

    ((action, facts),) = place.lines
    assert (action, facts["verdict"]) == ("live test ends", "withdraw") and "11 of its last" in facts["why"]
    (problem,) = place.problems()
    assert (problem.kind, problem.count, problem.facts["owner"]) == (kinds.CHALLENGER_WITHDRAWN, 1, "ana")
    assert problem.facts["reason"] == facts["why"] and problem.facts["version"] == 3
    assert place.is_clear() and live_test.running(place.side) is None


def test_given_a_withdrawal_of_another_test_when_settled_then_the_one_that_runs_goes_on(place: Place) -> None:
    place.serving.withdraw_challenger(Withdrawn.now("of-before", "it failed"))

    found = live_test.settle(place.side)

    assert found is not None and found[1] == place.record
    assert not place.is_clear() and place.lines == []


@pytest.mark.parametrize("dies", ["audit", "_write", "clear"])
def test_given_an_end_that_is_killed_anywhere_when_called_again_then_the_test_has_ended_and_nothing_is_served(
    place: Place, monkeypatch: pytest.MonkeyPatch, dies: str
) -> None:
    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(place.side if dies == "audit" else live_test, dies, die)
        with pytest.raises(Killed):
            live_test.end_running(place.side, "rolled back")

    live_test.end_running(place.side, "rolled back")
    live_test.settle(place.side)

    ended = live_test.of(place.side.registry.version(3))
    assert ended is not None and (ended.verdict, ended.why) == ("withdraw", "rolled back")
    assert place.problems() == [], "a person did it"
    assert place.is_clear() and place.lines[-1][0] == "live test ends"


def test_given_a_winner_that_is_not_champion_yet_when_settled_then_it_keeps_its_share_until_the_release_goes_on(
    place: Place,
) -> None:
    version, stated = live_test.running(place.side) or pytest.fail("no test runs")
    live_test.end(place.side, version, stated, "promote", "its loss is lower")

    assert live_test.settle(place.side) is None
    assert live_test.is_won(place.side) and not place.is_clear()
    assert place.problems() == []


def began(place: Place, days: float) -> Record:
    """The record of the test, as if it had begun so many days ago."""
    moment = datetime.now(UTC) - timedelta(days=days)
    older = msgspec.structs.replace(place.record, began=moment.isoformat(), looked=3)
    place.side.registry.set_tag(3, tags.TRIAL, msgspec.json.encode(older).decode())
    return older


@pytest.mark.parametrize("dies", ["audit", "_write"])
def test_given_a_test_that_runs_when_extended_and_killed_anywhere_then_again_it_lasts_longer_and_is_else_the_same(
    place: Place, monkeypatch: pytest.MonkeyPatch, dies: str
) -> None:
    before = began(place, 27.9)
    version, _ = live_test.running(place.side) or pytest.fail("no test runs")

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(place.side if dies == "audit" else live_test, dies, die)
        with pytest.raises(Killed):
            live_test.extend(place.side, version, before, 3_600.0, "labels come late")
    assert (live_test.running(place.side) or pytest.fail("no test runs"))[1] == before
    live_test.extend(place.side, version, before, 3_600.0, "labels come late")

    _, after = live_test.running(place.side) or pytest.fail("no test runs")
    assert after == msgspec.structs.replace(before, longest=before.longest + 3_600.0, extended=3_600.0)
    action, facts = place.lines[-1]
    assert (action, facts["by"], facts["looked"]) == ("live test extended", 3_600.0, 3)
    assert (facts["why"], facts["longest"]) == ("labels come late", after.longest)


def test_given_a_test_whose_longest_time_is_over_when_extended_then_it_is_refused_as_its_end_may_be_known(
    place: Place,
) -> None:
    before = began(place, 28.1)
    version, _ = live_test.running(place.side) or pytest.fail("no test runs")

    with pytest.raises(FactoryError, match=r"the longest time of test .* is over"):
        live_test.extend(place.side, version, before, 3_600.0, "one more day")

    assert live_test.running(place.side) == (version, before) and place.lines == []
