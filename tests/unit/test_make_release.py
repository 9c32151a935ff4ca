"""make_release.py in a git repo of its own, whose `make check` is a line of a Makefile."""

from __future__ import annotations

from pathlib import Path

import pytest

import make_release
from aifactory import releases
from tests.fixtures.usecase_repo import commit, git

CHANGELOG = "# Changelog\n\n## Unreleased\n\n- Tables with titles are read.\n"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repo with what a release reads and writes, at 0.1.0.dev0, as the working directory."""
    root = tmp_path / "factory"
    version = root / make_release.VERSION_FILE
    version.parent.mkdir(parents=True)
    version.write_text('"""The runtime."""\n\n__version__ = "0.1.0.dev0"\n')
    (root / "Makefile").write_text("check:\n\t@true\n")
    (root / releases.FILE).write_text(releases.write([]))
    (root / releases.CHANGELOG).write_text(CHANGELOG)
    git(root, "init", "--quiet", "--initial-branch=main")
    commit(root, "Start")
    monkeypatch.chdir(root)
    return root


def version_at(root: Path, ref: str) -> str:
    return git(root, "show", f"{ref}:{make_release.VERSION_FILE}").splitlines()[-1]


def test_given_a_clean_checkout_then_the_tag_carries_the_version_and_the_next_commit_lists_it(checkout: Path) -> None:
    assert make_release.main(["0.1.0"]) == 0

    (known,) = releases.read((checkout / releases.FILE).read_text())
    assert (known.version, known.commit) == ("0.1.0", git(checkout, "rev-parse", "v0.1.0^{commit}"))
    assert git(checkout, "rev-parse", "HEAD~1") == known.commit
    assert version_at(checkout, "v0.1.0") == '__version__ = "0.1.0"'
    assert version_at(checkout, "HEAD") == '__version__ = "0.2.0.dev0"'
    said = releases.sections((checkout / releases.CHANGELOG).read_text())
    assert said == {"Unreleased": "", "0.1.0": "- Tables with titles are read."}
    assert git(checkout, "status", "--porcelain") == ""


def dirty(root: Path) -> None:
    (root / "Makefile").write_text("check:\n\t@true  # edited\n")


def red(root: Path) -> None:
    (root / "Makefile").write_text("check:\n\t@false\n")
    commit(root, "Break the check")


def silent(root: Path) -> None:
    (root / releases.CHANGELOG).write_text("# Changelog\n\n## Unreleased\n")
    commit(root, "Say nothing")


def tagged(root: Path) -> None:
    git(root, "tag", "v0.1.0")


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("prepare", "version", "words"),
    [
        (dirty, "0.1.0", "the tree is not clean: commit or remove Makefile"),
        (red, "0.1.0", "make check fails"),
        (silent, "0.1.0", "CHANGELOG.md says nothing under '## Unreleased'"),
        (tagged, "0.1.0", "the tag v0.1.0 exists"),
        (None, "0.1", "three whole numbers"),
        (None, "", "name the version"),
    ],
)
def test_given_what_stands_in_the_way_then_it_is_said_and_nothing_is_changed(
    checkout: Path, capsys: pytest.CaptureFixture[str], prepare: object, version: str, words: str
) -> None:
    if callable(prepare):
        prepare(checkout)
    before = git(checkout, "status", "--porcelain"), git(checkout, "rev-parse", "HEAD"), git(checkout, "tag")

    assert make_release.main([version]) == 1

    said = capsys.readouterr().err
    assert said.startswith("release: ")
    assert words in said
    assert (git(checkout, "status", "--porcelain"), git(checkout, "rev-parse", "HEAD"), git(checkout, "tag")) == before


def checked_by(root: Path, line: str) -> None:
    """Commit a `make check` that runs `line` of shell; $(CURDIR) is where it runs."""
    (root / "Makefile").write_text(f"check:\n\t@{line}\n")
    commit(root, "Check otherwise")


def refs(root: Path) -> str:
    """Every branch and tag, and the work trees there are."""
    return git(root, "show-ref") + git(root, "worktree", "list")


@pytest.mark.heavy
@pytest.mark.parametrize("name", [releases.CHANGELOG, "Makefile", "notes.txt"])
@pytest.mark.parametrize("ending", ["", "; false"])
def test_given_a_file_that_is_edited_while_the_check_runs_then_the_edit_stays_and_nothing_is_released(
    checkout: Path, capsys: pytest.CaptureFixture[str], name: str, ending: str
) -> None:
    checked_by(checkout, f"echo '# mine' >>{checkout / name}{ending}")
    before = refs(checkout)

    assert make_release.main(["0.1.0"]) == 1

    assert refs(checkout) == before
    assert git(checkout, "status", "--porcelain").split() == ["??" if name == "notes.txt" else "M", name]
    assert (checkout / name).read_text().endswith("# mine\n")
    if not ending:
        assert capsys.readouterr().err == (
            f"release: nothing is released: {name} was changed while make check ran: commit or remove it, then again\n"
        )


def test_given_a_commit_that_is_made_while_the_check_runs_then_it_stays_and_nothing_is_released(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    person = "git -c user.name=Ana -c user.email=ana@example.com"
    checked_by(checkout, f"{person} -C {checkout} commit --quiet --allow-empty --message Mine")

    assert make_release.main(["0.1.0"]) == 1

    assert "was committed while make check ran: make release again" in capsys.readouterr().err
    assert git(checkout, "log", "-1", "--format=%s") == "Mine"
    assert git(checkout, "tag") == git(checkout, "status", "--porcelain") == ""


def test_given_a_tag_that_is_made_while_the_check_runs_then_it_stays_and_the_branch_too(checkout: Path) -> None:
    checked_by(checkout, f"git -C {checkout} tag v0.1.0")
    before = git(checkout, "rev-parse", "HEAD")

    assert make_release.main(["0.1.0"]) == 1

    assert git(checkout, "rev-parse", "HEAD") == git(checkout, "rev-parse", "v0.1.0") == before


def test_given_a_checkout_then_what_is_checked_is_the_release_in_a_folder_of_its_own(checkout: Path) -> None:
    checked_by(checkout, f"test '$(CURDIR)' != {checkout} && grep -q '\"0.1.0\"' {make_release.VERSION_FILE}")

    assert make_release.main(["0.1.0"]) == 0

    assert len(git(checkout, "worktree", "list").splitlines()) == 1
    assert git(checkout, "symbolic-ref", "--short", "HEAD") == "main"


def test_given_a_released_version_then_an_older_or_equal_one_is_refused(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert make_release.main(["0.1.0"]) == 0
    text = (checkout / releases.CHANGELOG).read_text()
    (checkout / releases.CHANGELOG).write_text(text.replace("## Unreleased\n", "## Unreleased\n\n- More.\n"))
    commit(checkout, "Say more")
    for version in ("0.1.0", "0.0.9"):
        assert make_release.main([version]) == 1
        assert f"{version} is not newer than 0.1.0" in capsys.readouterr().err
    assert make_release.main(["0.2.0"]) == 0
    assert [one.version for one in releases.read((checkout / releases.FILE).read_text())] == ["0.1.0", "0.2.0"]
