"""A commit in a folder of its own, on every Python that is asked for: 3.11.2, say, whose tar files know no filter."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import pytest

from aifactory_runtime.pipeline.reproduction import checkout
from tests.fixtures.usecase_repo import commit, git


@pytest.mark.parametrize("old", [False, True])
def test_given_a_commit_when_extracted_then_its_files_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: bool
) -> None:
    repo = tmp_path / "repo"
    (repo / "src").mkdir(parents=True)
    (repo / "src" / "model.py").write_text("x = 1\n")
    git(repo, "init", "-q")
    commit(repo, "First")
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


def test_given_paths_when_a_commit_has_some_of_them_then_those_are_extracted_and_without_any_nothing(
    tmp_path: Path,
) -> None:
    repo = tmp_path / "repo"
    for name in ("src/model.py", "vendor/one/code.py", "vendor/two/code.py", "data/table.csv"):
        (repo / name).parent.mkdir(parents=True, exist_ok=True)
        (repo / name).write_text("")
    git(repo, "init", "-q")
    head = commit(repo, "First")
    place = tmp_path / "place"

    assert checkout.extract(repo, head, place, "src", "vendor/two", "conf")
    assert not checkout.extract(repo, head, tmp_path / "none", "conf")

    found = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}
    assert found == {"src/model.py", "vendor/two/code.py"} and not (tmp_path / "none").exists()
