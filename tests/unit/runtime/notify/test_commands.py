"""`python -m <package> notify` in a repo whose manifest names a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from aifactory_runtime import cli
from aifactory_runtime.events import kinds, record
from tests.fixtures.usecase_repo import TEMPLATE


def notify(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    with pytest.raises(SystemExit) as ended:
        cli.main("demo_case", ["notify", *arguments])
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_given_an_open_problem_when_looked_at_then_told_then_called_again_then_it_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "base.yaml").write_bytes((TEMPLATE / "conf" / "base.yaml").read_bytes())
    manifest = yaml.safe_load((TEMPLATE / "factory.yaml").read_text())
    said = tmp_path / "told.jsonl"
    plain = yaml.safe_dump(manifest)
    manifest["environments"]["dev"]["notify"] = [{"name": "log", "kind": "file", "path": str(said)}]
    (tmp_path / "factory.yaml").write_text(plain)
    monkeypatch.chdir(tmp_path)
    record.found(tmp_path / ".factory" / "embedded" / "events", kinds.GATE_REFUSED, {})
    assert "embedded tells nobody" in notify(capsys)

    (tmp_path / "factory.yaml").write_text(yaml.safe_dump(manifest))
    assert "would be told: " in notify(capsys, "--dry-run")
    assert not said.exists()
    answer = json.loads(notify(capsys, "--json"))
    assert [one["channel"] for one in answer["delivered"]] == ["log"]
    assert notify(capsys) == "nothing is to be told in embedded\n"
    assert len(said.read_text().splitlines()) == 1
    assert said.stat().st_mode & 0o077 == 0
