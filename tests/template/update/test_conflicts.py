"""`factory update` where owner and factory changed the same: both versions are left, and a person decides."""

from __future__ import annotations

from pathlib import Path

import pytest

from aifactory import update
from aifactory.update import answers
from aifactory_runtime.errors import NeedsPerson, UsageProblem
from tests.fixtures.usecase_repo import commit, git
from tests.template.released import ReleasedTemplate, copied, make_repo
from tests.template.update.following import edit, everything, follow, quiet, stands

pytestmark = pytest.mark.slow


def test_fault_11_given_edits_of_the_same_lines_then_both_are_left_and_the_owner_decides(repo: Path) -> None:
    edit(repo, "Makefile", "List the targets.", "What can be done here.")
    commit(repo, "Say it better")
    (repo / "docs" / "on-call.md").write_text("# Ours\n")
    commit(repo, "Who is called")
    before = everything(repo)

    plan = follow(repo)

    why = {change.path: change.why for change in plan.change_set.conflicts}
    assert set(why) == {"Makefile", "docs/on-call.md"}
    assert "Say it better" in why["Makefile"]
    assert why["docs/on-call.md"].startswith("yours (")
    text = (repo / "Makefile").read_text()
    assert "What can be done here." in text
    assert "List all targets." in text
    with pytest.raises(UsageProblem, match="waits for your decisions: factory update --continue"):
        follow(repo)
    with pytest.raises(NeedsPerson, match="Makefile:"):
        update.go_on(repo, quiet)
    update.abort(repo)
    assert everything(repo) == before
    assert git(repo, "status", "--porcelain") == ""

    follow(repo)
    (repo / "Makefile").write_text(text.split("<<<<<<<")[0])
    (repo / "docs" / "on-call.md").write_text("# Ours\n")
    update.go_on(repo, quiet)
    commit(repo, "Follow the factory 0.2.0")
    assert answers.read(repo).commit == "v0.2.0"
    assert (repo / "docs" / "on-call.md").read_text() == "# Ours\n"


def test_given_a_picture_that_both_changed_and_the_factory_moved_then_both_versions_can_be_had(
    released: ReleasedTemplate, tmp_path: Path
) -> None:
    made = ReleasedTemplate(copied(released.folder, tmp_path / "with-pictures"))
    first, second = made.folder / "template/docs/first.png", made.folder / "template/docs/second.png"
    first.write_bytes(bytes(range(256)) * 8)
    made.release("0.3.0", "- A picture. Nothing to do.")
    repo = make_repo(made, tmp_path / "repo", "v0.3.0")
    first.rename(second)
    second.write_bytes(bytes(range(256)) * 8 + b"its")
    made.release("0.4.0", "- Another one. Nothing to do.")
    (repo / "docs" / "first.png").write_bytes(bytes(range(256)) * 8 + b"mine")
    commit(repo, "A better picture")
    before = everything(repo)

    plan = follow(repo, "0.4.0", address=str(made.folder))

    (why,) = [change.why for change in plan.change_set.conflicts]
    assert "A better picture" in why
    assert why.endswith("and the factory changed it, too")
    assert not (repo / "docs" / "first.png").exists()
    assert (repo / "docs" / "second.png").read_bytes().endswith(b"mine")
    git(repo, "checkout", "--theirs", "--", "docs/second.png")
    assert (repo / "docs" / "second.png").read_bytes().endswith(b"its")
    update.abort(repo)
    assert everything(repo) == before


def test_given_an_empty_file_of_the_owners_where_the_factory_puts_one_then_it_stays_until_the_owner_decides(
    repo: Path,
) -> None:
    (repo / "docs" / "on-call.md").write_text("")
    commit(repo, "To be written")
    plan = follow(repo)
    assert [change.path for change in plan.change_set.conflicts] == ["docs/on-call.md"]
    with pytest.raises(NeedsPerson, match=r"on-call\.md: choose one"):
        update.go_on(repo, quiet)
    assert (repo / "docs" / "on-call.md").read_text() == ""


def test_given_a_conflict_committed_with_its_markers_then_update_and_status_say_so_and_work(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(repo, "Makefile", "List the targets.", "What can be done here.")
    commit(repo, "Say it better")
    follow(repo)
    git(repo, "commit", "--quiet", "--all", "--message", "Follow the factory 0.2.0")
    said: list[str] = []
    plan = update.update(repo, "0.2.0", None, {}, said.append)
    assert any("the update 0.1.0 to 0.2.0 is closed" in line for line in said)
    assert any("Makefile:" in note and "holds a conflict" in note for note in plan.notes)
    assert any("holds a conflict" in note for note in stands(repo, "0.2.0", monkeypatch).notes)
