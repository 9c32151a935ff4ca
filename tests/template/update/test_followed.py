"""`factory update` in real repos made by copier from real releases: what an owner made is kept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from copier import run_update

from aifactory import update
from aifactory.update import tree
from aifactory_runtime.errors import UsageProblem
from tests.fixtures.usecase_repo import commit, git
from tests.template.released import ReleasedTemplate, copied, make_repo
from tests.template.support import YOURS, files
from tests.template.update.following import edit, everything, follow

pytestmark = pytest.mark.slow
MOVED = ("docs/extending.md", "docs/own-behaviour.md")


def test_given_a_repo_nobody_edited_then_it_is_as_the_new_version_makes_one_and_as_copier_updates_it(
    released: ReleasedTemplate, repo: Path, tmp_path: Path
) -> None:
    by_copier = copied(repo, tmp_path / "by-copier")
    plan = follow(repo)

    assert git(repo, "log", "--oneline").count("\n") == 0, "it must not commit"
    assert all(line[1] == " " for line in git(repo, "status", "--porcelain").splitlines())
    new = make_repo(released, tmp_path / "new", "v0.2.0")
    for path in files(new) - YOURS:
        assert (repo / path).read_bytes() == (new / path).read_bytes(), path
    assert files(repo) - YOURS == files(new) - YOURS
    run_update(by_copier, defaults=True, quiet=True, overwrite=True, vcs_ref="v0.2.0")
    assert everything(by_copier) == everything(repo)
    assert plan.way.changelog == "## 0.2.0\n\n- Targets are listed better. Nothing to do."
    assert not plan.change_set.conflicts


def test_given_a_dry_run_then_the_plan_is_the_same_and_nothing_is_touched(repo: Path) -> None:
    before = everything(repo)
    plan = follow(repo, dry_run=True)
    assert everything(repo) == before
    assert git(repo, "status", "--porcelain") == ""
    assert {step.path: step.outcome.name for step in plan.steps} == {
        ".dockerignore": "REMOVE",
        "Makefile": "CHANGE",
        MOVED[0]: "REMOVE",
        MOVED[1]: "ADD",
        "docs/on-call.md": "ADD",
    }


def test_fault_13_given_edits_in_files_that_changed_moved_or_went_then_each_is_kept(repo: Path) -> None:
    edit(repo, "Makefile", "-include local.mk", "# my line\n-include local.mk")
    (repo / MOVED[0]).write_text((repo / MOVED[0]).read_text(encoding="utf-8") + "\nMy note.\n", encoding="utf-8")
    (repo / ".dockerignore").write_text("mine\n")
    (repo / "data" / "extra.bin").write_bytes(bytes(range(256)))
    (repo / "latin.txt").write_bytes(b"caf\xe9\r\n")
    commit(repo, "Work of the owner")
    (repo / "notes.txt").write_text("in no commit\n")

    plan = follow(repo)

    assert not plan.change_set.conflicts
    assert "# my line" in (repo / "Makefile").read_text()
    assert "List all targets." in (repo / "Makefile").read_text()
    assert "My note." in (repo / MOVED[1]).read_text(encoding="utf-8")
    assert not (repo / MOVED[0]).exists()
    assert (repo / ".dockerignore").read_text() == "mine\n"
    assert (repo / "data" / "extra.bin").read_bytes() == bytes(range(256))
    assert (repo / "latin.txt").read_bytes() == b"caf\xe9\r\n"
    assert (repo / "notes.txt").read_text() == "in no commit\n"
    assert {step.path: step.outcome.name for step in plan.steps}[".dockerignore"] == "KEEP_EDITED"


def test_fault_12_given_deleted_files_of_both_then_they_stay_deleted(repo: Path) -> None:
    for path in ("Makefile", MOVED[0], "notebooks/explore.ipynb", "src/tumour_triage/features.py"):
        (repo / path).unlink()
    commit(repo, "Not needed here")
    plan = follow(repo)
    for path in ("Makefile", *MOVED, "notebooks/explore.ipynb", "src/tumour_triage/features.py"):
        assert not (repo / path).exists(), path
    kept = {step.path for step in plan.steps if step.outcome.name == "KEEP_DELETED"}
    assert kept == {"Makefile", MOVED[1]}


def test_given_no_repo_or_no_commit_then_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="is in no git repo"):
        update.top(tmp_path)
    git(tmp_path, "init", "--quiet")
    with pytest.raises(UsageProblem, match="has no commit yet"):
        update.top(tmp_path)


def test_given_a_file_of_the_owner_that_git_ignores_where_the_factory_puts_one_then_it_is_named(repo: Path) -> None:
    (repo / "docs" / ".gitignore").write_text("on-call.md\n")
    commit(repo, "Keep it out")
    (repo / "docs" / "on-call.md").write_text("only here\n")
    with pytest.raises(UsageProblem, match=r"docs/on-call\.md is in no commit"):
        follow(repo)
    assert (repo / "docs" / "on-call.md").read_text() == "only here\n"


def test_given_odd_things_in_the_repo_then_none_of_them_is_touched(repo: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    git(tmp_path, "init", "--quiet", str(other))
    (other / "a.txt").write_text("a\n")
    commit(other, "Start")
    git(repo, "-c", "protocol.file.allow=always", "submodule", "add", "--quiet", str(other), "lib")
    (repo / "link.csv").symlink_to("data/sample.csv")
    (repo / "big.bin").write_bytes(os.urandom(1024) * 20_000)
    (repo / "dos.txt").write_bytes(b"a\r\nb\r\n")
    (repo / "tool.sh").write_text("#!/bin/sh\n")
    (repo / "tool.sh").chmod(0o755)
    commit(repo, "Odd things")
    before = tree.of_commit(repo, "HEAD")

    plan = follow(repo)
    commit(repo, "Follow the factory 0.2.0")

    after = tree.of_commit(repo, "HEAD")
    touched = {change.path for change in plan.change_set.changes}
    assert {path: entry for path, entry in before.items() if path not in touched} == {
        path: entry for path, entry in after.items() if path not in touched
    }
    assert {"lib", "link.csv", "big.bin", "dos.txt", "tool.sh"} <= after.keys() - touched
    assert git(repo, "status", "--porcelain") == ""
