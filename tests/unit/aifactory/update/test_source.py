"""The template as a git repo at hand: its releases, and the mirror of a remote one."""

from __future__ import annotations

import datetime
import subprocess
import sys
from pathlib import Path

import pytest

from aifactory import mirror, releases
from aifactory.git import attempt
from aifactory.releases import Release
from aifactory.scaffold import origin
from aifactory.source import Source
from aifactory.update import source
from aifactory.update.source import locate
from aifactory_runtime import files
from aifactory_runtime.errors import FactoryError
from tests.fixtures.usecase_repo import commit, git


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("FACTORY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "templates"


def step(folder: Path, text: str, name: str = "copier.yml") -> str:
    (folder / name).write_text(text)
    return commit(folder, f"Write {name}")


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A template whose releases.toml names 0.1.0; 0.2.0 has a tag, and its entry comes in the commit after it."""
    folder = tmp_path / "template"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    first = step(folder, "first: 1\n")
    made = Release("0.1.0", first, datetime.date(2026, 11, 26))
    step(folder, releases.write([made]), releases.FILE)
    step(folder, "second: 2\n")
    git(folder, "tag", "--annotate", "--message", "Second", "v0.2.0")
    git(folder, "tag", "nightly")
    return folder


def named(found: Source) -> dict[str, str]:
    return {one.version: one.commit for one in found.releases}


def test_given_a_tag_that_releases_toml_does_not_name_yet_then_it_is_a_release_too(template: Path) -> None:
    head = git(template, "rev-parse", "HEAD")
    found = Source(template, "here")
    assert named(found) == {"0.1.0": git(template, "rev-parse", "HEAD~2"), "0.2.0": head}
    assert found.name_of(head) == "0.2.0"
    assert found.commit_of("0.2.0") == head
    step(template, "third: 3\n")
    assert "0.2.0" not in named(Source(template, "here", "HEAD~2")), "not merged into that head"


@pytest.mark.parametrize(("version", "known"), [("0.2.0", True), ("0.3.0.dev0", False)])
def test_given_a_tool_built_at_a_release_without_tags_then_its_own_version_is_one(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, known: bool
) -> None:
    git(template, "tag", "--delete", "v0.2.0")
    head = git(template, "rev-parse", "HEAD")
    git(template, "bundle", "create", "--quiet", str(tmp_path / "template.bundle"), "HEAD", "--tags")
    monkeypatch.setattr(origin, "checkout", lambda: None)
    monkeypatch.setattr(origin, "carried", lambda: (tmp_path / "template.bundle", head))
    monkeypatch.setattr(origin, "published", lambda *_: "https://git.example/factory.git")
    monkeypatch.setattr(source, "__version__", version)
    for _again in range(2):
        found = locate("https://git.example/factory.git", {})
        assert (named(found).get("0.2.0") == head) is known


def test_given_what_releases_toml_says_then_no_tag_says_otherwise(template: Path) -> None:
    said = Source(template, "here").releases[0].commit
    git(template, "tag", "v0.1.0", "HEAD")
    assert Source(template, "here").releases[0].commit == said


def test_given_a_remote_that_calls_its_main_branch_otherwise_by_now_then_the_mirror_follows(
    template: Path, tmp_path: Path
) -> None:
    address = mirrored(template, tmp_path)
    assert named(locate(address, {})).keys() == {"0.1.0", "0.2.0"}
    bare = tmp_path / "remote.git"
    git(bare, "branch", "--move", "main", "trunk")
    git(bare, "symbolic-ref", "HEAD", "refs/heads/trunk")
    found = locate(address, {})
    assert git(found.folder, "symbolic-ref", "HEAD") == "refs/heads/trunk"
    assert named(found).keys() == {"0.1.0", "0.2.0"}


def mirrored(template: Path, tmp_path: Path) -> str:
    """The address of a bare clone that git takes for a remote one."""
    git(tmp_path, "clone", "--quiet", "--bare", str(template), "remote.git")
    return f"git+file://{tmp_path}/remote.git"


@pytest.mark.heavy
def test_given_processes_that_want_the_same_template_then_one_at_a_time_fetches_it(
    template: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = mirrored(template, tmp_path)
    script = f"from aifactory.update.source import locate; print(locate({address!r}, {{}}).commit_of('HEAD'))"
    both = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert {one.communicate()[0].strip() for one in both} == {git(template, "rev-parse", "HEAD")}
    (lock,) = cache.glob("*.lock")
    held, real = list[str](), attempt

    def watched(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        with pytest.raises(FactoryError, match="held"):
            files.refuse_locked(lock, "held")
        held.append(arguments[0])
        return real(folder, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(mirror, "attempt", watched)
        locate(address, {})
    assert held == ["fetch", "ls-remote"]


def test_given_a_hook_of_another_repo_around_us_then_the_templates_own_files_are_unpacked(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    git(tmp_path, "init", "--quiet", str(other))
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    found = locate(str(template), {})
    found.extract(found.commit_of("0.2.0"), tmp_path / "place")
    assert (tmp_path / "place" / "copier.yml").read_text() == "second: 2\n"
