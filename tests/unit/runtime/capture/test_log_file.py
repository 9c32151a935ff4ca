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
from aifactory_runtime.capture.log_file import LogFile, NotRecorded
from aifactory_runtime.capture.segments import Segments
from tests.fixtures import prediction_log
from tests.unit.runtime.capture.lines import line

ACTIONS = st.lists(st.sampled_from(["one writes", "other writes", "close", "tear"]), max_size=20)


def sequences(folder: Path) -> list[int]:
    return [json.loads(found)["sequence"] for found in prediction_log.text(folder).splitlines()]


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
            Segments(folder).close_active()
        elif active := Segments(folder).active():
            with active.open("ab") as file:  # as a writer that was killed leaves it
                file.write(line(written)[:7])
    for writer in writers.values():
        writer.append([line(written)])
        written += 1
        writer.close()
    assert sequences(folder) == list(range(1, written + 1))


def test_given_a_closing_that_was_killed_between_its_two_steps_when_written_to_then_the_numbers_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = LogFile(tmp_path)
    writer.append([line(0)])
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Segments, "begin", lambda _self: (_ for _ in ()).throw(KeyboardInterrupt))
        Segments(tmp_path).close_active()
    assert Segments(tmp_path).active() is None

    writer.append([line(1)])

    assert sequences(tmp_path) == [1, 2] and Segments(tmp_path).active() is not None


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

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Segments, "close", full)
        writer.append([line(0)])
    assert sequences(tmp_path) == [1] and Segments(tmp_path).closed() == []
    writer.append([line(1)])
    assert sequences(tmp_path) == [1, 2] and len(Segments(tmp_path).closed()) == 1


def test_given_the_log_then_others_may_not_read_it(tmp_path: Path) -> None:
    LogFile(tmp_path).append([line(0)])
    active = Segments(tmp_path).active()
    assert active is not None and active.stat().st_mode & 0o777 == 0o600
