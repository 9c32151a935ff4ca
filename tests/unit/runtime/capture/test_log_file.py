"""Lines of the log: numbered without a gap by all who write, whichever file they are in."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime import files
from aifactory_runtime.capture.log_file import LogFile, NotRecorded, segments
from aifactory_runtime.segments import Segments
from tests.fixtures import prediction_log
from tests.unit.runtime.capture.lines import line

ACTIONS = st.lists(st.sampled_from(["one writes", "other writes", "close", "tear"]), max_size=20)


def sequences(folder: Path) -> list[int]:
    return [json.loads(found)["sequence"] for found in prediction_log.text(folder).splitlines()]


@pytest.mark.heavy
@given(actions=ACTIONS, most=st.sampled_from([1, 500, 1_000_000]))
def test_given_two_writers_and_files_that_are_closed_or_torn_then_each_line_has_the_next_number(
    tmp_path_factory: pytest.TempPathFactory, actions: list[str], most: int
) -> None:
    folder = tmp_path_factory.mktemp("log")
    writers = {"one writes": LogFile(folder, most), "other writes": LogFile(folder, most)}
    written = 0
    for action in actions:
        if action in writers:
            writers[action].append([line(written), line(written + 1)])
            written += 2
        elif action == "close":
            segments(folder).close_newest()
        elif newest := segments(folder).newest():
            with newest.open("ab") as file:  # as a writer that was killed leaves it
                file.write(line(written)[:7])
    for writer in writers.values():
        writer.append([line(written)])
        written += 1
        writer.close()
    assert sequences(folder) == list(range(1, written + 1))


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("torn", [b"", b'{"id": "half'])
def test_given_a_closing_that_was_killed_at_a_step_when_written_to_then_the_numbers_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: bool, torn: bytes
) -> None:
    writer = LogFile(tmp_path)
    writer.append([line(0)])
    with (tmp_path / "predictions-000000000000001.jsonl").open("ab") as file:
        file.write(torn)
    real = Segments.begin

    def killed(self: Segments, first: int) -> None:
        if begun:
            real(self, first)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Segments, "begin", killed)
        segments(tmp_path).close_newest()

    writer.append([line(1)])

    assert sequences(tmp_path) == [1, 2] and len(segments(tmp_path).closed()) == int(begun)


def test_given_a_disk_that_takes_no_new_file_when_written_to_then_not_recorded_and_later_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = LogFile(tmp_path)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch, pytest.raises(NotRecorded, match="No space left"):
        patch.setattr(files, "append", full)
        writer.append([line(0)])
    writer.append([line(0)])
    assert sequences(tmp_path) == [1]


def test_given_a_file_that_is_full_and_cannot_be_closed_when_written_to_then_the_lines_are_recorded_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = LogFile(tmp_path, most_bytes=1)
    writer.append([line(0)])

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Segments, "begin", full)
        writer.append([line(1)])
    assert sequences(tmp_path) == [1, 2] and segments(tmp_path).closed() == []
    writer.append([line(2)])
    assert sequences(tmp_path) == [1, 2, 3] and len(segments(tmp_path).closed()) == 1


def test_given_a_full_file_and_a_disk_that_loses_the_next_ones_name_when_written_to_then_no_number_is_there_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = LogFile(tmp_path, most_bytes=1)
    writer.append([line(0)])

    def broken(_: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(files, "sync_folder", broken)
        writer.append([line(1)])
    writer.append([line(2)])
    assert sequences(tmp_path) == [1, 2, 3]


def test_given_the_log_then_others_may_not_read_it(tmp_path: Path) -> None:
    LogFile(tmp_path).append([line(0)])
    newest = segments(tmp_path).newest()
    assert newest is not None and newest.stat().st_mode & 0o777 == 0o600
