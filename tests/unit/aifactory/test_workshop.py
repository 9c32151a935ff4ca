"""A folder to make something in: gone at the end, kept while it is in use, and cleared away after a kill."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from aifactory import workshop as workshop_module
from aifactory.workshop import scratch, workshop

HOLD = """
import sys
from pathlib import Path
from aifactory.workshop import workshop
with workshop(Path(sys.argv[1]), ".making-") as made:
    (made / "secret").write_text("x")
    print(made, flush=True)
    sys.stdin.read()
"""


@pytest.mark.slow
def test_fault_26_given_a_killed_process_when_the_next_begins_then_its_folder_goes_and_one_in_use_stays(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        left = Path(process.stdout.readline().strip())
        with workshop(tmp_path, ".making-") as mine:
            assert (left / "secret").exists()
        assert not mine.exists()
        process.kill()
        process.wait()

    assert left.exists()
    with workshop(tmp_path, ".making-") as mine:
        assert list(tmp_path.iterdir()) == [mine]
    assert list(tmp_path.iterdir()) == []


def test_given_other_things_of_that_name_when_begun_then_they_stay(tmp_path: Path) -> None:
    (tmp_path / ".making-file").write_text("x")
    (tmp_path / ".making-link").symlink_to(tmp_path)
    with workshop(tmp_path, ".making-") as mine:
        assert mine.stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in tmp_path.iterdir()) == [".making-file", ".making-link"]


def test_given_no_folder_when_begun_then_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), workshop(tmp_path / "none", ".making-"):
        pass


SCRATCH = """
import sys
from aifactory.workshop import scratch
with scratch("update") as made:
    print(made, flush=True)
    sys.stdin.read()
"""


@pytest.mark.slow
def test_fault_26_given_a_killed_command_when_any_other_begins_then_its_temporary_folder_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    command = [sys.executable, "-c", SCRATCH]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        left = Path(process.stdout.readline().strip())
        with scratch("status"), scratch("merge"):
            assert left.parent == tmp_path and left.exists(), "it is in use"
        process.kill()
        process.wait()

    with scratch("status") as mine:
        assert list(tmp_path.iterdir()) == [mine]


def test_given_a_folder_that_another_clears_away_before_it_is_locked_then_a_new_one_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, made = tempfile.mkdtemp, list[str]()

    def cleared(**named: Any) -> str:
        made.append(real(**named))
        if len(made) == 1:
            Path(made[0]).rmdir()
        return made[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", cleared)
    with workshop(tmp_path, ".making-") as mine:
        assert [str(mine)] == made[1:]


def test_given_the_tools_code_then_temporary_folders_are_made_in_one_place_only() -> None:
    package = Path(inspect.getfile(workshop_module)).parent
    found = [
        path.name
        for path in package.rglob("*.py")
        if re.search(r"mkdtemp|TemporaryDirectory", path.read_text(encoding="utf-8"))
    ]
    assert found == ["workshop.py"]
