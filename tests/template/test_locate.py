"""Where the template of `factory new` is taken from: the checkout, the installed tool's origin, or an address."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from aifactory import releases
from aifactory.scaffold import locate, origin
from aifactory_runtime.errors import FactoryError, UsageProblem
from tests.fixtures.usecase_repo import commit, git
from tests.template.support import CHECKOUT

COMMIT = "f" * 40


class Installed:
    """What an installer writes down of the tool."""

    written: str | None = None

    def read_text(self, _name: str) -> str | None:
        return self.written


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> type[Installed]:
    """The tool as it is installed: without a checkout, so far without a bundle."""
    monkeypatch.setattr(origin, "checkout", lambda: None)
    monkeypatch.setattr("importlib.metadata.distribution", lambda _name: Installed())
    monkeypatch.setattr(Installed, "written", None)
    return Installed


def carry(monkeypatch: pytest.MonkeyPatch, folder: Path, address: str | None) -> Path:
    """What a wheel holds: a bundle, its commit and the address written down at the build."""
    (folder / "template.bundle").write_bytes(b"")
    (folder / "origin.json").write_text(json.dumps({"commit": COMMIT, "address": address}))
    monkeypatch.setattr(origin, "_CARRIED", folder)
    return folder / "template.bundle"


def test_given_this_checkout_then_it_is_its_own_template() -> None:
    found = locate(None, "HEAD", {})
    assert found.address == str(CHECKOUT)
    assert found.ref == git(CHECKOUT, "rev-parse", "HEAD")


@pytest.fixture
def untagged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This tool's checkout as a clone without tags: one release, named in releases.toml alone, and a commit past it."""
    folder = tmp_path / "factory"
    git(tmp_path, "init", "--quiet", "--initial-branch=main", str(folder))
    (folder / "copier.yml").write_text("_subdirectory: template\n")
    released = releases.Release("0.1.0", commit(folder, "Release 0.1.0"), datetime.date(2026, 11, 26))
    (folder / releases.FILE).write_text(releases.write([released]))
    commit(folder, "Note release 0.1.0")
    monkeypatch.setattr(origin, "checkout", lambda: folder)
    return folder


@pytest.mark.parametrize("ref", ["0.1.0", "v0.1.0"])
def test_given_a_clone_without_tags_then_a_release_is_found_by_its_number_and_is_not_called_unreleased(
    untagged: Path, ref: str
) -> None:
    found = locate(None, ref, {})
    assert found.ref == git(untagged, "rev-parse", "HEAD^")
    assert not [note for note in found.notes if "unreleased" in note]
    assert locate(str(untagged), ref, {}).ref == found.ref


def test_given_a_commit_that_is_no_release_then_it_is_called_unreleased_by_what_it_is(
    untagged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aifactory.scaffold.template.__version__", "0.2.0.dev0")
    head = git(untagged, "rev-parse", "HEAD")
    assert locate(None, "main", {}).unreleased == f"0.1.0 and 1 commit ({head[:12]})"
    assert locate(None, None, {}).unreleased == "0.2.0.dev0, which is newer than the last release of the factory"
    (note,) = [note for note in locate(None, "main", {}).notes if note.startswith("unreleased")]
    assert "was not tested as a release is" in note
    assert "factory new --ref VERSION" in note
    with pytest.raises(UsageProblem, match=r"0\.7\.0 is not a release, .*: its releases\.toml names releases"):
        locate(None, "0.7.0", {})


def test_given_an_installed_tool_then_its_address_and_commit_are_the_templates(
    installed: type[Installed], template: Path
) -> None:
    installed.written = json.dumps(
        {"url": "https://git.example/factory.git", "vcs_info": {"vcs": "git", "commit_id": COMMIT}}
    )
    found = locate(None, None, {"FACTORY_TEMPLATE": "ignored"})
    assert (found.address, found.ref) == ("https://git.example/factory.git", COMMIT)
    assert locate(None, "0.1.0", {}).ref == "v0.1.0"
    installed.written = None
    assert locate(None, None, {"FACTORY_TEMPLATE": str(template)}).address == str(template)
    with pytest.raises(UsageProblem, match="FACTORY_TEMPLATE"):
        locate(None, None, {})


@pytest.mark.parametrize(
    ("addresses", "kept"),
    [
        (
            ("https://me:hunter2@git.example/f", "https://b.example/f", "https://v.example/f"),
            "git+https://git.example/f",
        ),
        ((None, "https://b.example/f", "https://v.example/f"), "git+https://b.example/f"),
        ((None, None, "ssh://git@v.example/f"), "git+ssh://git@v.example/f"),
        ((None, None, "https://gitlab.com/team/f"), "https://gitlab.com/team/f"),
        ((None, None, "git+https://v.example/f.git"), "https://v.example/f.git"),
        ((None, None, "git@v.example:f.git"), "git@v.example:f.git"),
        ((None, None, ""), None),
    ],
)
def test_given_a_wheel_then_its_bundle_is_rendered_and_an_address_that_others_reach_is_kept(
    installed: type[Installed],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    addresses: tuple[str | None, str | None, str],
    kept: str | None,
) -> None:
    url, built, variable = addresses
    bundle = carry(monkeypatch, tmp_path, built)
    installed.written = url and json.dumps({"url": url, "vcs_info": {"vcs": "git", "commit_id": COMMIT}})

    found = locate(None, None, {"FACTORY_TEMPLATE": variable})

    assert (found.address, found.ref) == (str(bundle), COMMIT)
    assert (found.published, found.private) == (kept, kept is None)
    assert found.kept == (kept or str(bundle))


@pytest.mark.heavy
def test_given_a_checkout_then_its_origin_is_kept_only_once_the_commit_was_pushed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, template: Path
) -> None:
    own, remote = tmp_path / "own", tmp_path / "published.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(template), str(remote))
    git(tmp_path, "clone", "--quiet", str(remote), str(own))
    monkeypatch.setattr(origin, "checkout", lambda: own)
    monkeypatch.setattr("importlib.metadata.distribution", lambda _name: Installed())

    pushed = locate(None, None, {})
    assert (pushed.address, pushed.kept, pushed.private) == (str(own), str(remote), False)

    git(own, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--allow-empty", "-m", "Mine")
    mine = locate(None, None, {})
    assert (mine.kept, mine.private) == (str(own), True)
    assert locate(None, None, {"FACTORY_TEMPLATE": str(remote)}).kept == str(own)  # it does not hold the commit
    git(own, "push", "--quiet", "origin", "HEAD")
    assert locate(None, None, {}).kept == str(remote)


def test_given_a_relative_address_then_it_is_kept_absolute(template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(template.parent)
    assert locate(template.name, None, {}).address == str(template)
    assert locate(f"file://{template}", None, {}).address == str(template)


def test_given_a_user_in_the_address_then_it_is_not_shown() -> None:
    assert "me" not in locate("https://me:hunter2@git.example/f.git", None, {}).shown.split("//")[1]


def test_given_a_machine_without_git_then_it_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FactoryError, match="git is missing: install it"):
        locate(None, "HEAD", {})


def test_given_a_checkout_of_another_account_then_gits_reason_and_the_command_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "-q")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own switch for such tests

    for ref in ("main", None):
        with pytest.raises(UsageProblem, match=f"git config --global --add safe.directory {tmp_path}$"):
            locate(str(tmp_path), ref, {})
