"""Resource PortLease: a loopback port that is a service's own, tried by a real bind under one lock per user."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from pathlib import Path

from infra.providers.local import files, layout, processes
from infra.providers.local.files import locked
from infra.providers.local.kind import Kind, Values
from infra.providers.protocol.failure import Failure
from infra.providers.protocol.values import UNKNOWN

LEASED = "leased"
# Below the ports that Linux hands out to outgoing connections, so that a stopped service finds its port free again.
_FIRST, _COUNT = 21000, 10000


def registry() -> Path:
    """Folder with one file per leased port, for all homes of this user."""
    return _cache() / "ports"


def _cache() -> Path:
    """The folder of `aifactory.home.cache`, which this package may not import: both keep to one rule."""
    base = os.environ.get("FACTORY_CACHE")
    if base:
        return Path(base).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aifactory"


def foreign_holder(home: str, port: int) -> str | None:
    """Who listens on the port without belonging to this home's supervisor; None when nobody does."""
    ours = str(layout.socket(home))
    for listener in processes.listeners(port):
        if not any(processes.environment(pid).get(processes.MARK) == ours for pid in listener.pids):
            return listener.described()
    return None


class PortLease(Kind):
    """A port by name. It moves to another number when a process that is not ours sits on it."""

    inputs = frozenset({"home", "name"})
    replaced_by = frozenset({"home", "name"})
    made = frozenset({"port"})

    def desired(self, inputs: Values) -> Values:
        """Written down, and nobody else on it."""
        del inputs
        return {"status": LEASED}

    def create(self, inputs: Values) -> tuple[str, Values]:
        """Take the port that this name had, else the first that is free."""
        home, name = inputs["home"], inputs["name"]
        with locked(registry() / ".lock"):
            leases = files.own_json(layout.ports(home))
            port = leases.get(name)
            if not isinstance(port, int) or foreign_holder(home, port):
                port = _free_port(home, name, set(leases.values()))
            _write_down(home, {**leases, name: port})
            files.write(registry() / f"{port}.json", json.dumps({"home": home, "name": name}))
        return f"{name}:{port}", {**inputs, "port": port, "status": LEASED}

    def read(self, state: Values) -> Values | None:
        """Gone when it is no longer written down; drift when somebody else listens."""
        if files.own_json(layout.ports(state["home"])).get(state["name"]) != state["port"]:
            return None
        holder = foreign_holder(state["home"], state["port"])
        return {**state, "status": f"port {state['port']} is taken by {holder}" if holder else LEASED}

    def update(self, state: Values, inputs: Values) -> Values:
        """Move away from whoever took it."""
        _forget(state["port"], state["home"])
        return self.create(inputs)[1]

    def foreseen(self, state: Values, inputs: Values) -> Values:
        """Which port it will be shows when it is bound."""
        return {**super().foreseen(state, inputs), "port": UNKNOWN}

    def delete(self, state: Values) -> None:
        """Give the port back."""
        home, name = state["home"], state["name"]
        with locked(registry() / ".lock"):
            leases = files.own_json(layout.ports(home))
            if leases.pop(name, None) is not None:
                _write_down(home, leases)
            _forget(state["port"], home)


def reclaim(home: str) -> list[str]:
    """Enter the leases that a home's own list names among those of all homes; a sentence for each that is taken."""
    taken = []
    with locked(registry() / ".lock"):
        for name, port in sorted(files.own_json(layout.ports(home)).items()):
            holder = foreign_holder(home, port)
            if holder or _leased_elsewhere(port, home):
                taken.append(f"port {port} of {name} is taken by {holder or 'another home'}")
            else:
                files.write(registry() / f"{port}.json", json.dumps({"home": home, "name": name}))
    return taken


def _write_down(home: str, leases: dict[str, int]) -> None:
    files.write(layout.ports(home), json.dumps(leases, indent=2, sort_keys=True) + "\n")


def _forget(port: int, home: str) -> None:
    entry = registry() / f"{port}.json"
    if files.own_json(entry).get("home") == home:
        entry.unlink(missing_ok=True)


def _free_port(home: str, name: str, taken: set[int]) -> int:
    """A port that no home has leased and that can be bound now; the search starts at a place of the name's own."""
    start = int.from_bytes(hashlib.sha256(f"{home}\n{name}".encode()).digest()[:4])
    for step in range(_COUNT):
        port = _FIRST + (start + step) % _COUNT
        if port not in taken and not _leased_elsewhere(port, home) and _can_bind(port):
            return port
    raise Failure(f"no port is free between {_FIRST} and {_FIRST + _COUNT}: stop something that listens there")


def _leased_elsewhere(port: int, home: str) -> bool:
    """Whether another home holds the port; a lease of a home that is gone does not count."""
    entry = files.own_json(registry() / f"{port}.json")
    other = entry.get("home")
    if not other or other == home:
        return False
    return bool(files.own_json(layout.ports(other)).get(str(entry.get("name"))) == port)


def _can_bind(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((layout.LOOPBACK, port))
        except OSError:
            return False
        return True
