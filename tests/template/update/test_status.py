"""Where a repo stands towards its releases, before and after `factory update`."""

from __future__ import annotations

from pathlib import Path

import pytest

from aifactory import scaffold, update
from aifactory.cli.standing import of, say
from aifactory.home import Home
from aifactory.provision.plan import Place
from aifactory.update import answers
from aifactory.update import plan as plan_module
from aifactory.update.standing import keep_new
from aifactory_runtime.config import yaml_model
from aifactory_runtime.contract import Manifest
from tests.fixtures.usecase_repo import commit
from tests.template.released import ReleasedTemplate
from tests.template.update.following import edit, follow, quiet, stands

pytestmark = pytest.mark.slow
EDITED = {"Makefile", ".dockerignore", ".gitattributes"}


def test_given_edits_and_a_newer_release_then_status_says_how_far_and_what_an_update_would_do(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(repo, "Makefile", "-include local.mk", "# my line\n-include local.mk")
    (repo / ".dockerignore").unlink()
    edit(repo, answers.FILE, "scoring: online", "scoring: batch")
    edit(repo, ".gitattributes", "/vendor/**", "/vendor/*")
    commit(repo, "Edits of the owner")

    now = stands(repo, "0.1.0", monkeypatch)
    assert (now.version, now.newest, now.behind, now.changelog) == ("0.1.0", "0.1.0", False, "")
    assert list(now.notes) == ["release 0.2.0 is there; this factory is 0.1.0, so install that one to go there"]
    then = stands(repo, "0.2.0", monkeypatch)
    assert (then.version, then.newest, then.behind) == ("0.1.0", "0.2.0", True)
    assert then.changelog.endswith("Targets are listed better. Nothing to do.")
    said = {one.path: (one.since.partition(" ")[2], one.will) for one in then.edited if one.path in EDITED}
    assert said == {
        "Makefile": ("Edits of the owner", "update merges your edit with the factory's change"),
        ".dockerignore": ("Edits of the owner", "update leaves it as it is"),
        ".gitattributes": ("Edits of the owner", "update leaves it as it is"),
    }
    assert any("scoring: .copier-answers.yml says 'batch', factory.yaml says 'online'" in one for one in then.untrue)


def test_given_a_status_of_before_then_nothing_is_rendered_for_the_next_one_nor_after_an_update(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_look = stands(repo, "0.2.0", monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(plan_module, "render_both", None)
        assert stands(repo, "0.2.0", monkeypatch) == first_look
    follow(repo)
    commit(repo, "Follow the factory 0.2.0")
    monkeypatch.setattr(plan_module, "render_both", None)
    after = stands(repo, "0.2.0", monkeypatch)
    assert (after.version, after.behind, after.edited, after.untrue) == ("0.2.0", False, (), ())


def test_given_a_new_repo_then_its_first_status_renders_nothing(
    released: ReleasedTemplate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = {"use_case": "tumour-triage", "owner": "ana.lopez"}
    created = scaffold.new(tmp_path, answered, template=scaffold.locate(str(released.folder), "v0.1.0", {}))
    monkeypatch.setattr("aifactory.update.versions.__version__", "0.1.0")
    keep_new(created.path, created.owners, {})
    monkeypatch.setattr(plan_module, "render_both", None)
    found = stands(created.path, "0.1.0", monkeypatch)
    assert (found.version, found.behind, found.edited) == ("0.1.0", False, ())


def test_given_an_update_that_is_staged_then_status_says_where_it_brings_the_repo(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(repo, "Makefile", "-include local.mk", "# my line\n-include local.mk")
    commit(repo, "Edits of the owner")
    follow(repo)
    monkeypatch.setattr("aifactory.update.versions.__version__", "0.2.0")
    place = Place(Home(repo.parent / "home"), repo, yaml_model.load(repo / "factory.yaml", Manifest))
    known = of(place)
    assert known["repo_waits"] == "an update from 0.1.0 to 0.2.0 is staged: commit it"
    found = known["repo"]
    assert (found["version"], found["newest"], found["behind"]) == ("0.2.0", "0.2.0", False)
    assert [one["path"] for one in found["edited"]] == ["Makefile"]


def test_given_a_conflict_that_waits_then_status_calls_it_one_until_it_is_decided(
    repo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(repo, "Makefile", "List the targets.", "What can be done here.")
    commit(repo, "Say it better")
    plan = follow(repo)
    monkeypatch.setattr("aifactory.update.versions.__version__", "0.2.0")
    place = Place(Home(repo.parent / "home"), repo, yaml_model.load(repo / "factory.yaml", Manifest))
    say(of(place))
    said = capsys.readouterr().out
    assert "once that is committed: conflict in Makefile, for you to decide (says" in said
    assert "conflict: decide it, then factory update --continue" in said
    assert "nothing to update" not in said

    (repo / "Makefile").write_text("decided:\n")
    update.go_on(repo, quiet)
    assert [change.path for change in plan.change_set.conflicts] == ["Makefile"]
    say(of(place))
    assert "once that is committed: nothing to update" in capsys.readouterr().out
