"""A commit in a folder of its own: all of it or parts, of a repo or of a folder in one, whatever git is around."""

from __future__ import annotations

from pathlib import Path

import pytest

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.pipeline.reproduction import checkout
from tests.fixtures.usecase_repo import commit, git


def made(repo: Path, *names: str) -> str:
    for name in names:
        (repo / name).parent.mkdir(parents=True, exist_ok=True)
        (repo / name).write_text("x = 1\n")
    git(repo, "init", "-q")
    return commit(repo, "First")


def files(place: Path) -> set[str]:
    return {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}


def test_given_a_commit_when_extracted_then_its_files_are_there(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    head = made(repo, "src/model.py")

    assert checkout.extract(repo, head, tmp_path / "place")

    assert (tmp_path / "place" / "src" / "model.py").read_text() == "x = 1\n"
    assert git(repo, "status", "--porcelain") == ""
    assert not checkout.extract(repo, "0" * 40, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_given_paths_when_a_commit_has_some_of_them_then_those_are_extracted_and_without_any_nothing(
    tmp_path: Path,
) -> None:
    repo = tmp_path / "repo"
    head = made(repo, "src/model.py", "vendor/one/code.py", "vendor/two/code.py", "data/table.csv")
    place = tmp_path / "place"

    assert checkout.extract(repo, head, place, "src", "vendor/two", "conf")
    assert not checkout.extract(repo, head, tmp_path / "none", "conf")

    assert files(place) == {"src/model.py", "vendor/two/code.py"}
    assert not (tmp_path / "none").exists()


def test_given_a_folder_in_a_repo_then_only_what_is_below_it_is_extracted(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    head = made(repo, "churn/src/model.py", "churn/conf/base.yaml", "other/model.py")
    assert checkout.extract(repo / "churn", head, tmp_path / "whole")
    assert checkout.extract(repo / "churn", head, tmp_path / "part", "src", "other")
    assert files(tmp_path / "whole") == {"src/model.py", "conf/base.yaml"}
    assert files(tmp_path / "part") == {"src/model.py"}


def test_given_a_hook_of_another_repo_around_us_then_the_commit_is_still_found_and_no_hook_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo, other = tmp_path / "repo", tmp_path / "other"
    head = made(repo, "src/model.py")
    made(other, "another.py")
    hook = repo / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    assert checkout.extract(repo, head, tmp_path / "place")
    assert files(tmp_path / "place") == {"src/model.py"}
    assert not (tmp_path / "ran").exists()


def test_given_a_commit_with_a_missing_object_then_that_is_said_and_nothing_is_left(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    head = made(repo, "src/model.py")
    blob = git(repo, "rev-parse", "HEAD:src/model.py")
    (repo / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(FactoryError, match=f"commit {head[:12]} of .* cannot be unpacked: ") as raised:
        checkout.extract(repo, head, tmp_path / "place")
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "place").exists()
