"""`factory update` in words: what was ended by git alone, and where both versions of a conflict are."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aifactory.cli.update import command
from aifactory.source import Source
from aifactory.update import placing, tree
from aifactory.update.answers import AnswersFile
from aifactory.update.plan import Plan, Renderings
from aifactory.update.record import Change, ChangeSet
from aifactory.update.rules import Outcome, Step
from aifactory.update.tree import FILE, Entry
from aifactory.update.versions import Way
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
    placing.move_in(tmp_path, ChangeSet(git(tmp_path, "rev-parse", "HEAD"), "0.1.0 to 0.2.0", changes))
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


@pytest.mark.heavy
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


def planned(repo: Path) -> Plan:
    """An update of a file of the factory's and, by an upgrade, of one of the owner's."""
    base = tree.of_commit(repo, "HEAD")
    its, upgraded = (Entry(FILE, tree.store(repo, text)) for text in (b"its\n", b"schema: 2\n"))
    changes = (Change("both.txt", base["both.txt"], its), Change("a picture.png", base["a picture.png"], upgraded))
    here = Source(repo, str(repo))
    answered = AnswersFile(str(repo), "v0.1.0", {}, "")
    head = git(repo, "rev-parse", "HEAD")
    return Plan(
        Way(here, answered, answered, str(repo), head, head),
        ChangeSet(head, "0.1.0 to 0.2.0", changes),
        (Step("both.txt", Outcome.CHANGE), Step("gone.txt", Outcome.KEEP_EDITED)),
        Renderings({"both.txt": base["both.txt"]}, {"both.txt": its}, {}, ""),
        ("a reminder",),
        ("the schema is old",),
    )


@pytest.mark.parametrize("dry_run", [True, False])
def test_given_a_plan_then_the_owners_files_come_first_and_upgrades_are_a_list_of_what_would_be_or_was_made(
    repo: Path, monkeypatch: pytest.MonkeyPatch, dry_run: bool
) -> None:
    made = planned(repo)
    monkeypatch.setattr("aifactory.update.update", lambda *_arguments, **_named: made)
    said = run(*(["--dry-run"] if dry_run else [])).output.splitlines()
    titles = [line for line in said if line.endswith(":")]
    assert titles == (
        [
            "Your own files that would change:",
            "Upgrades of them that are due, and would be made:",
            "Files of the factory that you edited or deleted, and what would become of them:",
            "All files, and what would become of them:",
        ]
        if dry_run
        else [
            "Your own files that changed:",
            "Upgrades of them that were made:",
            "Files of the factory that you edited or deleted, and what became of them:",
            "All files, and what became of them:",
        ]
    )
    assert said[said.index(titles[0]) + 1].startswith("  a picture.png: changed")
    assert said[said.index(titles[1]) + 1] == "  the schema is old"
    assert "note: a reminder" in said
    answered = json.loads(run(*(["--dry-run"] if dry_run else []), "--json").output)
    assert answered["upgrades"] == ["the schema is old"]
    assert answered["notes"] == ["a reminder", "upgraded: the schema is old"]
    assert {one["path"]: one["yours"] for one in answered["files"]} == {"a picture.png": True, "both.txt": False}


@pytest.mark.parametrize("dry_run", [True, False])
def test_given_a_plan_with_a_conflict_then_headline_and_list_say_so(
    repo: Path, monkeypatch: pytest.MonkeyPatch, dry_run: bool
) -> None:
    made = planned(repo)
    its = made.rendered.theirs["both.txt"]
    change = Change(
        "both.txt", made.change_set.changes[0].before, its, (None, made.change_set.changes[0].before, its), "text"
    )
    merged = (Step("both.txt", Outcome.MERGE), Step("other.txt", Outcome.MERGE))
    made = replace(made, change_set=replace(made.change_set, changes=(change,)), steps=merged)
    monkeypatch.setattr("aifactory.update.update", lambda *_arguments, **_named: made)
    done = CliRunner().invoke(command, ["--dry-run"] if dry_run else [])
    assert isinstance(done.exception, NeedsPerson)
    said = done.output.splitlines()
    assert said[0] == (
        "Would go from 0.1.0 to 0.2.0, with 1 conflict for you to decide"
        if dry_run
        else "Not finished from 0.1.0 to 0.2.0: 1 conflict for you to decide"
    )
    assert "  both.txt: conflict, for you to decide" in said
    assert "  other.txt: merged" in said
    answered = json.loads(CliRunner().invoke(command, ["--json", *(["--dry-run"] if dry_run else [])]).stdout)
    assert [(one["path"], one["outcome"]) for one in answered["files"]] == [("both.txt", "conflict")]
    assert list(answered["conflicts"]) == ["both.txt"]
