"""Release the factory, as `make release VERSION=0.2.0`: checks, changelog, version, tag, entry in releases.toml."""

from __future__ import annotations

import datetime
import re
import subprocess
import sys
from pathlib import Path

from aifactory import releases
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
    """Two commits and a tag in `root`, or an error and everything as it was."""
    known = releases.read((root / releases.FILE).read_text(encoding="utf-8"))
    _refuse(root, version, known)
    before = _git(root, "rev-parse", "HEAD")
    try:
        made = _tagged(root, version)
        _write(root, releases.FILE, releases.write((*known, made)))
        _set_version(root, _next(version))
        _commit(root, f"Note release {version} in {releases.FILE}; development goes on")
    except BaseException:
        # The tree was clean, so nothing of anybody's is lost.
        _git(root, "reset", "--quiet", "--hard", before)
        _git(root, "tag", "--delete", f"v{version}", needed=False)
        raise
    sys.stdout.write(
        f"Released {version} as commit {made.commit[:12]}, tag {made.tag}. Publish both: git push --follow-tags\n"
    )


def _refuse(root: Path, version: str, known: tuple[releases.Release, ...]) -> None:
    """Raise FactoryError for what stands in the way of a release and needs no long check."""
    wanted = releases.number(version)
    if known and wanted <= releases.number(known[-1].version):
        raise FactoryError(f"{version} is not newer than {known[-1].version}, the last release")
    if _git(root, "tag", "--list", f"v{version}"):
        raise FactoryError(
            f"the tag v{version} exists, and {releases.FILE} does not know it: remove it, or name another"
        )
    changed = _git(root, "status", "--porcelain")
    if changed:
        raise FactoryError(f"the tree is not clean: commit or remove {changed.split(maxsplit=1)[1].splitlines()[0]}")
    changelog = (root / releases.CHANGELOG).read_text(encoding="utf-8")
    if not releases.sections(changelog).get(releases.UNRELEASED):
        raise FactoryError(
            f"{releases.CHANGELOG} says nothing under '## {releases.UNRELEASED}': what changes for owners?"
        )


def _tagged(root: Path, version: str) -> releases.Release:
    """The release's own commit, checked, with its tag."""
    today = datetime.datetime.now(datetime.UTC).date()
    changelog = (root / releases.CHANGELOG).read_text(encoding="utf-8")
    _write(root, releases.CHANGELOG, releases.close_section(changelog, version, today))
    _set_version(root, version)
    if subprocess.run(["make", "--no-print-directory", "check"], cwd=root, check=False).returncode:
        raise FactoryError("make check fails, see above: nothing is released, and the tree is as it was")
    _commit(root, f"Release {version}")
    _git(root, "tag", "--annotate", "--message", f"Release {version}", f"v{version}")
    return releases.Release(version, _git(root, "rev-parse", "HEAD"), today)


def _next(version: str) -> str:
    """The version of the code between this release and the next."""
    major, minor, _patch = releases.number(version)
    return f"{major}.{minor + 1}.0.dev0"


def _set_version(root: Path, version: str) -> None:
    text = (root / VERSION_FILE).read_text(encoding="utf-8")
    _write(root, VERSION_FILE, _VERSION.sub(f'__version__ = "{version}"', text, count=1))


def _write(root: Path, name: str, text: str) -> None:
    files.write(root / name, text)


def _commit(root: Path, subject: str) -> None:
    _git(root, "commit", "--quiet", "--all", "--message", subject, "--allow-empty")


def _git(root: Path, *arguments: str, needed: bool = True) -> str:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    if done.returncode and needed:
        raise FactoryError(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
