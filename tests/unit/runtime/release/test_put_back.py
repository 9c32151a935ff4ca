"""What was there before a failed candidate comes back, and a failed one is never the champion."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.pipeline.snapshots.snapshot import Snapshots
from aifactory_runtime.registry.port import CHAMPION
from aifactory_runtime.release import put_back, rollback, tags
from aifactory_runtime.release.side import Side
from tests.fixtures.usecase_repo import git, make_repo
from tests.unit.runtime.release.parts import Served, contract


@pytest.mark.heavy
@pytest.mark.parametrize(
    "go_back", [lambda side: rollback.rollback(side, None), put_back.put_back], ids=["rollback", "put"]
)
def test_given_code_that_cannot_be_had_when_going_back_then_the_registry_still_names_what_is_served(
    tmp_path: Path, go_back: Callable[[Side], object]
) -> None:
    repo = make_repo(tmp_path / "repo", rows=3)  # its lock has no hashes: no environment can be made from it
    registry = Served(2)
    registry.set_tag(1, tags.LOCK, "e" * 64)
    registry.set_tag(1, tags.COMMIT, git(repo, "rev-parse", "HEAD"))
    if go_back is put_back.put_back:
        registry.set_tag(2, tags.STAGE, tags.FAILED)
    before = [registry.version(number) for number in (1, 2)]
    said: list[str] = []
    side = SimpleNamespace(name="prod", registry=registry, embedded=False, refuse_retired=lambda: None)
    side.contract, side.project = contract("prod", release_uri=str(tmp_path)), SimpleNamespace(root=repo)
    side.snapshots, side.serving = Snapshots(tmp_path / "snapshots", "churn"), SimpleNamespace(known=lambda: None)
    side.audit = lambda action, _: said.append(action)

    with pytest.raises(FactoryError, match="the environment of the release cannot be built"):
        go_back(cast("Side", side))

    champion = registry.by_alias(CHAMPION)
    assert (champion and champion.number, [registry.version(number) for number in (1, 2)]) == (2, before)
    assert said == []
