"""`upgrade` and `upgrade --check` in a repo: done, refused, and what is left to a person."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.upgrades import markers
from aifactory_runtime.upgrades.commands import upgrade
from tests.fixtures.usecase_repo import commit, git

OLD = "# yaml-language-server: $schema=src/aifactory_runtime/contract/manifest.v1.json\nschema: 1\n"


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "factory.yaml").write_text(OLD)
    commit(tmp_path, "Start")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def called(*arguments: str) -> str:
    done = CliRunner().invoke(upgrade, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def test_given_an_upgrade_that_is_due_then_check_fails_with_one_sentence_until_it_is_done(repo: Path) -> None:
    with pytest.raises(FactoryError, match=r"an upgrade is due: .*factory\.yaml\. Type make upgrade") as raised:
        called("--check")
    assert "\n" not in str(raised.value)
    assert (repo / "factory.yaml").read_text() == OLD
    assert called().startswith("upgraded: ")
    assert called("--check") == "nothing is due\n"
    assert json.loads(called("--json")) == {"due": [], "reminders": []}


def test_given_a_conflict_that_was_committed_then_it_is_named_with_its_line(repo: Path) -> None:
    called()
    (repo / "Makefile").write_text("all:\n<<<<<<< before updating\n=======\n>>>>>>> after updating\n")
    (repo / "notes.md").write_text("Title\n=======\n")
    commit(repo, "Update")
    with pytest.raises(FactoryError, match="Makefile:2 holds a conflict of an update"):
        called("--check")
    (repo / "Makefile").write_text("all:\n")
    called("--check")


def test_given_no_git_repo_then_nothing_is_said_of_conflicts(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("<<<<<<< a\n")
    assert markers.due(tmp_path) is None
