"""A commit in a folder of its own, on every Python that is asked for: 3.11.2, say, whose tar files know no filter."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import pytest

from aifactory_runtime.pipeline.reproduction import checkout
from tests.fixtures.usecase_repo import git


@pytest.mark.parametrize("old", [False, True])
def test_given_a_commit_when_extracted_then_its_files_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: bool
) -> None:
    repo = tmp_path / "repo"
    (repo / "src").mkdir(parents=True)
    (repo / "src" / "model.py").write_text("x = 1\n")
    git(repo, "init", "-q")
    git(repo, "add", ".")
    git(repo, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "First")
    if old:
        whole = tarfile.TarFile.extractall

        def extractall(archive: Any, path: Path) -> None:
            whole(archive, path)

        monkeypatch.delattr(tarfile, "data_filter")
        monkeypatch.setattr(tarfile.TarFile, "extractall", extractall)

    assert checkout.extract(repo, git(repo, "rev-parse", "HEAD"), tmp_path / "place")

    assert (tmp_path / "place" / "src" / "model.py").read_text() == "x = 1\n"
    assert not checkout.extract(repo, "0" * 40, tmp_path / "none")
    assert not (tmp_path / "none").exists()
