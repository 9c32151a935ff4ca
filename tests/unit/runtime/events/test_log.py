"""The log of events: numbers without gaps whoever writes, whole lines whatever is killed, and a full disk."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.events import event as events
from aifactory_runtime.events import log
from aifactory_runtime.events.event import Event

NOW = datetime(2027, 1, 15, 12, tzinfo=UTC)
WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from aifactory_runtime.events import log
from aifactory_runtime.events.event import Event
log.SEGMENT_BYTES = int(sys.argv[2])
for number in range(int(sys.argv[3])):
    said = Event(datetime.now(UTC), "k", "k", facts={"text": "x" * (number % 700)})
    print(log.append(Path(sys.argv[1]), said).sequence, flush=True)
"""


def write(folder: Path, text: str = "") -> Event:
    return log.append(folder, Event(NOW, "k", "k", facts={"text": text}))


def sequences(folder: Path) -> list[int]:
    read = log.read(folder)
    assert read.damaged == ()
    return [one.sequence for one in read.events]


def newest(folder: Path) -> Path:
    return log.segments(folder)[-1]


def writer(folder: Path, count: int, segment: int = 2000) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(folder), str(segment), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_given_no_log_when_read_then_it_is_empty_and_nothing_is_made(tmp_path: Path) -> None:
    assert log.read(tmp_path / "events") == log.Read((), ())
    assert list(tmp_path.iterdir()) == []


def test_given_events_when_appended_then_they_are_read_in_their_order_and_only_the_owner_reads_them(
    tmp_path: Path,
) -> None:
    written = [write(tmp_path / "events", text) for text in ("one", "two")]
    assert log.read(tmp_path / "events") == log.Read(tuple(written), ())
    assert [one.sequence for one in written] == [1, 2]
    assert newest(tmp_path / "events").name == "events-000000000001.jsonl"
    assert newest(tmp_path / "events").stat().st_mode & 0o777 == 0o600


@pytest.mark.heavy
@given(
    steps=st.lists(st.tuples(st.sampled_from(["write", "tear", "remove"]), st.integers(0, 600)), max_size=30),
    segment=st.integers(1, 3000),
)
def test_given_any_order_of_writers_kills_and_removals_when_read_then_numbers_have_no_gap(
    steps: list[tuple[str, int]], segment: int
) -> None:
    with tempfile.TemporaryDirectory() as made, pytest.MonkeyPatch.context() as patch:
        patch.setattr(log, "SEGMENT_BYTES", segment)
        folder, written = Path(made), 0
        for step, size in steps:
            if step == "write":
                written += 1
                assert write(folder, "x" * size).sequence == written
            elif step == "tear" and log.segments(folder):
                whole = events.encode(Event(NOW, "k", "k", facts={"text": "x" * size}, sequence=written + 1))
                with newest(folder).open("ab") as file:
                    file.write(whole[: size % len(whole)])
            elif step == "remove" and len(there := log.segments(folder)) > 1:
                there[0].unlink()  # as retention may
        found = sequences(folder)
        assert found == list(range(written - len(found) + 1, written + 1))


@pytest.mark.slow
def test_given_processes_that_append_at_once_when_read_then_each_number_is_there_once(tmp_path: Path) -> None:
    writers = [writer(tmp_path, 60) for _ in range(4)]
    said = [int(line) for process in writers for line in process.communicate()[0].split()]
    assert [process.returncode for process in writers] == [0] * 4
    assert sorted(said) == sequences(tmp_path) == list(range(1, 241))
    assert len(log.segments(tmp_path)) > 10


@pytest.mark.slow
@pytest.mark.parametrize("acknowledged", [1, 2, 7, 30])
def test_fault_27_given_kill_9_while_events_are_appended_when_read_then_none_that_was_acknowledged_is_missing(
    tmp_path: Path, acknowledged: int
) -> None:
    process = writer(tmp_path, 100_000)
    assert process.stdout is not None
    said = [int(process.stdout.readline()) for _ in range(acknowledged)]
    process.send_signal(signal.SIGKILL)
    said += [int(line) for line in process.communicate()[0].split("\n")[:-1]]

    found = sequences(tmp_path)
    assert found == list(range(1, len(found) + 1))
    assert said == found[: len(said)]
    assert write(tmp_path).sequence == len(found) + 1


@pytest.mark.parametrize("begun", [False, True])
def test_given_a_full_disk_when_appended_then_refused_in_one_line_and_the_log_is_as_before(
    tmp_path: Path, begun: bool
) -> None:
    before = [write(tmp_path).sequence] if begun else []
    size = newest(tmp_path).stat().st_size if begun else 0
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, limit[1]))  # the kernel takes 20 bytes of the line
    try:
        with pytest.raises(FactoryError, match=r"takes no event \(File too large\), k is not recorded") as refused:
            write(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert "\n" not in str(refused.value)
    assert sequences(tmp_path) == before
    assert write(tmp_path).sequence == len(before) + 1


def test_given_an_event_when_appended_then_line_and_name_are_on_disk_before_it_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    sync = os.fsync

    def noted(file: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{file}").readlink()))
        sync(file)

    monkeypatch.setattr(os, "fsync", noted)
    write(tmp_path)
    assert synced == [str(tmp_path), str(newest(tmp_path))]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_given_a_damaged_line_when_read_then_it_is_named_all_others_are_read_and_numbers_go_on(
    tmp_path: Path, number: int
) -> None:
    for text in ("one", "two", "three"):
        write(tmp_path, text)
    lines = newest(tmp_path).read_bytes().splitlines(keepends=True)
    lines[number - 1] = b"\x00" * 20 + b"\n"
    newest(tmp_path).write_bytes(b"".join(lines))

    assert write(tmp_path).sequence == 4
    read = log.read(tmp_path)
    assert [one.sequence for one in read.events] == [one for one in (1, 2, 3, 4) if one != number]
    assert read.damaged == (
        f"{newest(tmp_path)}: line {number} is no event: it was damaged or written by something else",
    )


def test_given_a_line_that_was_taken_out_when_read_then_it_is_said(tmp_path: Path) -> None:
    for text in ("one", "two", "three"):
        write(tmp_path, text)
    lines = newest(tmp_path).read_bytes().splitlines(keepends=True)
    newest(tmp_path).write_bytes(lines[0] + lines[2])

    read = log.read(tmp_path)
    assert [one.sequence for one in read.events] == [1, 3]
    assert "line 2 has sequence 3, but 2 is due" in read.damaged[0]
    assert write(tmp_path).sequence == 4


def test_given_a_line_taken_out_and_a_damaged_last_one_when_appended_then_no_number_is_given_twice(
    tmp_path: Path,
) -> None:
    for text in ("one", "two", "three", "four"):
        write(tmp_path, text)
    lines = newest(tmp_path).read_bytes().splitlines(keepends=True)
    newest(tmp_path).write_bytes(lines[2] + b"no event\n")

    assert write(tmp_path).sequence == 5


def test_given_a_segment_that_is_missing_between_two_when_read_then_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "SEGMENT_BYTES", 1)
    for text in ("one", "two", "three"):
        write(tmp_path, text)
    log.segments(tmp_path)[1].unlink()

    assert log.read(tmp_path).damaged == (f"{newest(tmp_path)}: begins with 3, but 2 is due: a file is missing",)


def test_given_a_folder_that_cannot_be_read_when_read_then_refused_and_not_called_empty(tmp_path: Path) -> None:
    (tmp_path / "events").write_text("")
    with pytest.raises(FactoryError, match="events cannot be read"):
        log.read(tmp_path / "events")
    with pytest.raises(FactoryError, match="takes no event"):
        write(tmp_path / "events")


def test_given_files_with_other_names_when_read_then_they_are_not_of_the_log(tmp_path: Path) -> None:
    for name in ("events-²³.jsonl", "events-.jsonl", "events-1.json", "notes.jsonl"):
        (tmp_path / name).write_text("no event\n")
    assert write(tmp_path).sequence == 1
    assert sequences(tmp_path) == [1]
