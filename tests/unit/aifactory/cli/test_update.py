"""`factory update` in words: what was ended by git alone, and where both versions of a conflict are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aifactory.cli.update import command
from aifactory.update import placing, tree
from aifactory.update.record import Change, Move
from aifactory.update.tree import FILE, Entry
from aifactory_runtime.errors import FactoryError, NeedsPerson, UsageProblem
from tests.fixtures.usecase_repo import commit, git


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repo with a text and a picture that wait for a decision."""
    for path in ("both.txt", "a picture.png"):
        (tmp_path / path).write_bytes(b"\x00mine\n")
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    commit(tmp_path, "Start")
    monkeypatch.chdir(tmp_path)
    mine = tree.of_commit(tmp_path, "HEAD")["both.txt"]
    its, both = (Entry(FILE, tree.store(tmp_path, text)) for text in (b"its\n", b"<<<<<<< yours\n"))
    stages = (None, mine, its)
    changes = (Change("both.txt", mine, both, stages, "text"), Change("a picture.png", mine, mine, stages, "picture"))
    placing.move_in(tmp_path, Move(git(tmp_path, "rev-parse", "HEAD"), "0.1.0 to 0.2.0", changes))
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, catch_exceptions=False)


@pytest.mark.parametrize("end", ["--continue", "--abort"])
def test_given_a_conflict_that_was_committed_by_git_alone_then_each_end_says_so_once(repo: Path, end: str) -> None:
    git(repo, "commit", "--quiet", "--all", "--message", "Mine")
    told = run(end).output
    assert "the update 0.1.0 to 0.2.0 is closed: 1 of its 2 files changed there, as before: a picture.png" in told
    assert told.endswith("markers are left in both.txt:1\n")
    with pytest.raises(UsageProblem, match="no update and no adoption is open"):
        run(end)


def test_given_json_then_what_was_committed_is_said_as_state(repo: Path) -> None:
    git(repo, "commit", "--quiet", "--all", "--message", "Mine")
    answered = json.loads(run("--continue", "--json").output)
    assert (answered["title"], answered["state"]) == ("0.1.0 to 0.2.0", "committed")


def test_given_an_interruption_with_conflicts_then_it_is_said_where_both_versions_are(repo: Path) -> None:
    note = repo / ".git" / "factory-update" / "move.json"
    note.write_text(note.read_text().replace('"conflicts"', '"moving"'))
    with pytest.raises(NeedsPerson) as raised:
        run("--continue")
    assert str(raised.value).splitlines() == [
        "2 files need you:",
        "  both.txt: text; both versions are in it, between markers",
        "  a picture.png: picture; yours is there, for the factory's: git checkout --theirs -- 'a picture.png'; then "
        "git add it",
        "decide, then factory update --continue (or --abort)",
    ]


def test_given_decisions_then_continue_runs_the_companys_hooks_and_with_verify_the_checks(
    repo: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("FACTORY_HOME", str(home))
    hook = home / "hooks" / "after_update" / "10-ours"
    hook.parent.mkdir(parents=True)
    hook.write_text("#!/bin/sh\nprintf 'setup:\\n\\t@test -e red.txt\\n' > Makefile\n")
    hook.chmod(0o755)
    (repo / "both.txt").write_text("decided\n")
    git(repo, "add", "a picture.png")
    with pytest.raises(FactoryError, match="the locks of the result cannot be installed"):
        run("--continue", "--verify")
    assert not (repo / "Makefile").exists()
    assert "is staged: look at it" in run("--continue").output
    assert git(repo, "diff", "--cached", "--name-only").split() == ["Makefile", "both.txt"]


@pytest.mark.parametrize("more", [("--to", "0.2.0"), ("--dry-run",), ("--continue",), ("--verify",)])
def test_given_an_abort_with_something_beside_it_then_it_is_refused(repo: Path, more: tuple[str, ...]) -> None:
    with pytest.raises(UsageProblem, match="--abort stands alone, --continue takes --verify only"):
        run("--abort", *more)
    assert (repo / "both.txt").read_text() == "<<<<<<< yours\n"
