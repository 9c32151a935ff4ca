"""What a killed engine leaves in the file backend, and that the next run can read it again."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from aifactory.provision import leftovers
from aifactory_runtime.errors import FactoryError


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """The record of a stack that is whole."""
    folder = tmp_path / ".pulumi" / "stacks" / "p"
    folder.mkdir(parents=True)
    path = folder / "churn.dev.json"
    path.write_text('{"version": 3}')
    return path


def mend(tmp_path: Path) -> list[str]:
    """What is said while the backend is mended."""
    said: list[str] = []
    leftovers.mend(tmp_path, "p", "churn.dev", said.append)
    return said


def test_fault_41_given_engine_locks_when_cleared_then_those_of_dead_processes_here_and_half_written_ones_go(
    tmp_path: Path,
) -> None:
    folder = tmp_path / ".pulumi" / "locks" / "organization" / "p" / "churn.dev"
    folder.mkdir(parents=True)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    here = socket.gethostname()
    for name, pid, host in (("dead", dead.pid, here), ("elsewhere", dead.pid, "other-host"), ("broken", None, here)):
        (folder / f"{name}.json").write_text(json.dumps({"pid": pid, "hostname": host}) if pid else "{")
        (folder / f"{name}.json.attrs").write_text("{}")

    removed = leftovers.clear_locks(folder)

    assert removed == [dead.pid]
    assert sorted(path.name for path in folder.iterdir()) == ["elsewhere.json", "elsewhere.json.attrs"]


def test_fault_41_given_a_note_cut_short_when_mended_then_it_goes_and_whole_ones_stay(
    tmp_path: Path, record: Path
) -> None:
    cut, whole = Path(f"{record}.attrs"), Path(f"{record}.bak.attrs")
    cut.write_text("")
    whole.write_text('{"user.content_type": ""}')
    part = Path(f"{record}.18ea19.tmp")
    part.write_text("{")
    (tmp_path / ".pulumi" / "meta.yaml.attrs").write_text('{"user')
    other = record.with_name("churn.prod.json.attrs")
    other.write_text("")

    assert mend(tmp_path) == []

    assert not cut.exists()
    assert not part.exists()
    assert not (tmp_path / ".pulumi" / "meta.yaml.attrs").exists()
    assert whole.exists()
    assert other.exists()
    assert record.read_text() == '{"version": 3}'


@pytest.mark.parametrize("damage", ["", '{"version": 3', "null"])
def test_fault_43_given_a_damaged_record_when_mended_then_the_copy_takes_its_place_and_that_is_said(
    tmp_path: Path, record: Path, damage: str
) -> None:
    Path(f"{record}.bak").write_text('{"version": 2}')
    record.write_text(damage)

    said = mend(tmp_path)

    assert record.read_text() == '{"version": 2}'
    assert record.with_name("churn.dev.json.damaged").read_text() == damage
    assert len(said) == 1
    assert "churn.dev.json was damaged" in said[0]


@pytest.mark.parametrize("copy", [None, ""])
def test_fault_43_given_no_whole_copy_when_mended_then_a_backup_is_asked_for_and_nothing_is_touched(
    tmp_path: Path, record: Path, copy: str | None
) -> None:
    if copy is not None:
        Path(f"{record}.bak").write_text(copy)
    record.write_text("{")
    before = sorted(record.parent.iterdir())

    with pytest.raises(FactoryError, match="damaged, and so is its copy"):
        mend(tmp_path)

    assert record.read_text() == "{"
    assert sorted(record.parent.iterdir()) == before


def test_given_no_backend_yet_when_mended_then_nothing_happens(tmp_path: Path) -> None:
    assert mend(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
