"""What git says when it fails: its last words, or a full disk that these leave out."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from aifactory_runtime.config import git_errors
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.pipeline.reproduction import checkout
from tests.fixtures.usecase_repo import commit, git


@pytest.mark.parametrize(
    ("said", "free", "why"),
    [
        (b"fatal: sha1 file 'index.lock' write error. Out of diskspace", 2**30, "full"),
        (b"fatal: cannot create directory at 'src': No space left on device\nlast words", 2**30, "full"),
        (b"error: unable to write file README.md\n", 4096, "full"),
        (b"error: unable to write file README.md\n", 2**30, "error: unable to write file README.md"),
        (b"fatal: bad object\n", 4096, "fatal: bad object"),
        (b"", 2**30, "git said nothing"),
    ],
)
def test_given_what_git_says_then_a_full_disk_is_called_one(
    said: bytes, free: int, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage._replace(free=free))
    told = f"the disk of {tmp_path} is full: make room there, then again" if why == "full" else why
    assert git_errors.why(said, tmp_path) == told


def test_given_a_disk_that_takes_nothing_when_git_checks_out_then_one_line_says_so_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo, place = tmp_path / "repo", tmp_path / "place"
    git(tmp_path, "init", "--quiet", str(repo))
    (repo / "large.txt").write_text("words\n" * 1000)
    head = commit(repo, "Start")
    full = tmp_path / "bin" / "git"
    full.parent.mkdir()
    says = "echo 'error: unable to write file large.txt' >&2; exit 1"
    full.write_text(f'#!/bin/sh\ncase "$*" in *checkout*) {says};; esac\nexec {shutil.which("git")} "$@"\n')
    full.chmod(0o755)
    monkeypatch.setenv("PATH", str(full.parent), prepend=os.pathsep)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage._replace(free=0))
    with pytest.raises(FactoryError, match=rf"cannot be unpacked: the disk of {place} is full: make room there"):
        checkout.extract(repo, head, place)
    assert not place.exists()
