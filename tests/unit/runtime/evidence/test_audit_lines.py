"""Lines of an audit log about one release, with the log that proves them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aifactory_runtime.audit import log
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.contract import names as agreed
from aifactory_runtime.evidence import audit_lines
from aifactory_runtime.registry.mlflow import connect
from aifactory_runtime.registry.port import Version
from tests.fixtures import mlflow_database
from tests.unit.runtime.release.parts import contract

pytestmark = pytest.mark.heavy
VERSION = Version(3, "a" * 64, "run", {})
OTHER = "b" * 64


def written(folder: Path) -> Path:
    log.append(folder, "register", "ana", {"version": 3, "aifactory.model_sha256": VERSION.model_sha256})
    log.append(folder, "approved", "kim", {"model_sha256": OTHER})
    log.append(folder, "gate certified", "vera", {"gate_sha256": "c" * 64})
    log.append(folder, "champion moved", "release", {"model_sha256": VERSION.model_sha256})
    log.append(folder, "people changed", "ana", {})
    return folder


def of(folder: Path) -> EnvironmentContract:
    """An environment with the log in `folder`, of which nothing is anchored."""
    return contract(agreed.EMBEDDED, audit_uri=str(folder))


def test_given_a_log_when_bundled_then_the_lines_of_the_release_stand_alone_and_the_whole_log_proves_them(
    tmp_path: Path,
) -> None:
    found = audit_lines.found("prod", of(written(tmp_path)), VERSION)
    selected, whole = found.parts

    said = json.loads(selected.content)
    assert found.unanchored == "with nothing provisioned, nobody else keeps the head"
    assert found.problem is None and (selected.name, whole.name) == (
        "audit/prod/release.json",
        "audit/prod/audit.jsonl",
    )
    assert [line["action"] for line in said["lines"]] == ["register", "gate certified", "champion moved"]
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / log.FILE).write_bytes(whole.content)
    assert log.verify(copy) == log.verify(tmp_path) and said["head"] == log.verify(copy).head
    assert all(line in log.read(copy) for line in said["lines"])


def test_given_a_log_that_was_rewritten_when_bundled_then_it_goes_along_and_the_first_wrong_line_is_named(
    tmp_path: Path,
) -> None:
    path = written(tmp_path) / log.FILE
    path.write_bytes(path.read_bytes().replace(b'"kim"', b'"bob"'))

    found = audit_lines.found("prod", of(tmp_path), VERSION)
    _, whole = found.parts

    assert str(found.problem).startswith("audit log of prod: line 2 does not match its own digest: it was rewritten")
    assert whole.content == path.read_bytes()


def test_given_no_log_when_bundled_then_there_are_no_lines(tmp_path: Path) -> None:
    found = audit_lines.found("dev", of(tmp_path), VERSION)
    selected, whole = found.parts
    assert (json.loads(selected.content)["lines"], whole.content, found.problem) == ([], b"", None)


def test_given_lines_cut_off_behind_an_anchored_head_when_bundled_then_it_is_a_problem_and_the_heads_go_along(
    tmp_path: Path,
) -> None:
    folder = written(tmp_path / "audit")
    mlflow_database.put(tmp_path / "mlflow.db")
    address = f"sqlite:///{tmp_path / 'mlflow.db'}"
    here = contract("prod", tracking_uri=address, registry_uri=address, audit_uri=str(folder))
    registry, lines = connect(here, None), log.read(folder)
    heads = {f"line-{line['sequence']:010}": line["sha256"] for line in lines[2:]}
    registry.log(registry.begin_run(agreed.ANCHOR, "heads", {}), {"log": "churn.prod", **heads})
    file = folder / log.FILE
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:3]))

    found = audit_lines.found("prod", here, VERSION)

    assert str(found.problem).startswith("audit log of prod: line 4 was cut off: line 4 is anchored")
    assert found.unanchored is None and found.parts[2].name == "audit/prod/anchored.json"
    said = json.loads(found.parts[2].content)
    assert (said["line"], [head["sequence"] for head in said["heads"]]) == (3, [3, 4, 5])
    away = here.model_copy(update={"tracking_uri": "http://127.0.0.1:9", "registry_uri": "http://127.0.0.1:9"})
    assert "does not answer" in str(audit_lines.found("prod", away, VERSION).unanchored)
