"""Lines of an audit log about one release, with the log that proves them."""

from __future__ import annotations

import json
from pathlib import Path

from aifactory_runtime.audit import log
from aifactory_runtime.evidence import audit_lines
from aifactory_runtime.registry.port import Version

VERSION = Version(3, "a" * 64, "run", {})
OTHER = "b" * 64


def written(folder: Path) -> Path:
    log.append(folder, "register", "ana", {"version": 3, "aifactory.model_sha256": VERSION.model_sha256})
    log.append(folder, "approved", "kim", {"model_sha256": OTHER})
    log.append(folder, "gate certified", "vera", {"gate_sha256": "c" * 64})
    log.append(folder, "champion moved", "release", {"model_sha256": VERSION.model_sha256})
    log.append(folder, "people changed", "ana", {})
    return folder


def test_given_a_log_when_bundled_then_the_lines_of_the_release_stand_alone_and_the_whole_log_proves_them(
    tmp_path: Path,
) -> None:
    (selected, whole), problem = audit_lines.parts("prod", written(tmp_path), VERSION)

    said = json.loads(selected.content)
    assert problem is None and (selected.name, whole.name) == ("audit/prod/release.json", "audit/prod/audit.jsonl")
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

    (_, whole), problem = audit_lines.parts("prod", tmp_path, VERSION)

    assert problem == "audit log of prod: line 2 does not match its own digest: it was rewritten"
    assert whole.content == path.read_bytes()


def test_given_no_log_when_bundled_then_there_are_no_lines(tmp_path: Path) -> None:
    (selected, whole), problem = audit_lines.parts("dev", tmp_path, VERSION)

    assert (json.loads(selected.content)["lines"], whole.content, problem) == ([], b"", None)
