"""Which commit a run is made from: what git does not say is not guessed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from aifactory_runtime.config import layout
from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.pipeline.reproduction import provenance
from tests.fixtures.usecase_repo import bring_runtime, git


def test_given_a_repo_that_git_cannot_read_when_asked_then_gits_own_reason_is_given_and_no_git_init(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageProblem, match="is not a git repo: run git init"):
        provenance._commit(tmp_path)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message=one")
    assert provenance._commit(tmp_path) == (git(tmp_path, "rev-parse", "HEAD"), False)

    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own switch for what a container's mount does
    with pytest.raises(UsageProblem, match=r"git cannot read .*dubious ownership.*git status there says"):
        provenance._commit(tmp_path)
    monkeypatch.delenv("GIT_TEST_ASSUME_DIFFERENT_OWNER")
    (tmp_path / ".git" / "index").write_bytes(b"damaged")
    with pytest.raises(UsageProblem, match=r"git cannot read .*index"):
        provenance._commit(tmp_path)


@pytest.mark.slow
def test_given_a_module_in_a_folder_of_the_package_when_it_changes_then_the_code_is_another(repo: Path) -> None:
    module = repo / "src" / "demo_case" / "encoding" / "regions.py"
    module.parent.mkdir()
    module.write_text("NORTH = 1\n")
    before = provenance.code_sha256(repo, "demo_case")
    module.write_text("NORTH = 2\n")
    assert provenance.code_sha256(repo, "demo_case") != before


@pytest.mark.slow
@pytest.mark.parametrize("place", layout.CODE)
def test_given_the_runtime_in_a_repo_when_a_module_of_it_changes_then_the_code_is_another(
    repo: Path, place: str
) -> None:
    without = provenance.code_sha256(repo, "demo_case")
    bring_runtime(repo, place)
    before = provenance.code_sha256(repo, "demo_case")
    layout.link_old_place(repo)
    assert provenance.code_sha256(repo, "demo_case") == before != without, "a snapshot is the commit's code"
    (repo / place / "aifactory_runtime" / "errors.py").write_text("")
    assert provenance.code_sha256(repo, "demo_case") != before


@pytest.mark.slow
def test_given_a_file_git_does_not_know_when_it_is_not_read_by_the_pipeline_then_the_tree_is_clean(repo: Path) -> None:
    (repo / "notes.txt").write_text("scratch")
    assert not provenance.collect(repo, "demo_case").dirty
    for folder in layout.CODE:
        (repo / folder).mkdir(parents=True, exist_ok=True)
        (repo / folder / "more.py").write_text("")
        assert provenance.collect(repo, "demo_case").dirty
        (repo / folder / "more.py").unlink()


@pytest.mark.slow
def test_given_a_snapshot_without_git_when_collected_then_its_folder_names_the_commit(
    repo: Path, tmp_path: Path
) -> None:
    commit = git(repo, "rev-parse", "HEAD")
    place = tmp_path / commit
    shutil.copytree(repo, place, ignore=shutil.ignore_patterns(".git"))
    found = provenance.collect(place, "demo_case")
    assert found == provenance.collect(repo, "demo_case")
    assert found.commit == commit


@pytest.mark.slow
def test_given_no_git_when_collected_then_one_line(repo: Path) -> None:
    shutil.rmtree(repo / ".git")
    with pytest.raises(UsageProblem, match="git init"):
        provenance.collect(repo, "demo_case")
