"""Each line of the log gets into the table exactly once, wherever a compaction is killed."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from aifactory_runtime import files
from aifactory_runtime.capture import compaction, find, log_file
from aifactory_runtime.capture.compaction import compact
from aifactory_runtime.capture.log_file import OLDER, LogFile, NotRecorded
from aifactory_runtime.capture.moving import Moved
from aifactory_runtime.data import parts, table_writing
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.segments import Segments
from tests.unit.runtime.capture.lines import START, line, prediction_id, stored


class Killed(BaseException):
    """Stands for kill -9: nothing that catches errors sees it."""


def die() -> NoReturn:
    raise Killed


cut = os.ftruncate


def log_of(capture: Path, numbers: range, most_bytes: int = 1_000) -> None:
    """One line a second from one minute before midnight on, in small files."""
    writer = LogFile(capture, most_bytes)
    for number in numbers:
        writer.append([line(number, seconds=number)])
    writer.close()


@pytest.mark.heavy
def test_given_a_log_over_midnight_when_compacted_then_the_table_has_it_by_day_in_order_and_the_files_are_gone(
    tmp_path: Path,
) -> None:
    capture, data = tmp_path / "capture", tmp_path / "data"
    log_of(capture, range(100))

    done = compact(capture, data)

    assert done.rows == 100 and done.files > 10
    rows = stored(data)
    assert [row["sequence"] for row in rows] == list(range(1, 101))
    assert [row["prediction_id"] for row in rows] == [json.loads(line(n, n) + b"}")["id"] for n in range(100)]
    assert [row["day"] for row in rows] == ["2026-11-26"] * 60 + ["2026-11-27"] * 40
    assert json.loads(rows[7]["inputs"]) == {"age": 7, "name": "Å"} and json.loads(rows[7]["output"]) == {
        "prediction": 1
    }
    assert {(row["model_version"], row["role"], row["commit"]) for row in rows} == {("3", "champion", "b" * 40)}
    assert log_file.segments(capture).closed() == []
    log_of(capture, range(100, 103))
    assert compact(capture, data).rows == 3
    assert [row["sequence"] for row in stored(data)] == list(range(1, 104))
    assert compact(capture, data) == Moved(0, 0), "nothing new"


def test_given_nothing_when_compacted_then_nothing_is_made(tmp_path: Path) -> None:
    assert compact(tmp_path / "capture", tmp_path / "data") == Moved(0, 0)
    assert list(tmp_path.iterdir()) == []


STEPS: list[tuple[Any, str, bool]] = [
    (Segments, "begin", False),
    (Segments, "begin", True),
    (parts.Writer, "close", False),
    (parts.Writer, "close", True),
    (table_writing, "append_stream", True),
    (Path, "unlink", False),
]


@pytest.mark.heavy
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("calls", [1, 2])
def test_fault_55_given_a_compaction_killed_at_a_step_when_done_again_then_each_line_is_there_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: tuple[Any, str, bool], calls: int
) -> None:
    owner, name, after = step
    capture, data = tmp_path / "capture", tmp_path / "data"
    log_of(capture, range(29))
    assert log_file.segments(capture).newest().stat().st_size, "there is one to close"  # type: ignore[union-attr]
    real: Callable[..., Any] = getattr(owner, name)
    left = [1 if name == "begin" else calls]  # the file that is open is closed once only

    def killed(*arguments: Any, **more: Any) -> Any:
        left[0] -= 1
        done = real(*arguments, **more) if after or left[0] else None
        if not left[0]:
            raise Killed
        return done

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(owner, name, killed)
        compact(capture, data)
    log_of(capture, range(29, 35))
    compact(capture, data)

    assert [row["sequence"] for row in stored(data)] == list(range(1, 36))
    assert find.find(capture, data, prediction_id(0, START)) is not None


def test_given_a_damaged_line_when_compacted_then_it_is_named_and_its_file_stays(tmp_path: Path) -> None:
    capture, data = tmp_path / "capture", tmp_path / "data"
    log_of(capture, range(3), most_bytes=1)
    first, second = log_file.segments(capture).closed()
    second.write_bytes(b"{}\n" + second.read_bytes())

    with pytest.raises(FactoryError, match=rf"{second.name}: line 1 is damaged: restore the file"):
        compact(capture, data)

    assert not first.exists() and second.exists()
    second.write_bytes(second.read_bytes()[3:])
    assert compact(capture, data).rows == 2
    assert [row["sequence"] for row in stored(data)] == [1, 2, 3]


def test_given_a_compaction_that_runs_when_started_twice_then_the_second_is_told(tmp_path: Path) -> None:
    capture = tmp_path / "capture"
    log_of(capture, range(3))
    with files.lock(capture / "compaction.lock", ""), pytest.raises(FactoryError, match=r"process \d+ compacts"):
        compact(capture, tmp_path / "data")


@pytest.mark.parametrize("killed", [False, True])
def test_given_the_file_of_an_earlier_release_when_compacted_then_it_is_emptied_stays_and_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    capture, data = tmp_path / "capture", tmp_path / "data"
    capture.mkdir()
    older = capture / OLDER
    descriptor = os.open(older, os.O_RDWR | os.O_CREAT | os.O_APPEND)  # as its service has it

    def write(numbers: range, torn: bytes = b"") -> None:
        lines = (
            line(n, n).replace(b'"commit": "' + b"b" * 40 + b'", ', b"") + b', "sequence": %d}\n' % n for n in numbers
        )
        os.write(descriptor, b"".join(lines) + torn)
        os.utime(older, (0, time.time() - 100_000))

    write(range(5), torn=b'{"id":')
    if killed:
        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(os, "ftruncate", lambda at, size: cut(at, size) if size or not stored(data) else die())
            compact(capture, data)
        assert older.stat().st_size > 0
        write(range(5, 7))
    compact(capture, data)

    there = 7 if killed else 5
    assert [row["prediction_id"] for row in stored(data)] == [json.loads(line(n, n) + b"}")["id"] for n in range(there)]
    assert older.stat().st_size == 0
    write(range(10, 12))
    assert compact(capture, data).rows == 2
    os.close(descriptor)
    assert len(stored(data)) == there + 2
    assert stored(data)[0]["commit"] == ""


def test_given_the_file_of_an_earlier_release_that_is_written_to_when_compacted_then_it_is_left_alone(
    tmp_path: Path,
) -> None:
    capture = tmp_path / "capture"
    capture.mkdir()
    (capture / OLDER).write_bytes(line(0) + b', "sequence": 1}\n')
    assert compact(capture, tmp_path / "data") == Moved(0, 0)
    assert compaction._QUIET_SECONDS >= 3_600


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [str(row["prediction_id"]) for row in rows]


def id_of(number: int) -> str:
    return str(json.loads(line(number, number) + b"}")["id"])


def test_given_a_log_whose_files_were_lost_when_its_sequences_begin_anew_then_no_prediction_is(tmp_path: Path) -> None:
    capture, data = tmp_path / "capture", tmp_path / "data"
    log_of(capture, range(5))
    compact(capture, data)
    shutil.rmtree(capture)
    for numbers in (range(10, 12), range(12, 20)):  # at first behind what the table has, then beyond it
        log_of(capture, numbers)
        assert compact(capture, data).rows == len(numbers)
    assert ids(stored(data)) == [id_of(number) for number in (*range(5), *range(10, 20))]
    assert find.find(capture, data, id_of(11)) is not None


def test_given_a_log_that_was_restored_and_went_on_when_compacted_then_each_prediction_is_there_once(
    tmp_path: Path,
) -> None:
    capture, data, backup = tmp_path / "capture", tmp_path / "data", tmp_path / "backup"
    log_of(capture, range(4), most_bytes=10_000_000)
    shutil.copytree(capture, backup)
    log_of(capture, range(4, 9), most_bytes=10_000_000)
    compact(capture, data)
    shutil.rmtree(capture)
    backup.rename(capture)
    log_of(capture, range(20, 23), most_bytes=10_000_000)

    assert compact(capture, data).rows == 3
    assert sorted(ids(stored(data))) == sorted(id_of(number) for number in (*range(9), *range(20, 23)))
    assert compact(capture, data).rows == 0


def test_given_a_damaged_last_line_when_compacted_or_written_to_then_its_file_is_named(tmp_path: Path) -> None:
    capture = tmp_path / "capture"
    log_of(capture, range(2), most_bytes=10_000_000)
    newest = capture / "predictions-000000000000001.jsonl"
    newest.write_bytes(newest.read_bytes() + b"garbage\n")
    said = f"the last line of {newest} is damaged: restore the file from a backup, or take that line out"

    for action in (lambda: compact(capture, tmp_path / "data"), lambda: compaction.waiting(capture)):
        with pytest.raises(FactoryError) as refused:
            action()
        assert str(refused.value) == said
    with pytest.raises(NotRecorded) as unrecorded:
        LogFile(capture).append([line(3)])
    assert str(unrecorded.value) == said
    assert newest.read_bytes().endswith(b"garbage\n")
