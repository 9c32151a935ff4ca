"""What the launchers of clusters say: who has a cluster, who waits for it, where its pages are."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aifactory.home import Home
from aifactory.provision import applied

_SECONDS = 2.0
_ANSWER = 65_536


@dataclass(frozen=True)
class ClusterState:
    """The cluster of one use case in one environment, as texts for people."""

    use_case: str
    environment: str
    size: str
    state: str
    runs: str
    address: str


def clusters(home: Home, use_case: str | None = None) -> list[ClusterState]:
    """Those of every applied use case that has one, or only of `use_case`."""
    found = []
    for name, environment in applied.use_cases(home):
        contract: dict[str, Any] = dict(applied.outputs(home, name, environment))
        if use_case in (None, name) and contract.get("cluster_uri"):
            found.append(_state(name, environment, contract))
    return found


def dashboard(contract: Mapping[str, Any]) -> str | None:
    """Where the pages of the cluster are that this environment brings; None while no run has it, or it has none."""
    place = contract.get("cluster_socket")
    said = _ask(str(place)) if place else None
    return None if said is None else said.get("dashboard")


def _state(use_case: str, environment: str, contract: Mapping[str, Any]) -> ClusterState:
    place, address = contract.get("cluster_socket"), str(contract["cluster_uri"])
    if not place:
        return ClusterState(use_case, environment, "", "run by others", "", address)
    size = f"{contract['cluster_workers']} workers of {float(contract['cluster_memory_gb']):g} GB"
    said = _ask(str(place))
    if said is None:
        return ClusterState(use_case, environment, size, "its launcher does not answer: factory up", "", "")
    runs = said.get("runs") or []
    waiting = f"; {len(runs) - 1} wait" if len(runs) > 1 else ""
    state = "idle: starts with a run" if not runs else "running"
    return ClusterState(
        use_case, environment, size, state, f"{runs[0]}{waiting}" if runs else "", said["dashboard"] or ""
    )


def _ask(place: str) -> dict[str, Any] | None:
    """The launcher's answer; None when there is none."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asked:
        asked.settimeout(_SECONDS)
        try:
            asked.connect(place)
            asked.sendall(b'{"ask": "status"}\n')
            text = b""
            while b"\n" not in text and (more := asked.recv(_ANSWER)):
                text += more
            said = json.loads(text)
        except (OSError, ValueError):
            return None
    return said if isinstance(said, dict) else None
