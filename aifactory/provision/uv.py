"""Environments made with uv from hash-pinned locks: complete or absent, never half-made."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from aifactory_runtime.config import network
from aifactory_runtime.errors import FactoryError

_SIGN_SECONDS = 10.0


def executable() -> str:
    """Path of uv: the one installed with the tool, else the one on PATH; FactoryError says how to get it."""
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        raise FactoryError("uv is missing: pip install uv")
    return found


def lock_digest(lock: Path) -> str:
    """Name of the environment that `lock` describes on this interpreter; the first 16 hex digits."""
    salt = f"{sys.version_info.major}.{sys.version_info.minor}\n".encode()
    return hashlib.sha256(salt + lock.read_bytes()).hexdigest()[:16]


def make_environment(lock: Path, target: Path, say: Callable[[str], None]) -> None:
    """Install exactly what `lock` pins into a new environment at `target`, bytecode compiled; says that it lives.

    It is made beside `target` and moved there when it is complete. Of two that make it at once the first one's stays.
    """
    uv = executable()
    making = target.with_name(f".{target.name}-{os.getpid()}")
    shutil.rmtree(making, ignore_errors=True)
    making.parent.mkdir(parents=True, exist_ok=True)
    try:
        _run([uv, "venv", "--quiet", "--relocatable", "--python", sys.executable, str(making)], say)
        python = str(making / "bin" / "python")
        _run(
            [uv, "pip", "sync", "--quiet", "--require-hashes", "--compile-bytecode", "--python", python, str(lock)], say
        )
        _put(making, target)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _put(made: Path, target: Path) -> None:
    """Move `made` to `target`; one that works stays, as another made it meanwhile and servers may run from it."""
    try:
        made.rename(target)
    except OSError:
        if (target / "bin" / "python").exists():
            return
        shutil.rmtree(target, ignore_errors=True)
        made.rename(target)


def _run(command: list[str], say: Callable[[str], None]) -> None:
    """Run to the end; every few seconds a sign of life."""
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as told, subprocess.Popen(command, stdout=told, stderr=told) as process:
        while (code := _ended(process)) is None:
            say(f"  still installing, {time.monotonic() - began:.0f} s ...")
        told.seek(0)
        lines = told.read().strip().splitlines()
    if code != 0:
        said = network.without_logins(lines[-1].strip() if lines else "no output")
        raise FactoryError(f"{Path(command[0]).name} {command[1]} failed: {said}{_advice(lines)}")


def _advice(lines: list[str]) -> str:
    """What to set, when it is the network that failed."""
    text = " ".join(lines).lower()
    if "certificate" in text or "unknownissuer" in text:
        return "; the company's certificates: set SSL_CERT_FILE to their file"
    if "401" in text or "403" in text or "unauthorized" in text:
        return "; the index refuses the login: set UV_INDEX_URL with another"
    if "connect" in text or "dns" in text or "timed out" in text:
        return "; behind a proxy set HTTPS_PROXY, with an index of your own UV_INDEX_URL"
    return ""


def _ended(process: subprocess.Popen[bytes]) -> int | None:
    try:
        return process.wait(_SIGN_SECONDS)
    except subprocess.TimeoutExpired:
        return None
