"""The environment that the platform's servers run in: MLflow, Dagster, supervisor, from their own lock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from aifactory import home
from aifactory.provision import uv


def lock() -> Path:
    """Lock of the servers, carried with the programs."""
    import infra

    return Path(next(iter(infra.__path__))) / "services" / "requirements.txt"


def interpreter() -> Path:
    """Where the interpreter of the servers' environment is, or will be."""
    return home.cache() / "platform" / uv.lock_digest(lock()) / "bin" / "python"


def find() -> Path | None:
    """Interpreter of the servers' environment when it is there, else None."""
    return interpreter() if interpreter().exists() else None


def ensure(say: Callable[[str], None]) -> Path:
    """Interpreter of the servers' environment, made when it is missing."""
    found = find()
    if found:
        return found
    say("Installing the platform's servers (MLflow, Dagster, supervisor) into an environment of their own, once ...")
    uv.make_environment(lock(), interpreter().parent.parent, say)
    return interpreter()
