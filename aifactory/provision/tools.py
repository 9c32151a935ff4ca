"""The engine and the servers' environment together: fetched when a command may do that, else required."""

from __future__ import annotations

from collections.abc import Callable

from aifactory.provision import engine, servers
from aifactory_runtime.errors import FactoryError


def fetch(say: Callable[[str], None], *, here: bool = True) -> None:
    """Install the engine and, unless nothing is made `here` on this machine, the servers when they are missing."""
    engine.ensure(say)
    if here:
        servers.ensure(say)


def require(*, here: bool = True) -> None:
    """FactoryError when the engine or, unless nothing is made `here` on this machine, the servers are missing."""
    if engine.find() is None:
        raise FactoryError("the Pulumi engine is missing: factory doctor --mend")
    if here and servers.find() is None:
        raise FactoryError("the platform's servers are not installed: factory doctor --mend")
