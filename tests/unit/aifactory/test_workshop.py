"""A folder to make something in: gone at the end, kept while it is in use, and cleared away after a kill."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from aifactory.workshop import workshop

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
