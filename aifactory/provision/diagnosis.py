"""What this machine has of what the factory needs. Looks only; changes nothing."""

from __future__ import annotations

import importlib.util
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
from aifactory_runtime.config import network
from aifactory_runtime.errors import FactoryError

_OTHERS = 0o077
_NEEDED_GIB = 5
_MEND = "factory doctor --mend"
_PROGRAMS = {"make": "make", "prlimit": "util-linux"}
"""Program to the package that has it: repos are driven by make, scoring services are bounded by prlimit."""
_READERS = ("pandas", "pyarrow", "deltalake", "fsspec", "matplotlib")
_NETWORK = ("HTTPS_PROXY", "HTTP_PROXY", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "SSL_CERT_FILE")


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
    checks: list[Callable[[], Finding]] = [
        *(_system, _python, _git, _git_identity, _programs, _readers, _network),
        *(_uv, _engine, _servers, _home, _disk),
    ]
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


def _programs() -> Finding:
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    mend = f"install {' and '.join(_PROGRAMS[name] for name in missing)}" if missing else ""
    return Finding("programs", not missing, ", ".join(name for name in _PROGRAMS if name not in missing), mend)


def _readers() -> Finding:
    """Packages that `factory new --data` reads and draws with; looked for, not imported."""
    missing = [name for name in _READERS if importlib.util.find_spec(name) is None]
    mend = "install the tool again: make setup, or uv tool install" if missing else ""
    return Finding("table readers", not missing, ", ".join(name for name in _READERS if name not in missing), mend)


def _network() -> Finding:
    """What is set for a proxy, a private index and certificates; a file of certificates that is not there stops all."""
    found = [f"{name}={network.without_logins(value)}" for name in _NETWORK if (value := os.environ.get(name))]
    file = os.environ.get("SSL_CERT_FILE")
    good = not file or Path(file).is_file()
    return Finding(
        "network", good, ", ".join(found) or "direct", "" if good else f"SSL_CERT_FILE names no file: {file}"
    )


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
    if not root.is_dir():
        return Finding("home", False, f"{root} is not a folder", "let FACTORY_HOME name one that is new or empty")
    if not os.access(root, os.R_OK | os.W_OK | os.X_OK):
        mine = root.stat().st_uid == os.getuid()
        mend = f"chmod 700 {root}" if mine else "let FACTORY_HOME name a folder of yours"
        return Finding("home", False, f"{root} cannot be read, written and entered by you", mend)
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
