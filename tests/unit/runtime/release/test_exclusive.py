"""One release or rollback at a time in an environment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.release import rollback, run
from aifactory_runtime.release.side import Side
from tests.unit.runtime.release.parts import contract


@pytest.mark.heavy
@pytest.mark.parametrize("command", ["release", "rollback"])
def test_given_a_release_that_runs_when_another_or_a_rollback_begins_then_it_leaves_until_that_one_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    prod = contract("prod", release_uri=str(tmp_path))
    registry = SimpleNamespace(by_alias=lambda _: None)
    side = SimpleNamespace(name="prod", contract=prod, registry=registry, embedded=False, refuse_retired=lambda: None)
    monkeypatch.setattr(run, "open_side", lambda *_: side)

    def begin() -> object:
        if command == "release":
            return run.release(tmp_path, "prod", None, lambda _: None)
        return rollback.rollback(cast("Side", side), None)

    hold = (
        "import sys\nfrom types import SimpleNamespace\nfrom aifactory_runtime.release import exclusive\n"
        "with exclusive.held(SimpleNamespace(environment='prod', release_uri=sys.argv[1])):\n"
        "    print('held', flush=True)\n    sys.stdin.read()"
    )
    command_line = [sys.executable, "-c", hold, str(tmp_path)]
    with subprocess.Popen(command_line, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline() == b"held\n"
        with pytest.raises(FactoryError) as refused:
            begin()
        other.kill()

    assert str(refused.value) == f"another release or rollback runs in prod (process {other.pid}): wait until it ends"
    with pytest.raises(
        FactoryError,
        match="there is no model in prod yet" if command == "release" else "nothing is released in prod yet",
    ):
        begin()
