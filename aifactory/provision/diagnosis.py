"""What this machine has of what the factory needs. Looks only; changes nothing."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aifactory.home import Home
from aifactory.provision import engine, servers, uv
from aifactory_runtime.errors import FactoryError

_OTHERS = 0o077
_NEEDED_GIB = 5
_MEND = "factory doctor --mend"


@dataclass(frozen=True)
class Finding:
    """One part: whether it is as needed, what was found, and the one command that mends it."""

    part: str
    good: bool
    found: str
    mend: str = ""
    needed: bool = True


def examine() -> list[Finding]:
    """Every finding, in the order in which people should mend."""
    checks: list[Callable[[], Finding]] = [_system, _python, _git, _git_identity, _uv, _engine, _servers, _home, _disk]
    return [check() for check in checks]


def _system() -> Finding:
    name = platform.system()
    return Finding("system", name == "Linux", f"{name} {platform.release()}", "" if name == "Linux" else "use Linux")


def _python() -> Finding:
    found = platform.python_version()
    good = sys.version_info >= (3, 11)
    return Finding("python", good, found, "" if good else "install Python 3.11 or newer")


def _git() -> Finding:
    path = shutil.which("git")
    return Finding("git", path is not None, path or "", "" if path else "install git")


def _git_identity() -> Finding:
    name = _git_setting("user.name")
    mend = "" if name else "git config --global user.name NAME; until then commits carry the owner's login"
    return Finding("git identity", bool(name), name, mend, needed=False)


def _git_setting(key: str) -> str:
    try:
        done = subprocess.run(["git", "config", key], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()


def _uv() -> Finding:
    try:
        return Finding("uv", True, uv.executable())
    except FactoryError:
        return Finding("uv", False, "", "pip install uv")


def _engine() -> Finding:
    found = engine.find()
    if found:
        return Finding("pulumi engine", True, f"{engine.version()} {found}")
    return Finding("pulumi engine", False, "", _MEND)


def _servers() -> Finding:
    found = servers.find()
    return Finding("platform servers", found is not None, str(found or ""), "" if found else _MEND)


def _home() -> Finding:
    root = Home.current().root
    if not root.exists():
        nearest = next(folder for folder in root.parents if folder.exists())
        good = os.access(nearest, os.W_OK)
        return Finding(
            "home", good, f"{root}, not there yet: factory up makes it", "" if good else f"make {nearest} writable"
        )
    if root.stat().st_mode & _OTHERS:
        return Finding("home", False, f"{root} can be read by others", f"chmod 700 {root}")
    return Finding("home", True, str(root))


def _disk() -> Finding:
    folder: Path = Home.current().root
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 2**30
    mend = "" if free >= _NEEDED_GIB else f"free {_NEEDED_GIB} GiB, or move FACTORY_HOME"
    return Finding("disk", free >= _NEEDED_GIB, f"{free:.0f} GiB free", mend)
