"""Files that survive a kill: whole lines, whole files, one holder, JSON that is no JSON."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime import files
from aifactory_runtime.errors import FactoryError

LIMITED = "import resource, sys\nfrom aifactory_runtime import files\nfrom pathlib import Path\n"
LIMIT = "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
"""A limit on the size of files stands for a full disk: the kernel takes what fits and refuses the rest."""


@given(content=st.text("a\n", max_size=30), share=st.floats(0, 1), block=st.integers(1, 8))
def test_given_any_log_when_asked_then_the_offset_is_behind_the_last_newline(
    content: str, share: float, block: int
) -> None:
    end = round(share * len(content))
    with tempfile.TemporaryFile() as log, pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "_BLOCK", block)
        log.write(content.encode())
        log.flush()
        assert files.after_last_newline(log.fileno(), end) == content.rfind("\n", 0, end) + 1


@given(lines=st.lists(st.text("ab", max_size=5), max_size=4), torn=st.text("ab", max_size=5))
def test_given_whole_lines_and_half_a_one_when_appended_then_the_half_is_gone_and_the_last_one_is_read(
    lines: list[str], torn: str
) -> None:
    with tempfile.NamedTemporaryFile() as made, Path(made.name).open("a+b", buffering=0) as log:
        log.write("".join(f"{line}\n" for line in lines).encode() + torn.encode())
        size = files.cut_torn_line(log.fileno())
        assert files.last_line(log.fileno(), size) == (f"{lines[-1]}\n".encode() if lines else b"")

        size = files.append(log.fileno(), b"new\n")

        log.seek(0)
        content = log.read()
        assert (content.decode().splitlines(), len(content)) == ([*lines, "new"], size)


@pytest.mark.slow
def test_fault_25_given_a_disk_that_takes_half_a_line_when_appended_then_the_file_is_as_before(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"old\n")
    script = (
        LIMITED + "log = open(sys.argv[1], 'a+b', buffering=0)\n" + LIMIT + "files.append(log.fileno(), b'x' * 200)"
    )

    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False)

    assert "File too large" in done.stderr
    assert path.read_bytes() == b"old\n"


@pytest.mark.slow
def test_fault_25_given_a_disk_that_takes_half_a_file_when_written_then_the_old_one_stays(tmp_path: Path) -> None:
    path = files.write(tmp_path / "x.json", "whole")
    script = LIMITED + LIMIT + "files.write(Path(sys.argv[1]), 'x' * 200)"

    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False)

    assert "x.json cannot be written (File too large): see its place" in done.stderr.splitlines()[-1]
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("x.json", "whole")]


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_given_a_mode_when_written_then_the_file_has_it_whatever_it_had_before(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "deep" / "er" / "file"
    for content in ("one", b"two"):
        files.write(path, content, mode)
        path.chmod(0o444)
        files.write(path, content, mode)
        assert path.stat().st_mode & 0o777 == mode
    assert [one.read_bytes() for one in path.parent.iterdir()] == [b"two"]


def test_given_a_place_that_is_a_folder_when_written_then_one_line_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(FactoryError, match="x cannot be written"):
        files.write(tmp_path / "x", "text")
    assert [one.name for one in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("text", ["", "{", "[]", "1", "null", "[" * 100_000, '{"a":' * 100_000, b"\xff\xfe"])
def test_fault_19_given_what_is_no_json_object_when_read_then_a_value_error(tmp_path: Path, text: str | bytes) -> None:
    path = files.write(tmp_path / "x.json", text)
    with pytest.raises(ValueError, match=r"\S"):
        files.read_json(path)
    files.write(path, '{"a": 1}')
    assert files.read_json(path) == {"a": 1}


def test_given_a_holder_when_locked_again_then_it_is_named_and_afterwards_nobody_is(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "lock"
    files.refuse_locked(path, "nobody has it yet")
    assert not files.is_locked(path) and not path.exists()
    with files.lock(path, "mine"):
        for again in (
            lambda: files.lock(path, "held by {holder}").__enter__(),
            lambda: files.refuse_locked(path, "held by {holder}"),
        ):
            with pytest.raises(FactoryError, match=r"^held by \d+$"):
                again()
        assert files.is_locked(path)
    files.refuse_locked(path, "nobody has it now")
    assert not files.is_locked(path)
