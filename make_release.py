"""Release the factory, as `make release VERSION=0.2.0`: checks, changelog, version, tag, entry in releases.toml."""

from __future__ import annotations

import datetime
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aifactory import git, releases
from aifactory_runtime import files
from aifactory_runtime.errors import FactoryError

VERSION_FILE = "runtime/src/aifactory_runtime/__init__.py"
"""The one place of the version of tool, runtime and template."""
_VERSION = re.compile(r'^__version__ = "(.+)"$', re.MULTILINE)


def main(arguments: list[str]) -> int:
    """Release the version that is named, in the checkout that is the working directory."""
    try:
        if len(arguments) != 1 or not arguments[0]:
            raise FactoryError("name the version: make release VERSION=0.2.0")
        release(Path.cwd(), arguments[0])
    except FactoryError as error:
        sys.stderr.write(f"release: {error}\n")
        return 1
    return 0


def release(root: Path, version: str) -> None:
    """Two commits and a tag in `root`, or an error and everything as it was.

    They are made and checked in a work tree of their own, since people go on working in `root` meanwhile.
    """
    known = releases.read((root / releases.FILE).read_text(encoding="utf-8"))
    _refuse(root, version, known)
    before = git.line(root, "rev-parse", "HEAD")
    with _work_tree(root, before) as place:
        made = _released(place, version)
        files.write(place / releases.FILE, releases.write((*known, made)))
        _set_version(place, _next(version))
        last = _commit(place, f"Note release {version} in {releases.FILE}; development goes on")
        _move_in(root, before, made, last)
    sys.stdout.write(
        f"Released {version} as commit {made.commit[:12]}, tag {made.tag}. Publish both: git push --follow-tags\n"
    )


def _refuse(root: Path, version: str, known: tuple[releases.Release, ...]) -> None:
    """Raise FactoryError for what stands in the way of a release and needs no long check."""
    wanted = releases.number(version)
    if known and wanted <= releases.number(known[-1].version):
        raise FactoryError(f"{version} is not newer than {known[-1].version}, the last release")
    if git.line(root, "tag", "--list", f"v{version}"):
        raise FactoryError(
            f"the tag v{version} exists, and {releases.FILE} does not know it: remove it, or name another"
        )
    if changed := _changed(root):
        raise FactoryError(f"the tree is not clean: commit or remove {changed}")
    changelog = (root / releases.CHANGELOG).read_text(encoding="utf-8")
    if not releases.sections(changelog).get(releases.UNRELEASED):
        raise FactoryError(
            f"{releases.CHANGELOG} says nothing under '## {releases.UNRELEASED}': what changes for owners?"
        )


@contextmanager
def _work_tree(root: Path, commit: str) -> Iterator[Path]:
    """A work tree of `commit` that is gone at the end."""
    with tempfile.TemporaryDirectory(prefix="factory-release-") as temporary:
        place = Path(temporary) / "factory"
        git.git(root, "worktree", "add", "--quiet", "--detach", str(place), commit)
        try:
            yield place
        finally:
            git.git(root, "worktree", "remove", "--force", str(place))


def _released(place: Path, version: str) -> releases.Release:
    """The release's own commit, checked."""
    today = datetime.datetime.now(datetime.UTC).date()
    changelog = (place / releases.CHANGELOG).read_text(encoding="utf-8")
    files.write(place / releases.CHANGELOG, releases.close_section(changelog, version, today))
    _set_version(place, version)
    # The work tree makes an environment of its own; it finds uv beside the interpreter that runs this.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    check = ["make", "--no-print-directory", "check"]
    if subprocess.run(check, cwd=place, env={**os.environ, "PATH": path}, check=False).returncode:
        raise FactoryError("make check fails, see above: nothing is released, and the tree is as it was")
    return releases.Release(version, _commit(place, f"Release {version}"), today)


def _move_in(root: Path, before: str, made: releases.Release, last: str) -> None:
    """Tag the release and bring `root`, still clean and at `before`, to its last commit; FactoryError does neither."""
    now = git.line(root, "rev-parse", "HEAD")
    if now != before:
        raise FactoryError(f"nothing is released: {now[:12]} was committed while make check ran: make release again")
    if changed := _changed(root):
        raise FactoryError(
            f"nothing is released: {changed} was changed while make check ran: commit or remove it, then again"
        )
    git.git(root, "tag", "--annotate", "--message", f"Release {made.version}", made.tag, made.commit)
    try:
        git.git(root, "merge", "--quiet", "--ff-only", last)
    except BaseException:
        git.git(root, "tag", "--delete", made.tag)
        raise


def _next(version: str) -> str:
    """The version of the code between this release and the next."""
    major, minor, _patch = releases.number(version)
    return f"{major}.{minor + 1}.0.dev0"


def _set_version(place: Path, version: str) -> None:
    text = (place / VERSION_FILE).read_text(encoding="utf-8")
    files.write(place / VERSION_FILE, _VERSION.sub(f'__version__ = "{version}"', text, count=1))


def _changed(root: Path) -> str:
    """The first file that no commit holds as it is; empty when there is none."""
    return git.line(root, "status", "--porcelain").partition("\n")[0].strip().partition(" ")[2].strip()


def _commit(place: Path, subject: str) -> str:
    git.git(place, "commit", "--quiet", "--all", "--message", subject, "--allow-empty")
    return git.line(place, "rev-parse", "HEAD")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
