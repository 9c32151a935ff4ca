"""The audit log: a chain that shows what was changed, and survives a killed writer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.audit import line, log
from aifactory_runtime.audit.verification import Verification
from aifactory_runtime.errors import FactoryError

WRITER = """
import sys
from pathlib import Path
from aifactory_runtime.audit import log
number = 0
while True:
    entry = log.append(Path(sys.argv[1]), "released", "release", {"number": number})
    print(entry["sequence"], flush=True)
    number += 1
"""


def _filled(folder: Path, lines: int = 4) -> list[bytes]:
    for number in range(lines):
        log.append(folder, "released", "release", {"version": number})
    return (folder / log.FILE).read_bytes().splitlines(keepends=True)


def test_given_several_lines_when_verified_then_the_chain_holds_and_its_head_is_the_last_digest(tmp_path: Path) -> None:
    _filled(tmp_path)
    last = log.append(tmp_path, "approved", "ana", {"model_sha256": "ab"})

    found = log.verify(tmp_path)

    assert (found.lines, found.problem, found.head) == (5, None, last["sha256"])
    assert [entry["sequence"] for entry in log.read(tmp_path)] == [1, 2, 3, 4, 5]


def test_given_no_log_when_verified_then_it_is_empty(tmp_path: Path) -> None:
    assert log.verify(tmp_path) == Verification(0, line.START, None)


@pytest.mark.heavy
@given(victim=st.integers(0, 3), key=st.sampled_from(["who", "action", "time", "facts"]))
def test_given_a_rewritten_line_when_verified_then_that_line_is_named(
    tmp_path_factory: pytest.TempPathFactory, victim: int, key: str
) -> None:
    folder = tmp_path_factory.mktemp("audit")
    lines = _filled(folder)
    entry = json.loads(lines[victim])
    entry[key] = "somebody else"
    lines[victim] = json.dumps(entry).encode() + b"\n"
    (folder / log.FILE).write_bytes(b"".join(lines))

    problem = log.verify(folder).problem

    assert problem is not None and problem.startswith(f"line {victim + 1} ") and "rewritten" in problem


def test_given_a_line_rewritten_with_a_fresh_digest_when_verified_then_the_next_line_no_longer_follows(
    tmp_path: Path,
) -> None:
    lines = _filled(tmp_path)
    entry = json.loads(lines[1])
    entry.pop("sha256")
    entry["who"] = "nobody"
    entry["sha256"] = line.digest(entry)
    lines[1] = line.encode(entry) + b"\n"
    (tmp_path / log.FILE).write_bytes(b"".join(lines))

    problem = log.verify(tmp_path).problem

    assert problem is not None and problem.startswith("line 3 ")


@pytest.mark.parametrize("victim", [0, 1, 2])
def test_given_a_removed_line_when_verified_then_the_gap_is_named(tmp_path: Path, victim: int) -> None:
    lines = _filled(tmp_path)
    del lines[victim]
    (tmp_path / log.FILE).write_bytes(b"".join(lines))

    problem = log.verify(tmp_path).problem

    assert problem is not None and problem.startswith(f"line {victim + 1} ") and "removed" in problem


def test_given_removed_last_lines_when_verified_then_the_head_differs_from_the_one_kept_elsewhere(
    tmp_path: Path,
) -> None:
    lines = _filled(tmp_path)
    kept = log.verify(tmp_path).head
    (tmp_path / log.FILE).write_bytes(b"".join(lines[:-1]))

    assert log.verify(tmp_path).head != kept


def test_given_a_torn_last_line_when_appended_then_it_is_cut_off_and_whole_lines_stay(tmp_path: Path) -> None:
    lines = _filled(tmp_path)
    (tmp_path / log.FILE).write_bytes(b"".join(lines) + lines[0][:40])
    torn = log.verify(tmp_path).problem

    entry = log.append(tmp_path, "released", "release", {})

    assert torn is not None and "torn" in torn
    assert entry["sequence"] == 5
    assert log.verify(tmp_path).problem is None


def test_given_a_damaged_last_line_when_appended_then_it_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    _filled(tmp_path)
    damaged = (tmp_path / log.FILE).read_bytes() + b'{"what": 1}\n'
    (tmp_path / log.FILE).write_bytes(damaged)

    with pytest.raises(FactoryError, match=r"^/.*/audit\.jsonl: line 5 is damaged, so nothing .*: restore this file"):
        log.append(tmp_path, "released", "release", {})

    assert (tmp_path / log.FILE).read_bytes() == damaged


def test_given_a_full_disk_when_appended_then_one_sentence_and_the_log_is_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _filled(tmp_path)
    before = (tmp_path / log.FILE).read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FactoryError, match="No space left"):
        log.append(tmp_path, "released", "release", {})

    assert (tmp_path / log.FILE).read_bytes() == before


def test_fault_25_given_a_disk_that_takes_half_a_line_when_appended_then_the_log_is_as_before(tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk: the kernel takes what fits and refuses the rest."""
    before = b"".join(_filled(tmp_path))
    script = (
        "import resource, sys\nfrom pathlib import Path\nfrom aifactory_runtime.audit import log\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({len(before)} + 100, {len(before)} + 100))\n"
        "log.append(Path(sys.argv[1]), 'released', 'release', {'pad': 'z' * 200})\n"
    )

    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False)

    assert "audit.jsonl cannot be written (File too large): nothing was recorded" in done.stderr.splitlines()[-1]
    assert (tmp_path / log.FILE).read_bytes() == before
    assert log.append(tmp_path, "released", "release", {})["sequence"] == 5


def test_given_a_folder_that_cannot_be_made_when_appended_then_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(FactoryError, match=r"cannot be written \(Not a directory\)"):
        log.append(tmp_path / "file" / "audit", "released", "release", {})


@pytest.mark.parametrize("damaged", [b"hello\n", b"[]\n", b'{"what": 1}\n', b"\xff\n"])
def test_given_a_damaged_line_when_read_then_it_is_named(tmp_path: Path, damaged: bytes) -> None:
    lines = _filled(tmp_path)
    (tmp_path / log.FILE).write_bytes(b"".join([*lines[:2], damaged, *lines[2:]]))

    with pytest.raises(FactoryError, match=r"audit\.jsonl: line 3 is damaged: restore this file from a backup"):
        log.read(tmp_path)


@pytest.mark.heavy
def test_given_writers_killed_at_any_moment_when_verified_then_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    acknowledged = 0
    for _ in range(3):
        writers = [
            subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        for writer in writers:
            assert writer.stdout is not None
            for _ in range(5):
                acknowledged = max(acknowledged, int(writer.stdout.readline()))
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
            rest, _ = writer.communicate()
            acknowledged = max([acknowledged, *(int(line) for line in rest.splitlines() if line.strip())])
    log.append(tmp_path, "released", "release", {})

    found = log.verify(tmp_path)

    assert found.problem is None
    assert found.lines > acknowledged


def test_given_no_folder_when_read_and_appended_then_it_is_empty_and_then_made(tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    assert log.read(folder) == []
    assert log.append(folder, "released", "release", {})["previous"] == line.START
    assert len(log.read(folder)) == 1


@pytest.mark.parametrize(
    ("damaged", "says"),
    [
        (b"hello\n", "line 2 is no JSON object: it was rewritten"),
        (b'{"what": 1}\n', "line 2 does not have the fields of an audit line: it was rewritten"),
        (b"[]\n", "line 2 is no JSON object: it was rewritten"),
        (b"[" * 100_000 + b"\n", "line 2 is no JSON object: it was rewritten"),
    ],
)
def test_given_a_line_that_is_no_audit_line_when_verified_then_it_is_named(
    tmp_path: Path, damaged: bytes, says: str
) -> None:
    lines = _filled(tmp_path)
    (tmp_path / log.FILE).write_bytes(b"".join([lines[0], damaged, *lines[1:]]))

    found = log.verify(tmp_path)

    assert (found.lines, found.problem) == (1, says)
    assert found.head == json.loads(lines[0])["sha256"]


def test_given_the_log_when_imported_then_neither_models_nor_stores_are_loaded() -> None:
    program = (
        "import sys; heavy = ('pydantic', 'obstore', 'boto3'); "
        "import aifactory_runtime.audit.log; print('aifactory_runtime.storage' in sys.modules); "
        "import aifactory_runtime.storage; print([one for one in heavy if one in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ran.stdout.splitlines() == ["False", "[]"]
