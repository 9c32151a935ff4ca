"""A champion that is served with one commit of code after another, and a way back that is killed at any write."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aifactory_runtime.registry.port import CHAMPION, Version
from aifactory_runtime.release import activation, code_history, put_back, rollback, tags
from aifactory_runtime.release.side import Side
from tests.unit.runtime.release.parts import PROJECT, Killed, Mortal, contract

FIRST, SECOND, THIRD = "d" * 40, "e" * 40, "f" * 40


class Place:
    """An environment that serves version 1, with what it serves now in `served`."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, dies_at: int = -1) -> None:
        self.registry = Mortal(1, dies_at)
        self.served = FIRST
        monkeypatch.setattr(activation, "is_active", lambda _, version: self.served == code_history.current(version))
        monkeypatch.setattr(activation, "activate", lambda _, version: self._serve(version))
        for name in ("prepare_code", "prepare", "wait_until_served"):
            monkeypatch.setattr(activation, name, lambda *_: None)
        side: Any = SimpleNamespace(name="prod", registry=self.registry, project=PROJECT, embedded=False)
        side.contract, side.serving = contract("prod", release_uri=str(folder)), SimpleNamespace(known=self._document)
        side.audit = side.refuse_retired = lambda *_: None
        self.side = cast("Side", side)

    def _serve(self, version: Version) -> None:
        self.served = code_history.current(version)

    def _document(self) -> SimpleNamespace:
        sha256 = self.registry.version(1).model_sha256
        return SimpleNamespace(champion=SimpleNamespace(sha256=sha256, version="1", commit=self.served))

    def has(self, *commits: str, tag: str = tags.RELEASED_WITH) -> None:
        """Make it so without a chance to die."""
        version = self.registry._versions[1]
        self.registry._versions[1] = Version(1, version.model_sha256, "run", {**version.tags, tag: " ".join(commits)})
        if tag == tags.RELEASED_WITH:
            self.served = commits[-1]

    @property
    def champion(self) -> Version:
        found = self.registry.by_alias(CHAMPION)
        assert found is not None
        return found


def test_given_a_champion_when_served_with_other_code_then_the_list_grows_and_begins_anew_with_a_new_reign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path, monkeypatch)
    assert (code_history.current(place.champion), code_history.before(place.champion)) == (FIRST, None)

    code_history.go_on(place.side, place.champion, SECOND)
    assert (code_history.current(place.champion), code_history.before(place.champion)) == (SECOND, FIRST)

    code_history.begin(place.side, place.champion, THIRD)
    assert (code_history.current(place.champion), code_history.before(place.champion)) == (THIRD, None)


def test_given_code_that_was_taken_back_when_released_again_then_it_is_so_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path, monkeypatch)
    place.has(SECOND, THIRD, tag=tags.TAKEN_BACK)

    code_history.go_on(place.side, place.champion, SECOND)

    taken_back = [code_history.has(place.champion, tags.TAKEN_BACK, one) for one in (SECOND, THIRD)]
    assert taken_back == [False, True]


@pytest.mark.heavy
def test_given_many_releases_when_listed_then_the_newest_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path, monkeypatch)
    for number in range(120):
        code_history.go_on(place.side, place.champion, f"{number:040x}")

    assert code_history.current(place.champion) == f"{119:040x}"
    assert len(place.champion.tags[tags.RELEASED_WITH]) < 5000, "what a tag of MLflow holds"


@pytest.mark.parametrize("dies_at", [1, 2, None])
def test_given_a_rollback_of_code_killed_at_any_write_when_called_again_then_it_is_one_step_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies_at: int | None
) -> None:
    place = Place(tmp_path, monkeypatch, dies_at or -1)
    place.has(FIRST, SECOND, THIRD)

    if dies_at is not None:
        with pytest.raises(Killed):
            rollback.rollback(place.side, None)
    done = rollback.rollback(place.side, None)

    assert (done.version, done.commit, done.changed, place.served) == (1, SECOND, True, SECOND)
    assert place.champion.tags[tags.TAKEN_BACK] == THIRD


def test_given_a_rollback_of_code_killed_before_it_is_served_when_called_again_then_no_second_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path, monkeypatch)
    place.has(FIRST, SECOND, THIRD)
    code_history.step_back(place.side, place.champion, tags.TAKEN_BACK)

    assert rollback.rollback(place.side, None).commit == place.served == SECOND


@pytest.mark.parametrize("dies_at", [1, 2, None])
def test_given_code_that_failed_when_put_back_is_killed_at_any_write_then_it_is_not_back_until_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies_at: int | None
) -> None:
    place = Place(tmp_path, monkeypatch, dies_at or -1)
    place.has(FIRST, SECOND)
    place.has(SECOND, tag=tags.FAILED_WITH)

    if dies_at is not None:
        with pytest.raises(Killed):
            put_back.put_back(place.side)
    assert not put_back.is_back(place.side)
    put_back.put_back(place.side)

    assert put_back.is_back(place.side) and place.served == FIRST
    assert place.champion.tags[tags.STAGE] != tags.FAILED, "the model passed with other code"
