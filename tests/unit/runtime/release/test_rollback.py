"""Rollbacks in a row, and one that is killed at any write."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.registry.port import CHAMPION
from aifactory_runtime.release import activation, rollback, tags
from aifactory_runtime.release.side import Side
from tests.unit.runtime.release.parts import Killed, Mortal, Served, contract


@pytest.mark.parametrize(
    ("champions", "asked", "ends_at"),
    [
        (3, [None, None], [2, 1]),
        (3, [None, None, 3, None], [2, 1, 3, 1]),
        (4, [None, 1, 4, None], [3, 1, 4, 1]),
        (2, [None, None], [1, None]),
        (3, [1, None], [1, None]),
        (3, [None, 3, None], [2, 3, 2]),
    ],
)
def test_given_rollbacks_when_the_next_names_no_version_then_none_that_was_rolled_back_comes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, champions: int, asked: list[int | None], ends_at: list[int | None]
) -> None:
    monkeypatch.setattr(activation, "is_active", lambda *_: True)
    monkeypatch.setattr(activation, "wait_until_served", lambda *_: None)
    nothing = SimpleNamespace(known=lambda: None)
    prod = contract("prod", release_uri=str(tmp_path))
    side = SimpleNamespace(name="prod", registry=Served(champions), serving=nothing, contract=prod, embedded=True)
    side.audit = side.refuse_retired = lambda *_: None

    for number, expected in zip(asked, ends_at, strict=True):
        if expected is None:
            with pytest.raises(FactoryError, match="name one with --to"):
                rollback.rollback(cast("Side", side), number)
        else:
            assert rollback.rollback(cast("Side", side), number).version == expected


@pytest.mark.parametrize("dies_at", [1, 2, 3])
def test_given_a_rollback_killed_at_any_write_when_called_again_then_the_registry_is_as_if_it_had_not_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies_at: int
) -> None:
    registry = Mortal(3, dies_at)
    served = [registry.version(3).model_sha256]
    monkeypatch.setattr(activation, "is_active", lambda _, version: served[-1] == version.model_sha256)
    monkeypatch.setattr(activation, "activate", lambda _, version: served.append(version.model_sha256))
    monkeypatch.setattr(activation, "wait_until_served", lambda *_: None)
    document = SimpleNamespace(champion=SimpleNamespace(sha256=served[0], version="3", commit="d" * 40))
    serving = SimpleNamespace(known=lambda: document)
    prod = contract("prod", release_uri=str(tmp_path))
    side = SimpleNamespace(name="prod", registry=registry, serving=serving, contract=prod, embedded=True)
    side.audit = side.refuse_retired = lambda *_: None

    with pytest.raises(Killed):
        rollback.rollback(cast("Side", side), None)
    done = rollback.rollback(cast("Side", side), None)

    stages = [registry.version(number).tags.get(tags.STAGE) for number in (1, 2, 3)]
    champion = registry.by_alias(CHAMPION)
    assert (done.version, champion and champion.number, served[-1]) == (2, 2, registry.version(2).model_sha256)
    assert stages == [tags.RETIRED, CHAMPION, tags.WITHDRAWN]
