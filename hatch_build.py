"""Puts into wheel and sdist what git alone knows: a bundle of this repo, its commit, and its public address.

Standard library and git alone: it runs wherever the tool is built, as by `uv tool install git+ADDRESS`.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PLACE = "aifactory/scaffold/carried"
"""Folder of the package that gets `template.bundle` and `origin.json`; in an sdist they lie there already."""
ADDRESS = "FACTORY_TEMPLATE"
"""Variable that names the address when the checkout's own cannot be reached by others."""


class Carry(BuildHookInterface[Any]):
    """The hook; the bundle lies in a temporary folder, as a build must not change the checkout."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make both files and have them included; nothing in a checkout's own environment, or where there is no git."""
        root = Path(self.root)
        if version == "editable" or not (root / ".git").exists():
            return
        self._made = tempfile.TemporaryDirectory(prefix="factory-build-")
        bundle, origin = Path(self._made.name) / "template.bundle", Path(self._made.name) / "origin.json"
        if _git(root, "rev-parse", "--is-shallow-repository") == "true":
            _git(root, "fetch", "--quiet", "--unshallow")  # a bundle of a part could not be cloned
        _git(root, "bundle", "create", "--quiet", str(bundle), "HEAD", "--tags")
        commit = _git(root, "rev-parse", "HEAD")
        origin.write_text(json.dumps({"commit": commit, "address": _address(root, commit)}) + "\n", encoding="utf-8")
        build_data["force_include"] |= {str(path): f"{PLACE}/{path.name}" for path in (bundle, origin)}

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the temporary folder."""
        del version, build_data, artifact_path
        if hasattr(self, "_made"):
            self._made.cleanup()


def _address(root: Path, commit: str) -> str | None:
    """Where others find `commit`: origin, if it was pushed there and is no folder; else what the variable names."""
    pushed = _git(root, "for-each-ref", "--count=1", "--contains", commit, "refs/remotes/origin")
    address = _git(root, "config", "--get", "remote.origin.url", needed=False) if pushed else ""
    if not address or address.startswith((".", "/", "~", "file:")):
        address = os.environ.get(ADDRESS, "")
    return address or None


def _git(root: Path, *arguments: str, needed: bool = True) -> str:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    if done.returncode and needed:
        raise RuntimeError(f"git {arguments[0]} failed, so the template cannot be carried along: {done.stderr.strip()}")
    return done.stdout.strip()
