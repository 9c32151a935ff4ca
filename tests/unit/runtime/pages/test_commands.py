"""The command `pages`: prints where they begin, and of which environment it speaks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from aifactory_runtime.pages.commands import pages

pytestmark = pytest.mark.slow  # a repo, a registry


def test_given_a_repo_with_nothing_provisioned_when_asked_then_the_first_page_is_written_and_named(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo / "src")
    done = CliRunner().invoke(pages, [], standalone_mode=False)
    assert done.exception is None
    written = repo / ".factory" / "embedded" / "artifacts" / "pages" / "index.html"
    assert done.stdout == f"{written}\n" and "Nobody has looked yet" in written.read_text()
    said = CliRunner().invoke(pages, ["--json"], standalone_mode=False).stdout
    assert json.loads(said) == {"environment": "embedded", "pages": str(written)}
    (repo / ".factory" / "prod.json").write_text("{}")
    assert "this speaks of embedded" in CliRunner().invoke(pages, [], standalone_mode=False).stderr
