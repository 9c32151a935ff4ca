"""The engine and the servers' environment together: fetched when a command may do that, else required."""

from __future__ import annotations

from collections.abc import Callable

from aifactory.provision import engine, servers
from aifactory_runtime.errors import FactoryError


def fetch(say: Callable[[str], None]) -> None:
    """Install the engine and the servers when they are missing."""
    engine.ensure(say)
    servers.ensure(say)


def require() -> None:
    """FactoryError when the engine or the servers are missing."""
    if engine.find() is None:
        raise FactoryError("the Pulumi engine is missing: factory doctor --mend")
    if servers.find() is None:
        raise FactoryError("the platform's servers are not installed: factory doctor --mend")
