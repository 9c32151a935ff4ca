"""A prediction is found by its id wherever its line is, also while it moves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aifactory_runtime.capture import find, log_file
from aifactory_runtime.capture.compaction import compact
from aifactory_runtime.capture.log_file import OLDER
from aifactory_runtime.segments import Segments
from tests.unit.runtime.capture.lines import START, line, prediction_id
from tests.unit.runtime.capture.test_compaction import log_of


def sought(number: int) -> str:
    return str(json.loads(line(number, number) + b"}")["id"])


@pytest.mark.parametrize("where", ["active", "closed", "table"])
def test_given_a_prediction_when_sought_then_its_line_is_the_same_wherever_it_is(tmp_path: Path, where: str) -> None:
    capture, data = tmp_path / "capture", tmp_path / "data"
    log_of(capture, range(90), most_bytes=10_000_000)
    if where == "closed":
        log_file.segments(capture).close_newest()
    if where == "table":
        compact(capture, data)

    for number in (0, 59, 60, 89):
        found = find.find(capture, data, sought(number))
        assert found == json.loads(line(number, number) + b"}") | {"sequence": number + 1}


def test_given_an_id_made_a_moment_before_midnight_when_sought_then_the_next_day_is_looked_at_too(
    tmp_path: Path,
) -> None:
    capture, data = tmp_path / "capture", tmp_path / "data"
    late = line(1, seconds=60).replace(prediction_id(1, START).encode()[:13], sought(59).encode()[:13])
    capture.mkdir()
    (capture / "predictions-000000000000001.jsonl").write_bytes(late + b',"sequence":1}\n')
    identity = json.loads(late + b"}")["id"]
    compact(capture, data)
    found = find.find(capture, data, identity)
    assert found is not None and found["time"].startswith("2026-11-27")


@pytest.mark.parametrize("wrong", ["", "x", "../x", prediction_id(5000), prediction_id(1).upper(), "0" * 36])
def test_given_an_id_that_nothing_has_when_sought_then_none(tmp_path: Path, wrong: str) -> None:
    capture, data = tmp_path / "capture", tmp_path / "data"
    log_of(capture, range(3))
    compact(capture, data)
    assert find.find(capture, data, wrong) is None
    assert find.find(tmp_path / "none", tmp_path / "none", sought(1)) is None


def test_given_a_file_that_moves_while_it_is_sought_in_then_it_is_found_at_its_new_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture, data = tmp_path / "capture", tmp_path / "data"
    log_of(capture, range(3), most_bytes=10_000_000)
    real = Segments.all

    def listed(self: Segments) -> list[Path]:
        found = real(self)
        monkeypatch.undo()
        compact(capture, data)  # after the list is made
        return found

    monkeypatch.setattr(Segments, "all", listed)
    assert find.find(capture, data, sought(1)) is not None


def test_given_a_half_line_of_a_killed_service_when_sought_then_it_was_never_answered(tmp_path: Path) -> None:
    (tmp_path / OLDER).write_bytes(line(1) + b"}")
    assert find.find(tmp_path, tmp_path, prediction_id(1)) is None


def test_given_an_id_beyond_every_date_when_sought_then_it_is_none_that_was_recorded(tmp_path: Path) -> None:
    for identity in ("ffffffff-ffff-7fff-bfff-ffffffffffff", "e677cf8c-ae00-7fff-bfff-ffffffffffff"):
        assert find.find(tmp_path / "capture", tmp_path / "data", identity) is None
        assert find.removed(tmp_path / "data", identity) is None
