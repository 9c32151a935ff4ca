"""`factory adopt`: repos made by hand become the factory's, checked and trained, with nothing of theirs lost."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest
import yaml

from aifactory import update
from aifactory.update import index, tree
from aifactory_runtime.config import yaml_model
from aifactory_runtime.contract import Manifest
from tests.fixtures.usecase_repo import commit, git
from tests.template import handmade
from tests.template.released import ReleasedTemplate, make_released
from tests.template.test_new import FACTORY, Said

pytestmark = pytest.mark.slow
TABLE = ("--data", "data/table.csv", "--target-column", "churned", "--owner", "ana")
Adopt = Callable[..., Said]


class Killed(BaseException):
    """Stands for kill -9: nothing that catches errors sees it."""


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> ReleasedTemplate:
    return make_released(tmp_path_factory.mktemp("released") / "factory")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACTORY_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The plain repo, where the command runs."""
    made = handmade.make_plain(tmp_path / "leavers")
    monkeypatch.chdir(made)
    return made


@pytest.fixture
def adopt(released: ReleasedTemplate, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Adopt:
    """`factory adopt` in this process, from release 0.1.0."""

    def run(*arguments: str, command: str = "adopt") -> Said:
        source = ("--template", str(released.folder), "--ref", "v0.1.0") if "--data" in arguments else ()
        monkeypatch.setattr(sys, "argv", ["factory", command, *arguments, *source])
        from aifactory.cli.main import main

        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        code = ended.value.code
        return Said(code if isinstance(code, int) else 1, captured.out, captured.err)

    return run


@pytest.fixture
def folder(type_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a repo's own commands run as in a shell of a person's, with what mypy knows of the packages."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.setenv("MYPY_CACHE_DIR", str(type_cache))
    return tmp_path


def state(repo: Path) -> tuple[dict[str, bytes], str, str]:
    """All that a person has: every file, what git says, where HEAD is."""
    files = {path: (repo / path).read_bytes() for path in tree.files_of(repo)}
    return files, git(repo, "status", "--porcelain"), git(repo, "rev-parse", "HEAD")


def lost(repo: Path, before: str) -> list[str]:
    """Files of a commit that are neither at their place nor set aside, byte by byte and with their mode."""
    now = tree.of_commit(repo, "HEAD")
    places = {path: (path, f"before-factory/{path}") for path in tree.of_commit(repo, before)}
    return [
        path
        for path, entry in tree.of_commit(repo, before).items()
        if entry not in [now.get(place) for place in places[path]]
    ]


@pytest.mark.parametrize(
    ("make", "table", "python"),
    [
        (handmade.make_plain, "data/table.csv", ".venv/bin/python"),  # made by `make setup`
        (handmade.make_layout, "data/raw/customers.csv", sys.executable),
    ],
    ids=["plain", "layout"],
)
def test_given_a_repo_made_by_hand_when_adopted_then_it_is_checked_and_trained_and_nothing_is_lost(
    adopt: Adopt, make: Callable[[Path], Path], table: str, python: str, folder: Path
) -> None:
    repo = make(folder / "who-leaves")
    before = git(repo, "rev-parse", "HEAD")
    os.chdir(repo)
    said = adopt("--data", table, *TABLE[2:], "--yes")

    assert said.code == 0, said.error
    assert git(repo, "rev-parse", "HEAD") == before, "it must not commit"
    assert all(line[1] == " " for line in git(repo, "status", "--porcelain").splitlines()), "something is not staged"
    commit(repo, "Adopt")
    assert lost(repo, before) == []
    manifest = yaml_model.load(repo / "factory.yaml", Manifest)
    assert (manifest.use_case, manifest.settings("prod").data_source) == ("who-leaves", table)
    for target in ("setup", "check", "train"):
        command = ["make", "--no-print-directory", target, f"PYTHON={python}"]
        done = subprocess.run(command, cwd=repo, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        if (target, python) == ("setup", ".venv/bin/python"):
            assert re.search(r"^packages installed, \d+ s; .*\nenvironment made, \d+ s$", done.stderr, re.MULTILINE)
    assert "version 1 registered" in done.stdout
    assert git(repo, "status", "--porcelain") == ""


def test_given_an_adopted_repo_when_updated_then_it_follows_and_what_was_there_before_stays(
    adopt: Adopt, repo: Path
) -> None:
    before = git(repo, "rev-parse", "HEAD")
    assert adopt(*TABLE, "--yes").code == 0
    commit(repo, "Adopt")
    assert yaml.safe_load((repo / ".copier-answers.yml").read_text(encoding="utf-8"))["_commit"]

    plan = update.update(repo, "0.2.0", None, {}, lambda _line: None)

    assert not plan.change_set.conflicts
    commit(repo, "Follow")
    assert lost(repo, before) == []
    assert "List all targets." in (repo / "Makefile").read_text(encoding="utf-8")
    assert (repo / "docs" / "own-behaviour.md").is_file()
    assert "*.pkl\n" in (repo / ".gitignore").read_text(encoding="utf-8")
    assert git(repo, "log", "--follow", "--format=%s", "--", "before-factory/pytest.ini").splitlines()[-1] == (
        "Work by hand"
    )


def test_given_a_dry_run_as_json_when_read_then_it_names_what_becomes_of_files_and_nothing_is_touched(
    adopt: Adopt, repo: Path
) -> None:
    before = state(repo)
    said = json.loads(adopt(*TABLE, "--dry-run", "--json").out)

    assert state(repo) == before
    assert said["state"] == "planned"
    assert said["set_aside"]["tests/test_train.py"] == "before-factory/tests/test_train.py"
    assert set(said["set_aside"]) == {
        ".gitignore", "Makefile", "pytest.ini", "tests/conftest.py", "tests/rows.csv", "tests/test_train.py"
    }  # fmt: skip
    assert said["left_out"] == {"README.md": "README.md"}
    assert {"factory.yaml", "ruff.toml", "src/leavers/model.py"} <= set(said["added"])
    assert any("requirements.txt" in note and "requirements/science.in" in note for note in said["notes"])


def test_given_a_pipe_and_no_word_of_consent_when_adopted_then_the_plan_is_shown_and_nothing_is_touched(
    adopt: Adopt, repo: Path
) -> None:
    before = state(repo)
    said = adopt(*TABLE)

    assert (said.code, state(repo)) == (2, before)
    assert "Adopt this repo as leavers" in said.out
    assert "say --yes" in said.error


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1)])
def test_given_a_terminal_when_adopted_then_the_plan_is_asked_about(
    released: ReleasedTemplate, repo: Path, answer: str, code: int
) -> None:
    arguments = ["adopt", *TABLE, "--template", str(released.folder), "--ref", "v0.1.0"]
    asked = pexpect.spawn(str(FACTORY), arguments, timeout=120, encoding="utf-8")
    asked.expect("before-factory/")
    asked.expect("Carry it out")
    asked.send(f"{answer}\r")
    asked.expect(pexpect.EOF)
    asked.close()
    assert asked.exitstatus == code, asked.before
    assert (git(repo, "status", "--porcelain") == "") == (answer == "n")


@pytest.mark.parametrize("end", ["--continue", "--abort"])
def test_fault_16_given_a_kill_between_files_and_index_when_ended_then_the_repo_is_adopted_or_as_it_was(
    adopt: Adopt, repo: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    before = state(repo)

    def killed(*_arguments: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(index, "put", killed)
        adopt(*TABLE, "--yes")
    assert (repo / "factory.yaml").is_file(), "files are to be in place when it dies"
    assert "the adoption as leavers was interrupted: factory adopt --continue, or --abort" in adopt(*TABLE).error

    said = adopt(end)

    assert said.code == 0, said.error
    assert "adoption as leavers" in said.out
    if end == "--abort":
        assert state(repo) == before
    else:
        commit(repo, "Adopt")
        assert lost(repo, before[2]) == []
        assert git(repo, "status", "--porcelain") == ""


def test_given_a_companys_own_step_when_adopted_then_what_it_adds_is_staged_too(
    adopt: Adopt, repo: Path, home: Path
) -> None:
    hook = home / "hooks" / "after_new" / "catalogue"
    hook.parent.mkdir(parents=True)
    hook.write_text('#!/bin/sh\necho "$FACTORY_EVENT $FACTORY_USE_CASE" >catalogue.txt\n')
    hook.chmod(0o755)

    assert adopt(*TABLE, "--yes").code == 0

    assert (repo / "catalogue.txt").read_text() == "after_new leavers\n"
    assert "A  catalogue.txt" in git(repo, "status", "--porcelain")


def test_given_a_table_that_git_does_not_hold_when_adopted_then_its_whole_path_is_kept_and_that_is_said(
    adopt: Adopt, repo: Path
) -> None:
    (repo / "secret").mkdir()
    (repo / "data" / "table.csv").rename(repo / "secret" / "rows.csv")
    commit(repo, "The table is nobody's business")
    said = adopt("--data", "secret/rows.csv", *TABLE[2:], "--yes")

    assert said.code == 0, said.error
    assert "secret/rows.csv is in no commit" in said.out
    source = yaml_model.load(repo / "factory.yaml", Manifest).settings("dev").data_source
    assert source == str(repo / "secret" / "rows.csv")


def _no_repo(repo: Path) -> None:
    subprocess.run(["rm", "-rf", repo / ".git"], check=True)


def _no_commit(repo: Path) -> None:
    _no_repo(repo)
    git(repo, "init", "--quiet")


def _untracked(repo: Path) -> None:
    (repo / "factory.yaml").write_text("mine: 1\n")


def _changed(repo: Path) -> None:
    (repo / "train.py").write_text("mine = 1\n")


@pytest.mark.parametrize(
    ("prepare", "arguments", "sentence"),
    [
        (_no_repo, TABLE, "is in no git repo"),
        (_no_commit, TABLE, "has no commit yet"),
        (_changed, TABLE, "train.py has changes that are not committed"),
        (_untracked, TABLE, "factory.yaml is in no commit"),
        (None, ("Leavers", *TABLE), "only a-z"),
        (None, ("leavers",), "a table is missing"),
        (None, ("--data", "data/none.csv", *TABLE[2:]), "data/none.csv is missing"),
        (None, ("--abort", *TABLE), "stand alone"),
        (None, ("--abort",), "no update and no adoption is open"),
    ],
)
def test_given_what_cannot_be_adopted_then_one_line_says_why_and_nothing_is_touched(
    adopt: Adopt,
    repo: Path,
    prepare: Callable[[Path], None] | None,
    arguments: tuple[str, ...],
    sentence: str,
) -> None:
    if prepare:
        prepare(repo)
    before = {path: (repo / path).read_bytes() for path in tree.files_of(repo)}
    said = adopt(*arguments)

    assert said.code in {1, 2}
    assert sentence in said.error.splitlines()[-1]
    assert {path: (repo / path).read_bytes() for path in tree.files_of(repo)} == before


def test_given_a_repo_of_the_factory_when_adopted_then_it_is_sent_to_update(adopt: Adopt, repo: Path) -> None:
    assert adopt(*TABLE, "--yes").code == 0
    commit(repo, "Adopt")

    said = adopt(*TABLE, "--yes")

    assert (said.code, "factory update" in said.error) == (2, True)
