"""Where the template is: the checkout this command runs from, where it was installed from, or what a person names."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from aifactory_runtime.errors import FactoryError, UsageProblem

VARIABLE = "FACTORY_TEMPLATE"
_FILE = "file://"
_USERINFO = re.compile(r"://[^/@\s]+@")


@dataclass(frozen=True)
class Template:
    """A git address and the commit or tag to take; None takes the latest tag, as copier does."""

    address: str
    ref: str | None = None
    dirty: bool = False
    """Whether uncommitted changes of a checkout are taken along."""

    @property
    def shown(self) -> str:
        """Address and version, as people read it; a user name in the address is left out."""
        address = _USERINFO.sub("://", self.address)
        version = "with uncommitted changes" if self.dirty else f"at {self.ref[:12] if self.ref else 'its latest tag'}"
        return f"{address} {version}"


def locate(
    address: str | None, ref: str | None, variables: Mapping[str, str], *, allow_dirty: bool = False
) -> Template:
    """The template to take: `address`, else the checkout's, else where the tool was installed from, else the variable.

    A local one gets an explicit commit. UsageProblem when there is none, when `ref` is not in it, or when a checkout
    holds changes that are not committed and `allow_dirty` does not ask for them.
    """
    found, installed_ref = (address, None) if address else _own(variables)
    folder = _folder(found)
    if folder is None:
        return Template(found, ref or installed_ref)
    return _local(folder, ref or installed_ref, allow_dirty)


def _own(variables: Mapping[str, str]) -> tuple[str, str | None]:
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "copier.yml").is_file() and (checkout / ".git").exists():
        return str(checkout), None
    installed = _installed_from()
    if installed is not None:
        return installed
    if variables.get(VARIABLE):
        return variables[VARIABLE], None
    raise UsageProblem(f"no template is known: name its git address with --template ADDRESS or {VARIABLE}")


def _installed_from() -> tuple[str, str | None] | None:
    """Address and commit that the installer wrote down; None when it came from an index."""
    try:
        written = metadata.distribution("aifactory").read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return None
    known = json.loads(written) if written else {}
    url = str(known.get("url", ""))
    if known.get("vcs_info", {}).get("vcs") == "git":
        return (url if url.startswith(_FILE) else f"git+{url}"), known["vcs_info"].get("commit_id")
    if url.startswith(_FILE) and (Path(url.removeprefix(_FILE)) / "copier.yml").is_file():
        return url, None
    return None


def _folder(address: str) -> Path | None:
    """The folder that `address` names, absolute (a relative one would break every update); None for a remote one."""
    folder = Path(address.removeprefix(_FILE)).expanduser()
    if folder.is_dir():
        return folder.resolve()
    if address.startswith((_FILE, ".", "/", "~")):
        raise UsageProblem(f"{address} is not a folder: name the template's git address")
    return None


def _local(folder: Path, ref: str | None, allow_dirty: bool) -> Template:
    if ref is None and _git(folder, "status", "--porcelain"):
        if allow_dirty:
            return Template(str(folder), "HEAD", dirty=True)
        raise UsageProblem(f"{folder} has uncommitted changes: commit them, or take them along with --allow-dirty")
    commit = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref or 'HEAD'}^{{commit}}")
    if not commit:
        raise UsageProblem(
            f"{ref or 'HEAD'} is not a commit, tag or branch of {folder}: git -C {folder} tag lists them"
        )
    return Template(str(folder), commit)


def _git(folder: Path, *arguments: str) -> str:
    """What git says in `folder`, nothing when it finds nothing; UsageProblem when git does not take it for a repo."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise FactoryError("git is missing: install it") from None
    if "not a git repository" in done.stderr:
        raise UsageProblem(f"{folder} is not a git repo: a repo made from it could never be updated")
    if "dubious ownership" in done.stderr:
        raise UsageProblem(
            f"{folder} belongs to another account, so git refuses it; if you trust it: "
            f"git config --global --add safe.directory {shlex.quote(str(folder))}"
        )
    return done.stdout.strip()
