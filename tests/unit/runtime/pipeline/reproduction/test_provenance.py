"""Which commit a run is made from: what git does not say is not guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.pipeline.reproduction import provenance
from tests.fixtures.usecase_repo import git


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
