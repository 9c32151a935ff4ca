"""Code from before `capture_columns` is let in on the way back, and what it will record is said and audited."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aifactory_runtime.config import layout
from aifactory_runtime.contract import schema
from aifactory_runtime.pipeline.snapshots import snapshot
from aifactory_runtime.release import activation, code_history
from aifactory_runtime.release.side import Side
from tests.unit.runtime.release.parts import Served, contract

COMMIT = "d" * 40
TODAY = schema.schemas()["environment.v1.json"]
BEFORE = json.dumps({"properties": {name: {} for name in json.loads(TODAY)["properties"] if "columns" not in name}})


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but what is said: no code is fetched, nothing is served."""
    for owner, name in ((activation, "prepare"), (activation, "served"), (snapshot, "activate")):
        monkeypatch.setattr(owner, name, lambda *_: None)
    monkeypatch.setattr(code_history, "current", lambda _: COMMIT)


@pytest.mark.parametrize(
    ("code", "rules", "said"),
    [
        (BEFORE, {"income": "drop", "age": "keep", "*": "hash"}, ["income: drop", "*: hash"]),
        (BEFORE, {"age": "keep"}, []),
        (BEFORE, {}, []),
        (TODAY, {"income": "drop"}, []),
        (None, {"income": "drop"}, []),
    ],
)
@pytest.mark.usefixtures("quiet")
def test_given_code_that_does_not_know_the_rules_when_it_is_to_answer_then_it_is_said_and_audited(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, code: str | None, rules: dict[str, Any], said: list[str]
) -> None:
    tree = tmp_path / COMMIT
    if code is not None:
        place = layout.runtime_folder(tree) / "contract"
        place.mkdir(parents=True)
        (place / "environment.v1.json").write_text(code)
    audited: list[tuple[str, Any]] = []
    document = SimpleNamespace(
        current=None, challenger=tmp_path / "challenger", next_sequence=lambda: 2, write=lambda _: None
    )
    side = SimpleNamespace(
        **{"embedded": False, "contract": contract("prod", capture_columns=rules), "serving": document},
        **{"snapshots": SimpleNamespace(of=lambda _: tree), "audit": lambda *line: audited.append(line)},
    )

    activation.activate(cast("Side", side), Served(1).version(1))

    facts = {"commit": COMMIT, "rules": said}
    assert audited == ([("inputs recorded as they came", facts)] if said else [])
    assert [", ".join(said) in record.message for record in caplog.records] == ([True] if said else [])
