"""A template with releases, as this checkout would release it, and repos that were made from one of them."""

from __future__ import annotations

import datetime
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from aifactory import releases
from tests.fixtures.usecase_repo import commit, git
from tests.template.support import CHECKOUT, make_template, render

DAY = datetime.date(2026, 11, 26)


@dataclass(frozen=True)
class ReleasedTemplate:
    """A git repo with the template, releases.toml and CHANGELOG.md."""

    folder: Path

    def write(self, path: str, text: str) -> None:
        """Put a file into it."""
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text, encoding="utf-8")

    def replace(self, path: str, old: str, new: str) -> None:
        """Change a text that must be there."""
        text = (self.folder / path).read_text(encoding="utf-8")
        assert old in text, f"{path} does not hold {old!r}"
        self.write(path, text.replace(old, new, 1))

    def release(self, version: str, says: str) -> None:
        """Commit, tag and list what lies there, as `make release` does."""
        self.replace(releases.CHANGELOG, "## Unreleased\n", f"## Unreleased\n\n{says}\n")
        text = (self.folder / releases.CHANGELOG).read_text(encoding="utf-8")
        self.write(releases.CHANGELOG, releases.close_section(text, version, DAY))
        made = releases.Release(version, commit(self.folder, f"Release {version}"), DAY)
        git(self.folder, "tag", made.tag)
        known = releases.read((self.folder / releases.FILE).read_text(encoding="utf-8"))
        self.write(releases.FILE, releases.write((*known, made)))
        commit(self.folder, f"Note release {version}")


def clone_with_tags(folder: Path) -> ReleasedTemplate:
    """A clone of this checkout's commit, with the tags that releases.toml names: they are not in every clone."""
    subprocess.run(["git", "clone", "--quiet", "--no-tags", str(CHECKOUT), str(folder)], check=True)
    for one in releases.read((folder / releases.FILE).read_text(encoding="utf-8")):
        git(folder, "tag", one.tag, one.commit)
    return ReleasedTemplate(folder)


def make_released(folder: Path) -> ReleasedTemplate:
    """The template with 0.1.0 as it lies here, and a made-up 0.2.0: a file changed, moved, removed and added."""
    folder.mkdir(parents=True)
    made = ReleasedTemplate(make_template(folder))
    made.write(releases.FILE, releases.write([]))
    made.write(releases.CHANGELOG, "# Changelog\n\n## Unreleased\n")
    made.release("0.1.0", "- The first.")
    made.replace("template/Makefile.jinja", "List the targets.", "List all targets.")
    made.write("template/docs/on-call.md.jinja", "# On call for {{ title }}\n")
    moved = next((folder / "template/docs").glob("extending.md*"))
    git(folder, "mv", str(moved), str(moved.with_name(moved.name.replace("extending", "own-behaviour"))))
    (folder / "template/.dockerignore").unlink()
    made.release("0.2.0", "- Targets are listed better. Nothing to do.")
    return made


def make_repo(template: ReleasedTemplate, folder: Path, version: str = "v0.1.0") -> Path:
    """A repo of that version, committed, with the owner's own line in three places that are the owner's."""
    render(template.folder, folder, ref=version)
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "Start")
    return folder


def copied(repo: Path, folder: Path) -> Path:
    """A copy of a repo that a test may change."""
    shutil.copytree(repo, folder, symlinks=True)
    return folder
