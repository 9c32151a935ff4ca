"""Where this tool is from: the checkout it runs in, the template it carries, and the address that others can reach."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from aifactory_runtime.config import outer
from aifactory_runtime.errors import FactoryError, UsageProblem

VARIABLE = "FACTORY_TEMPLATE"
FILE = "file://"
_CARRIED = Path(__file__).with_name("carried")
"""What hatch_build.py puts into a wheel."""
_KNOWN_FORGES = ("https://github.com/", "https://gitlab.com/")
"""Of these copier knows without a hint that they hold git repos."""
_LOGIN = re.compile(r"^((?:git\+)?https?://)[^/@\s]+@")


def checkout() -> Path | None:
    """The checkout that this code runs from; None when it is installed."""
    folder = Path(__file__).resolve().parents[2]
    return folder if (folder / "copier.yml").is_file() and (folder / ".git").exists() else None


def carried() -> tuple[Path, str] | None:
    """The bundle in an installed tool, and the commit that the tool is made of; None in a checkout."""
    bundle = _CARRIED / "template.bundle"
    return (bundle, _said()["commit"]) if bundle.is_file() else None


def published(checkout: Path | None, commit: str, variables: Mapping[str, str]) -> str | None:
    """The address under which others find `commit`; None when no such address is known.

    The checkout's origin if the commit was pushed there, else where the tool was installed from, else what was written
    into it when it was built, else what the variable names.
    """
    installed = installed_from()
    found = (
        (_pushed_to(checkout, commit) if checkout else None)
        or (installed[0] if installed else None)
        or (_said().get("address") if carried() else None)
        or variables.get(VARIABLE)
        or None
    )
    if found is None:
        return None
    folder = local_folder(found)
    if folder is None:
        return as_git(found)
    return str(folder) if git(folder, "cat-file", "-e", commit, succeeds=True) else None


def installed_from() -> tuple[str, str | None] | None:
    """Address and commit that the installer wrote down; None when it came from an index or as a file."""
    try:
        written = metadata.distribution("aifactory").read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return None
    known = json.loads(written) if written else {}
    url = str(known.get("url", ""))
    if known.get("vcs_info", {}).get("vcs") == "git":
        return (url if url.startswith(FILE) else as_git(url)), known["vcs_info"].get("commit_id")
    if url.startswith(FILE) and (Path(url.removeprefix(FILE)) / "copier.yml").is_file():
        return url, None
    return None


def as_git(address: str) -> str:
    """A remote address as copier takes it for a git one, without a login: it is kept in repos.

    `git+` goes before it only where copier needs that: git itself, and so Renovate, does not know such an address.
    """
    address = _LOGIN.sub(r"\1", address)
    plain = address.removeprefix("git+")
    known = plain.startswith(_KNOWN_FORGES) or plain.endswith(".git")
    return plain if known or plain.startswith("git@") or "://" not in plain else f"git+{plain}"


def local_folder(address: str) -> Path | None:
    """The folder that `address` names, absolute (a relative one would break every update); None for a remote one."""
    folder = Path(address.removeprefix(FILE)).expanduser()
    if folder.is_dir():
        return folder.resolve()
    if address.startswith((FILE, ".", "/", "~")):
        raise UsageProblem(f"{address} is not a folder: name the template's git address")
    return None


def git(folder: Path, *arguments: str, succeeds: bool = False) -> str:
    """What git says in `folder`, nothing when it finds nothing; with `succeeds`, a word when it found something.

    UsageProblem when git does not take the folder for a repo.
    """
    environment = {**outer.without_git(os.environ), "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], env=environment, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise FactoryError("git is missing: install it") from None
    if "not a git repository" in done.stderr:
        raise UsageProblem(f"{folder} is not a git repo: a repo made from it could never be updated")
    if "dubious ownership" in done.stderr:
        raise UsageProblem(
            f"{folder} belongs to another account, so git refuses it; if you trust it: "
            f"git config --global --add safe.directory {shlex.quote(str(folder))}"
        )
    return ("" if done.returncode else "yes") if succeeds else done.stdout.strip()


def _pushed_to(checkout: Path, commit: str) -> str | None:
    """Address of the checkout's origin when one of its branches, as last fetched, holds `commit`."""
    if not git(checkout, "for-each-ref", "--count=1", "--contains", commit, "refs/remotes/origin"):
        return None
    address = git(checkout, "config", "--get", "remote.origin.url")
    return str((checkout / address).resolve()) if address.startswith(".") else address


def _said() -> dict[str, str]:
    """Commit and address that were written down when this tool was built."""
    found: dict[str, str] = json.loads((_CARRIED / "origin.json").read_text(encoding="utf-8"))
    return found
