"""What a person decided is tried, and taken with what hooks add; whatever stops that, no decision is lost."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aifactory import update
from aifactory.update import placing, record, tree, verify
from aifactory.update.record import Change, ChangeSet
from aifactory.update.tree import FILE, Entry
from aifactory_runtime.errors import FactoryError, NeedsPerson, UsageProblem
from tests.fixtures.usecase_repo import commit, git
from tests.unit.aifactory.update.kills import Killed, killed_at

MARKED = b"<<<<<<< yours\nmine\n=======\nits\n>>>>>>> factory\n"
CHECKED = "setup:\n\t@true\ncheck:\n\t@test ! -e red.txt || (echo 'red.txt is there'; exit 1)\n"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repo with an update whose one conflict is decided, and with work of its owner beside it."""
    root = tmp_path / "place" / "repo"
    root.mkdir(parents=True)
    for path in ("Makefile", "both.txt", "own.txt"):
        (root / path).write_text("mine\n")
    (root / ".gitignore").write_text(".factory/\n")
    git(root, "init", "--quiet", "--initial-branch=main")
    commit(root, "Start")
    before = tree.of_commit(root, "HEAD")
    its, both, made = (Entry(FILE, tree.store(root, text)) for text in (b"its\n", MARKED, CHECKED.encode()))
    conflict = Change("both.txt", before["both.txt"], both, (None, before["both.txt"], its), "edited by both")
    changes = (Change("Makefile", before["Makefile"], made), Change("new.txt", None, its), conflict)
    placing.move_in(root, ChangeSet(git(root, "rev-parse", "HEAD"), "0.1.0 to 0.2.0", changes, version="0.2.0"))
    (root / "both.txt").write_text("decided\n")
    (root / "own.txt").write_text("not staged\n")
    return root


def hook(repo: Path, script: str) -> list[Path]:
    path = repo.parent.parent / "10-ours"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return [path]


def go_on(repo: Path, hooks: list[Path] | None = None, *, checked: bool = False) -> list[str]:
    """Lines of progress."""
    said: list[str] = []
    _change_set, waits = update.go_on(repo, said.append, hooks=hooks, checked=checked)
    assert not waits
    return said


def state(repo: Path) -> dict[str, Any]:
    """All that a person has."""
    files = {path: (repo / path).read_bytes() for path in tree.files_of(repo)}
    return {"files": files, "index": git(repo, "ls-files", "--stage"), "beside": sorted(repo.parent.iterdir())}


def staged(repo: Path) -> dict[str, str]:
    paths = git(repo, "diff", "--cached", "--name-only").split()
    return {path: git(repo, "show", f":{path}") for path in paths}


HOOKED = {
    "Makefile": f"{CHECKED}# ours",
    "both.txt": "decided\nby company",
    "company.yaml": "after_update 0.2.0",
    "new.txt": "its",
}
HOOK = (
    'echo "$FACTORY_EVENT $FACTORY_VERSION" > company.yaml; echo "# ours" >> Makefile; echo "by company" >> both.txt; '
    "grep mine own.txt"
)


def test_given_a_hook_then_it_works_on_what_was_decided_and_its_work_is_staged_with_it(repo: Path) -> None:
    said = go_on(repo, hook(repo, HOOK))
    assert staged(repo) == HOOKED
    assert (repo / "both.txt").read_text() == "decided\nby company\n"
    assert git(repo, "diff", "--name-only") == "own.txt"
    assert said == [f"Running {repo.parent.parent / '10-ours'} ..."]
    with pytest.raises(UsageProblem, match="no update and no adoption is open"):
        go_on(repo)


def test_given_a_hook_that_removes_files_then_they_are_gone_and_that_is_staged(repo: Path) -> None:
    go_on(repo, hook(repo, "rm new.txt Makefile"))
    assert git(repo, "diff", "--cached", "--name-status").split() == ["D", "Makefile", "M", "both.txt"]
    assert not (repo / "new.txt").exists()
    assert record.noted(repo) is None


@pytest.mark.heavy
def test_given_a_hook_that_fails_then_it_is_named_and_the_decision_waits_as_it_is(repo: Path) -> None:
    before = state(repo)
    with pytest.raises(FactoryError, match=r"10-ours ended with 7: nothing was changed\nbroken"):
        go_on(repo, hook(repo, "echo half > half.txt; echo broken; exit 7"))
    assert state(repo) == before
    go_on(repo)
    assert staged(repo)["both.txt"] == "decided"


@pytest.mark.heavy
def test_given_markers_that_are_left_then_no_hook_runs(repo: Path, tmp_path: Path) -> None:
    (repo / "both.txt").write_bytes(MARKED)
    with pytest.raises(NeedsPerson, match=r"both\.txt:1"):
        go_on(repo, hook(repo, f"touch {tmp_path}/ran"), checked=True)
    assert not (tmp_path / "ran").exists()


@pytest.mark.heavy
def test_given_checks_that_fail_then_it_does_not_end_until_what_is_staged_passes(repo: Path) -> None:
    (repo / "red.txt").write_text("red\n")
    git(repo, "add", "red.txt")
    before = state(repo)
    words = r"(?s)make check fails .* nothing was changed; mend it, git add .* --continue --verify.*red\.txt is there"
    with pytest.raises(FactoryError, match=words):
        go_on(repo, checked=True)
    assert state(repo) == before
    git(repo, "rm", "--quiet", "--force", "red.txt")
    said = go_on(repo, checked=True)
    assert [line.partition(":")[0] for line in said] == [
        "Verify, 1 of 3, environment",
        "Verify, 2 of 3, locks",
        "Verify, 3 of 3, checks",
    ]
    assert staged(repo)["both.txt"] == "decided"
    assert record.noted(repo) is None


@pytest.mark.heavy
def test_given_an_interrupted_update_then_it_is_verified_before_it_is_finished(repo: Path) -> None:
    update.abort(repo)
    red = Entry(FILE, tree.store(repo, b"red\n"))
    makefile = Change(
        "Makefile", tree.of_commit(repo, "HEAD")["Makefile"], Entry(FILE, tree.store(repo, CHECKED.encode()))
    )
    change_set = ChangeSet(git(repo, "rev-parse", "HEAD"), "0.1.0 to 0.2.0", (makefile, Change("red.txt", None, red)))
    record.note(repo, change_set, record.Phase.MOVING)
    with pytest.raises(FactoryError, match="make check fails"):
        go_on(repo, checked=True)
    assert not (repo / "red.txt").exists()
    go_on(repo)
    assert (repo / "red.txt").exists()


@pytest.mark.heavy
def test_given_a_change_that_is_not_staged_where_a_hook_writes_then_it_is_named_and_kept(repo: Path) -> None:
    before = state(repo)
    with pytest.raises(UsageProblem, match=r"own\.txt has a change of yours that is not staged"):
        go_on(repo, hook(repo, "echo x >> own.txt"))
    assert state(repo) == before
    git(repo, "add", "own.txt")
    go_on(repo, hook(repo, "echo x >> own.txt"))
    assert (repo / "own.txt").read_text() == "not staged\nx\n"


@pytest.mark.heavy
@pytest.mark.parametrize("script", ["echo later > {0}/both.txt", "cd {0} && git add own.txt"])
def test_given_work_of_the_owner_while_it_is_tried_then_nothing_is_written(repo: Path, script: str) -> None:
    with pytest.raises(UsageProblem, match="changed while it was tried: nothing was written"):
        go_on(repo, hook(repo, f"echo x > x.txt; {script.format(repo)}"))
    assert not (repo / "x.txt").exists()
    go_on(repo, hook(repo, "echo x > x.txt"))
    assert staged(repo)["x.txt"] == "x"


@pytest.mark.slow
def test_fault_16_given_a_kill_before_any_write_then_no_decision_is_lost(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooked = {name: Entry(FILE, tree.store(repo, f"{text}\n".encode())) for name, text in HOOKED.items()}
    monkeypatch.setattr(
        verify,
        "tried",
        lambda _repo, change_set, *_rest, **_named: replace(
            change_set, changes=tuple(Change(path, None, entry) for path, entry in hooked.items())
        ),
    )
    undone = shutil.copytree(repo, tmp_path / "undone")
    update.abort(undone)
    kills = 0
    for step in range(1, 200):
        killed = shutil.copytree(repo, tmp_path / f"killed-{step}")
        with killed_at(step, monkeypatch) as count:
            try:
                go_on(killed, [Path("a hook")])
            except Killed:
                kills += 1
        if count[0] < step:
            break
        if step % 2 and record.noted(killed):
            update.abort(killed)
            assert git(killed, "status", "--porcelain") == git(undone, "status", "--porcelain"), f"write {step}"
        elif record.noted(killed):
            go_on(killed, [Path("a hook")])
        if step % 2 == 0:
            assert staged(killed) == HOOKED, f"write {step}"
        assert (killed / "own.txt").read_text() == "not staged\n"
    assert kills > 20
