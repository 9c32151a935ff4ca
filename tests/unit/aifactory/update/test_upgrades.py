"""The upgrade steps of the release that a repo goes to, run apart from whatever lies in the repo."""

from __future__ import annotations

from pathlib import Path

import pytest

from aifactory.update import tree, upgrades
from tests.fixtures.usecase_repo import bring_runtime, commit, git

OLD = "# yaml-language-server: $schema=src/aifactory_runtime/contract/manifest.v1.json\nschema: 1\n"


@pytest.mark.heavy
def test_given_a_module_of_the_owners_named_like_one_of_pythons_own_then_it_is_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo, rendered, workshop = tmp_path / "repo", tmp_path / "rendered", tmp_path / "workshop"
    for folder in (repo, rendered, workshop):
        folder.mkdir()
    bring_runtime(rendered)
    git(repo, "init", "--quiet")
    (repo / "factory.yaml").write_text(OLD)
    (repo / "json.py").write_text("raise SystemExit('the owner's own json')\n")
    commit(repo, "Start")
    monkeypatch.chdir(repo)
    monkeypatch.setenv("PYTHONPATH", str(repo))

    changed, due, reminders = upgrades.apply(repo, tree.of_commit(repo, "HEAD"), rendered, workshop / "owners")

    assert (
        tree.content(repo, changed["factory.yaml"].blob).decode().startswith("# yaml-language-server: $schema=vendor/")
    )
    assert len(due) == 1
    assert reminders == ()
    assert not (repo / "__pycache__").exists()
